// The REST half of the gateway, as the inbox needs it.

/** @import { CannedReply, Conversation, ConversationPage, Message, MessagePage, PhoneNumber, QuickFile } from './types.d.ts' */
/** @import { Access } from './access.js' */

export class Api {
  #access;

  /** @param {Access} access */
  constructor(access) {
    this.#access = access;
  }

  /**
   * A page of the list, newest activity first.
   *
   * @param {string | null} [cursor]
   * @returns {Promise<ConversationPage>}
   */
  conversations(cursor) {
    return this.#asked('GET', `/v1/conversations?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  /**
   * One conversation with its contact.
   *
   * @param {string} id
   * @returns {Promise<Conversation>}
   */
  conversation(id) {
    return this.#asked('GET', `/v1/conversations/${id}`);
  }

  /**
   * The tenant's numbers, and how sending from each stands.
   *
   * @returns {Promise<PhoneNumber[]>}
   */
  async numbers() {
    return (await this.#asked('GET', '/v1/numbers')).numbers;
  }

  /**
   * A page of a thread, newest first.
   *
   * @param {string} id
   * @param {string | null} [before]
   * @returns {Promise<MessagePage>}
   */
  messages(id, before) {
    return this.#asked('GET', `/v1/conversations/${id}/messages?limit=50${before ? `&before=${before}` : ''}`);
  }

  /**
   * A message with all its times, and why it waits.
   *
   * @param {string} id
   * @returns {Promise<Message & {delay?: any}>}
   */
  message(id) {
    return this.#asked('GET', `/v1/messages/${id}`);
  }

  /** Takes back a message that still waits. */
  withdraw(id) {
    return this.#asked('DELETE', `/v1/messages/${id}`);
  }

  /**
   * Decides about an unknown outcome.
   *
   * @param {string} id
   * @param {'send_again' | 'give_up'} action
   */
  resolve(id, action) {
    return this.#asked('POST', `/v1/messages/${id}/resolve`, { action });
  }

  /**
   * A page of the canned replies, in order of their shortcuts.
   *
   * @param {string | null} [cursor]
   * @returns {Promise<{canned_replies: CannedReply[], next_cursor: string | null}>}
   */
  cannedReplies(cursor) {
    return this.#asked('GET', `/v1/canned-replies?limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  /** Adds a canned reply, or replaces the text of the one with this shortcut; a private one is seen by nobody else. */
  putCannedReply(shortcut, text, isPrivate = false) {
    return this.#asked('PUT', `/v1/canned-replies/${encodeURIComponent(shortcut)}`, { text, ...(isPrivate && { private: true }) });
  }

  /**
   * The files at hand, in order of their shortcuts.
   *
   * @returns {Promise<QuickFile[]>}
   */
  async quickFiles() {
    return (await this.#asked('GET', '/v1/quick-files')).quick_files;
  }

  /** Deletes a canned reply. */
  deleteCannedReply(shortcut) {
    return this.#asked('DELETE', `/v1/canned-replies/${encodeURIComponent(shortcut)}`);
  }

  /** A ticket for one WebSocket. Somebody who is signed in is the agent; in the demo the page names one. */
  async ticket({ agent, name }) {
    const named = this.#access.isSession ? {} : { agent, name };
    return (await this.#asked('POST', '/v1/ws/ticket', named)).ticket;
  }

  #asked(method, path, body) {
    return this.#access.asked(method, path, body);
  }
}
