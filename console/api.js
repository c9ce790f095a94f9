// The REST half of the gateway, as the page needs it. The key stays in this object: never in storage, never in a cookie.

const DEADLINE = 15_000;

/** A refusal by the gateway, or a network that did not answer (`status` 0). */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class Api {
  #fetch;
  #key = null;

  constructor(fetch) {
    this.#fetch = fetch;
  }

  /** Who sits here, as the demo says it; takes the key for all later calls. */
  async session() {
    const { api_key: key, ...me } = await this.#call('GET', '/demo/session');
    this.#key = key;
    return me;
  }

  /** A page of the list, newest activity first. */
  conversations(cursor) {
    return this.#asked('GET', `/v1/conversations?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  /** One conversation with its contact. */
  conversation(id) {
    return this.#asked('GET', `/v1/conversations/${id}`);
  }

  /** The tenant's numbers, and how sending from each stands. */
  async numbers() {
    return (await this.#asked('GET', '/v1/numbers')).numbers;
  }

  /** A page of a thread, newest first. */
  messages(id, before) {
    return this.#asked('GET', `/v1/conversations/${id}/messages?limit=50${before ? `&before=${before}` : ''}`);
  }

  /** A message with all its times, and why it waits. */
  message(id) {
    return this.#asked('GET', `/v1/messages/${id}`);
  }

  /** Takes back a message that still waits. */
  withdraw(id) {
    return this.#asked('DELETE', `/v1/messages/${id}`);
  }

  /** Decides about an unknown outcome: `send_again` or `give_up`. */
  resolve(id, action) {
    return this.#asked('POST', `/v1/messages/${id}/resolve`, { action });
  }

  /** A page of the canned replies, in order of their shortcuts. */
  cannedReplies(cursor) {
    return this.#asked('GET', `/v1/canned-replies?limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  /** Adds a canned reply, or replaces the text of the one with this shortcut. */
  putCannedReply(shortcut, text) {
    return this.#asked('PUT', `/v1/canned-replies/${encodeURIComponent(shortcut)}`, { text });
  }

  /** Deletes a canned reply. */
  deleteCannedReply(shortcut) {
    return this.#asked('DELETE', `/v1/canned-replies/${encodeURIComponent(shortcut)}`);
  }

  /** A ticket for one WebSocket. */
  async ticket(agent, name) {
    return (await this.#asked('POST', '/v1/ws/ticket', { agent, name })).ticket;
  }

  /** A call with the key. A server that started anew may have made another one: then it is fetched, once. */
  async #asked(method, path, body) {
    if (this.#key === null) await this.session();
    try {
      return await this.#call(method, path, body);
    } catch (error) {
      if (error.status !== 401) throw error;
      await this.session();
      return this.#call(method, path, body);
    }
  }

  async #call(method, path, body) {
    const headers = {};
    if (this.#key !== null) headers.authorization = `Bearer ${this.#key}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    let response;
    try {
      response = await this.#fetch(path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(DEADLINE),
        credentials: 'omit',
        cache: 'no-store',
      });
    } catch {
      throw new ApiError(0, 'unreachable', 'The server cannot be reached.');
    }
    const text = await response.text();
    let json;
    try {
      json = text === '' ? {} : JSON.parse(text);
    } catch {
      throw new ApiError(response.status, 'not_json', 'The server gave an answer that is none.');
    }
    if (!response.ok) {
      throw new ApiError(response.status, json.error?.code ?? 'unknown', json.error?.message ?? response.statusText);
    }
    return json;
  }
}
