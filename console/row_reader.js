// Reads the conversations of which events told only what changed, and which the page does not know: each once at a time, a
// few at once, and again after a while when that fails. Network, timers and randomness are passed in.

import { backoff } from './backoff.js';

const AT_ONCE = 4;

/** @import { Conversation, Timers } from './types.d.ts' */

export class RowReader {
  #reading = new Set();
  #waiting = new Map();
  #failures = new Map();

  /**
   * `wanted()` gives the ids; `read(id)` resolves with a conversation; `loaded(conversation)` takes it and `gone(id)` says
   * that there is none.
   *
   * @param {{wanted: () => Iterable<string>, read: (id: string) => Promise<Conversation>,
   *   loaded: (conversation: Conversation) => void, gone: (id: string) => void, timers: Timers, random: () => number}} given
   */
  constructor({ wanted, read, loaded, gone, timers, random }) {
    this.wanted = wanted;
    this.read = read;
    this.loaded = loaded;
    this.gone = gone;
    this.timers = timers;
    this.random = random;
  }

  /** Reads what is wanted by now. */
  look() {
    for (const id of this.wanted()) {
      if (this.#reading.size >= AT_ONCE) return;
      if (!this.#reading.has(id) && !this.#waiting.has(id)) this.#start(id);
    }
  }

  /** Everything is loaded anew: no answer that is on its way counts any more. */
  forget() {
    for (const timer of this.#waiting.values()) this.timers.clearTimeout(timer);
    this.#reading = new Set();
    this.#waiting = new Map();
    this.#failures = new Map();
  }

  async #start(id) {
    const reading = this.#reading;
    reading.add(id);
    let answer;
    try {
      const conversation = await this.read(id);
      answer = () => this.loaded(conversation);
    } catch (error) {
      answer = error.status === 404 ? () => this.gone(id) : null;
    }
    if (reading !== this.#reading) return;
    reading.delete(id);
    if (answer) {
      this.#failures.delete(id);
      answer();
    } else {
      this.#wait(id);
    }
    this.look();
  }

  #wait(id) {
    const failures = this.#failures.get(id) ?? 0;
    this.#failures.set(id, failures + 1);
    const again = () => {
      this.#waiting.delete(id);
      this.look();
    };
    this.#waiting.set(id, this.timers.setTimeout(again, backoff(failures, this.random)));
  }
}
