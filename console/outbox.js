// Frames that must arrive: kept until the gateway says that it has them, and sent again after every reconnect.
//
// The gateway accepts a `client_msg_id` once, so sending a frame again is always safe. What is here is only in memory:
// the page warns before it is closed with something left. Of one conversation a frame waits for the one before it, so that
// what the agent wrote arrives in that order; all together stay well below the frames that the gateway takes in a second.

// Refusals that say "not now"; any other one is final. Whatever carries `retry_after_ms` is "not now" as well.
const LATER = new Set([
  'busy',
  'idempotency_in_progress',
  'internal',
  'queue_full',
  'rate_limited',
  'timeout',
  'unavailable',
  'uncertain',
]);
// Something that is broken over there may break on this very frame: it is not tried for ever.
const MOST_INTERNAL = 5;
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;
const ANSWER_LASTS = 20_000;
const MOST = 200;
const MOST_UNDER_WAY = 4;
const BETWEEN = 100;

/** An outbox; `transmit(frame)` hands a frame to the socket and says whether there was a live connection. */
export class Outbox {
  #waiting = new Map();
  #transmit;
  #timers;
  #random;
  #resting = null;

  constructor({ transmit, timers, random }) {
    this.#transmit = transmit;
    this.#timers = timers;
    this.#random = random;
  }

  /** How many frames nobody has acknowledged. */
  get size() {
    return this.#waiting.size;
  }

  /** Takes a frame with a `client_msg_id`, to be sent as soon as it can be. Says no when far too much is waiting already. */
  add(frame) {
    if (this.#waiting.size >= MOST) return false;
    this.#waiting.set(frame.client_msg_id, { frame, tries: 0, state: 'ready', timer: null });
    this.#pump();
    return true;
  }

  /** Sends everything again, oldest first: for a connection that has just become live. */
  resend() {
    for (const entry of this.#waiting.values()) this.#become(entry, 'ready');
    this.#pump();
  }

  /** The gateway has it. Returns whether it was ours. */
  accepted(id) {
    const ours = this.#remove(id);
    this.#pump();
    return ours;
  }

  /** The gateway did not take it: returns true when that is final, and tries again later when it is not. */
  refused(error) {
    const entry = this.#waiting.get(error.client_msg_id);
    if (!entry) return false;
    entry.tries += 1;
    const later = LATER.has(error.code) || error.retry_after_ms !== undefined;
    if (!later || (error.code === 'internal' && entry.tries >= MOST_INTERNAL)) {
      this.#remove(error.client_msg_id);
      this.#pump();
      return true;
    }
    const cap = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** entry.tries);
    const wait = error.retry_after_ms ?? Math.round((0.5 + this.#random() / 2) * cap);
    this.#become(entry, 'later', wait);
    return false;
  }

  /** Sends what may be sent now: the oldest of each conversation, a few at a time. */
  #pump() {
    if (this.#resting !== null) return;
    const entries = [...this.#waiting.values()];
    const underWay = entries.filter((entry) => entry.state === 'sent').length;
    if (underWay >= MOST_UNDER_WAY) return;
    const passed = new Set();
    const next = entries.find((entry) => {
      const place = entry.frame.conversation_id;
      const mayGo = entry.state === 'ready' && !passed.has(place);
      passed.add(place);
      return mayGo;
    });
    if (!next || !this.#transmit(next.frame)) return;
    this.#become(next, 'sent', ANSWER_LASTS);
    this.#resting = this.#timers.setTimeout(() => {
      this.#resting = null;
      this.#pump();
    }, BETWEEN);
  }

  /** Changes the state of an entry; after a while without an answer, or when it may be tried again, it is ready once more. */
  #become(entry, state, wait) {
    this.#timers.clearTimeout(entry.timer);
    entry.state = state;
    entry.timer = null;
    if (wait === undefined) return;
    entry.timer = this.#timers.setTimeout(() => {
      this.#become(entry, 'ready');
      this.#pump();
    }, wait);
  }

  #remove(id) {
    const entry = this.#waiting.get(id);
    if (!entry) return false;
    this.#timers.clearTimeout(entry.timer);
    return this.#waiting.delete(id);
  }
}
