// The tenant's canned replies: read once when first needed, and again after each change. No DOM in here.

import { t } from './language.js';
import { folded } from './search.js';

const SHORTCUT = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** Whether the gateway takes this as a shortcut. */
export function isShortcut(text) {
  return SHORTCUT.test(text);
}

/** What an agent may read about a refusal. */
export function sentenceOf(error) {
  if (error.status === 0) return t('refusal.unreachable');
  if (error.code === 'limit_reached') return t('canned.limit');
  if (error.status === 401 || error.status === 403) return t('canned.forbidden');
  if (error.status === 429 || error.status >= 500) return t('refusal.not_now');
  return error.message || t('refusal.other');
}

/** The replies that a query finds: those whose shortcut begins with it, then those that hold it anywhere. */
export function findReplies(replies, query) {
  const wanted = folded(query).trim();
  if (wanted === '') return replies;
  const begins = replies.filter((reply) => reply.shortcut.startsWith(wanted));
  const holds = replies.filter(
    (reply) =>
      !reply.shortcut.startsWith(wanted) && (reply.shortcut.includes(wanted) || folded(reply.text).includes(wanted)),
  );
  return [...begins, ...holds];
}

/** More than anybody writes: 500 replies each. */
const MOST_PAGES = 100;

export class CannedReplies {
  /** In order of their shortcuts; as far as they are known. */
  all = [];
  /** Files at hand under shortcuts; none on a gateway that keeps none. */
  files = [];
  /** `unknown` before they were first read, then `known`. */
  state = 'unknown';
  /** Whether they are being read. */
  loading = false;
  /** Whether the last attempt to read them failed. */
  failed = false;
  #api;
  #changed;
  #watchers = new Set();
  #turn = 0;

  /** `changed()` is called after every change. */
  constructor({ api, changed }) {
    this.#api = api;
    this.#changed = () => {
      changed();
      for (const tell of this.#watchers) tell();
    };
  }

  /** Calls `tell()` after every change, too, until the function that this gives is called. */
  watch(tell) {
    this.#watchers.add(tell);
    return () => this.#watchers.delete(tell);
  }

  /** Reads them, unless that was done or is being done. */
  need() {
    if (this.state === 'unknown' && !this.loading) this.load();
  }

  /** Reads them all. When this begins again before it ends, what was asked for last counts. */
  async load() {
    this.#turn += 1;
    const turn = this.#turn;
    this.loading = true;
    this.#changed();
    const [all, files] = await Promise.all([this.#pages().catch(() => null), this.#api.quickFiles().catch((error) => (error.status === 404 ? [] : this.files))]);
    if (turn !== this.#turn) return;
    this.files = files;
    this.loading = false;
    this.failed = all === null;
    if (all !== null) {
      this.all = all;
      this.state = 'known';
    }
    this.#changed();
  }

  async #pages() {
    const all = [];
    let cursor = null;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const { canned_replies: replies, next_cursor: next } = await this.#api.cannedReplies(cursor);
      all.push(...replies);
      if (!next) return all;
      cursor = next;
    }
    throw new Error('the canned replies have no end');
  }

  /** The reply under a shortcut, everybody's or one's own, as far as it is known. */
  get(shortcut, isPrivate = false) {
    return this.all.find((reply) => reply.shortcut === shortcut && Boolean(reply.private) === isPrivate);
  }

  /** Whether it can be deleted: under a shortcut that is one's own, too, the own one goes first. */
  isRemovable({ shortcut, private: isPrivate }) {
    return Boolean(isPrivate) || this.get(shortcut, true) === undefined;
  }

  /** Adds one, or replaces the text of the one with this shortcut; a private one is seen by nobody else. */
  async put(shortcut, text, { isPrivate = false } = {}) {
    const reply = await this.#api.putCannedReply(shortcut, text, isPrivate);
    // Whoever shares what was their own has it once.
    const others = this.all.filter((one) => one.shortcut !== shortcut || (isPrivate && !one.private));
    this.#changeTo([...others, reply].sort(byShortcut));
  }

  /** Deletes one; also when somebody else was faster. */
  async remove(shortcut) {
    try {
      await this.#api.deleteCannedReply(shortcut);
    } catch (error) {
      if (error.status !== 404) throw error;
    }
    const gone = this.get(shortcut, true) ?? this.get(shortcut);
    this.#changeTo(this.all.filter((reply) => reply !== gone));
  }

  // Shown at once, and read again for what others changed meanwhile.
  #changeTo(all) {
    this.all = all;
    this.load();
  }
}

// The gateway's order is that of bytes, which shortcuts have in common with UTF-16.
function byShortcut(one, other) {
  return one.shortcut === other.shortcut ? (one.private ? -1 : 1) : one.shortcut < other.shortcut ? -1 : 1;
}
