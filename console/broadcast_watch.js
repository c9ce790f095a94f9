// Looking at one broadcast again and again: when an event tells of it, and by itself where no event would. No DOM in here.

/** Between two looks, at least: events may tell more often. */
const APART = 1_000;
/** When it is looked at without an event, by where it stands: a plan, and what limits a run, are told by none. */
const LOOKS_AGAIN = { planning: 1_000, running: 5_000, paused: 15_000, scheduled: 15_000 };
const AFTER_FAILURE_AT_MOST = 30_000;

export class Watch {
  #given;
  #timer = null;
  #last = -Infinity;
  #failures = 0;
  #isReading = false;
  #isWanted = false;
  #isStopped = false;

  /**
   * `read()` gives the broadcast, `put(broadcast)` and `failed(error)` hear what came of it; `isSeen()` says whether anybody sees the page.
   *
   * @param {{read: () => Promise<any>, put: (broadcast: any) => void, failed: (error: any) => void, isSeen: () => boolean, timers: any, now: () => number}} given
   */
  constructor(given) {
    this.#given = given;
  }

  /** Looks as soon as it may: something happened. */
  hint() {
    this.#isWanted = true;
    if (!this.#isReading) this.#in(Math.max(0, this.#last + APART - this.#given.now()));
  }

  /** Somebody sees the page again. */
  shown() {
    if (this.#isWanted) this.hint();
  }

  stop() {
    this.#isStopped = true;
    this.#given.timers.clearTimeout(this.#timer);
  }

  #in(wait) {
    const { timers } = this.#given;
    timers.clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = timers.setTimeout(() => this.#look(), wait);
  }

  async #look() {
    const { read, put, failed, isSeen, now } = this.#given;
    this.#isWanted = true;
    if (this.#isReading || this.#isStopped || !isSeen()) return;
    this.#isReading = true;
    this.#isWanted = false;
    this.#last = now();
    let again;
    try {
      const broadcast = await read();
      this.#failures = 0;
      again = LOOKS_AGAIN[broadcast.state];
      if (!this.#isStopped) put(broadcast);
    } catch (error) {
      this.#failures += 1;
      // What is gone does not come back.
      if (error.status !== 404) again = Math.min(APART * 2 ** this.#failures, AFTER_FAILURE_AT_MOST);
      if (!this.#isStopped) failed(error);
    }
    this.#isReading = false;
    if (this.#isWanted) this.hint();
    else if (again !== undefined) this.#in(again);
  }
}
