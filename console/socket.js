// The agents' socket: connects, resumes where it left off, and hands over every event exactly once and in order.
//
// The page's cursor is (epoch, seq) and `seq` has no gaps. An event at or below the cursor was applied already and is
// dropped; one further than the next means that something was lost: the connection is given up and resumed from the
// cursor, never patched over. When the gateway cannot resume (`resync`), everything is reloaded by REST and continues from
// the position that the answer carries. Network, timers and randomness are passed in; the DOM is not used.

import { afterClose, backoff } from './backoff.js';
import { Outbox } from './outbox.js';

const GREETING_LASTS = 10_000;
const PONG_LASTS = 10_000;
const ANSWER_LASTS = 10_000;
const ACK_EVERY_MS = 1_000;
const ACK_EVERY_EVENTS = 100;
const STABLE_AFTER = 5_000;
const MOST_BUFFERED = 5_000;
const GAPS_BEFORE_RELOAD = 3;

/**
 * `url` of the socket; `ticket()` gives a promise of a fresh ticket; `cursor()` gives `{epoch, seq}` of the last applied
 * event; `on` holds the callbacks `link`, `events`, `welcome`, `reload`, `accepted`, `refused`, `caughtUp`, `frame`.
 * `on.reload(reason)` reloads by REST and resolves when the cursor is the one of the answer.
 */
export class AgentSocket {
  #phase = 'stopped';
  #turn = 0;
  #ws = null;
  #timer = null;
  #greeting = null;
  #heart = null;
  #heartbeatMs = 25_000;
  #heard = 0;
  #failures = 0;
  #liveSince = null;
  #told = undefined;
  /** The code of the last refusal that answers no frame: it may be why the connection is closed. */
  #code = undefined;
  /** When the gateway is to be asked again at the earliest, as it said itself. */
  #notBefore = 0;
  #gaps = 0;
  #buffer = [];
  #catchUp = null;
  #wasLive = false;
  #acked = { seq: 0, at: 0, timer: null };
  #asked = new Map();
  #refs = 0;

  constructor({ url, ticket, cursor, on, WebSocket, timers, random, now }) {
    this.url = url;
    this.ticket = ticket;
    this.cursor = cursor;
    this.on = on;
    this.WebSocket = WebSocket;
    this.timers = timers;
    this.random = random;
    this.now = now;
    this.outbox = new Outbox({ transmit: (frame) => this.tell(frame), timers, random });
  }

  /** Connects and stays connected until `stop`. */
  start() {
    if (this.#phase === 'stopped') this.#connect();
  }

  /** Closes and does not come back. */
  stop(why) {
    this.#abandon(1000);
    this.#phase = 'stopped';
    this.on.link({ state: 'stopped', why });
  }

  /** Tries at once instead of waiting on, unless the gateway told when; asks for a sign of life when it is connected. */
  nudge() {
    if (this.#phase === 'waiting' && this.now() >= this.#notBefore) this.#connect();
    else if (this.#phase === 'live') this.#probe();
  }

  /** Sends a frame if there is a live connection; says whether it did. */
  tell(frame) {
    if (this.#phase !== 'live' || this.#ws?.readyState !== 1) return false;
    this.#ws.send(JSON.stringify(frame));
    return true;
  }

  /** Sends a frame that must arrive: it needs a `client_msg_id`. */
  submit(frame) {
    return this.outbox.add(frame);
  }

  /** Sends a frame and resolves with its `ok`, or rejects with its `error`, in time. */
  ask(frame) {
    this.#refs += 1;
    const ref = `r${this.#refs}`;
    return new Promise((resolve, reject) => {
      if (!this.tell({ ...frame, ref })) {
        reject({ code: 'disconnected', message: '' });
        return;
      }
      const timer = this.timers.setTimeout(() => {
        this.#asked.delete(ref);
        reject({ code: 'timeout', message: '' });
      }, ANSWER_LASTS);
      this.#asked.set(ref, { resolve, reject, timer });
    });
  }

  // --- connecting --------------------------------------------------------------------------------------------------

  async #connect() {
    this.timers.clearTimeout(this.#timer);
    this.#turn += 1;
    const turn = this.#turn;
    this.#phase = 'connecting';
    this.#told = undefined;
    this.#code = undefined;
    this.on.link({ state: 'connecting', failures: this.#failures });
    let ticket;
    try {
      ticket = await this.ticket();
    } catch (error) {
      if (turn === this.#turn) this.#refusedTicket(error);
      return;
    }
    if (turn !== this.#turn) return;
    const ws = new this.WebSocket(this.url, ['mesej.v2', `ticket.${ticket}`]);
    this.#ws = ws;
    const current = (handle) => (event) => {
      if (turn === this.#turn) handle(event);
    };
    ws.onopen = current(() => ws.send(JSON.stringify({ type: 'hello', ...this.cursor() })));
    ws.onmessage = current((event) => this.#received(event.data));
    ws.onclose = current((event) => this.#closed(event.code));
    ws.onerror = null;
    this.#greeting = this.timers.setTimeout(
      current(() => this.#drop()),
      GREETING_LASTS,
    );
  }

  // Whom the gateway does not let in stays away; a quota passes.
  #refusedTicket({ status, code, wait }) {
    if (status === 403) {
      this.#phase = 'stopped';
      this.on.link({ state: 'stopped', code });
      return;
    }
    this.#notBefore = this.now() + (wait ?? 0);
    this.#retry(Math.max(wait ?? 0, backoff(this.#failures, this.random)), code);
  }

  #closed(code) {
    const told = this.#told;
    this.#abandon();
    const next = afterClose(code, { failures: this.#failures, told, random: this.random });
    if (next.stop) {
      this.#phase = 'stopped';
      this.on.link({ state: 'stopped', why: next.why, code: this.#code });
    } else {
      this.#retry(next.wait);
    }
  }

  /** Gives this connection up and comes back. */
  #drop() {
    this.#abandon(4000);
    this.#retry(undefined);
  }

  #retry(wait, code) {
    const delay = wait ?? backoff(this.#failures, this.random);
    this.#failures += 1;
    this.#phase = 'waiting';
    this.on.link({ state: 'waiting', until: this.now() + delay, failures: this.#failures, code });
    this.timers.clearTimeout(this.#timer);
    this.#timer = this.timers.setTimeout(() => this.#connect(), delay);
  }

  /** Forgets the connection: nothing that it still does is heard. */
  #abandon(code) {
    this.#turn += 1;
    const lasted = this.#liveSince === null ? 0 : this.now() - this.#liveSince;
    if (lasted > STABLE_AFTER) this.#failures = 0;
    this.#liveSince = null;
    this.#buffer = [];
    for (const timer of [this.#timer, this.#greeting, this.#heart, this.#acked.timer]) this.timers.clearTimeout(timer);
    this.#acked.timer = null;
    for (const { reject, timer } of this.#asked.values()) {
      this.timers.clearTimeout(timer);
      reject({ code: 'disconnected', message: '' });
    }
    this.#asked.clear();
    if (this.#ws && code !== undefined && this.#ws.readyState <= 1) this.#ws.close(code);
    this.#ws = null;
  }

  // --- receiving ---------------------------------------------------------------------------------------------------

  #received(text) {
    this.#heard = this.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      this.#drop();
      return;
    }
    switch (frame.type) {
      case 'welcome':
        this.#welcomed(frame);
        break;
      case 'events':
        this.#takeEvents(frame.events);
        break;
      case 'skipped':
        this.#takeSkipped(frame);
        break;
      case 'limit_changed':
        this.#reload('limit_changed');
        break;
      case 'resync':
        this.#reload(frame.reason);
        break;
      case 'reconnect':
        this.#told = frame.after_ms;
        break;
      case 'accepted':
        if (this.outbox.accepted(frame.client_msg_id)) this.on.accepted(frame);
        break;
      case 'ok':
        this.#answered(frame.ref, 'resolve', frame);
        break;
      case 'error':
        this.#failed(frame);
        break;
      case 'pong':
        break;
      default:
        this.on.frame(frame);
    }
  }

  #welcomed(frame) {
    this.timers.clearTimeout(this.#greeting);
    this.#heartbeatMs = (frame.heartbeat_s || 25) * 1000;
    this.on.welcome(frame);
    if (this.#phase === 'resyncing') return;
    const { epoch, seq } = this.cursor();
    if (frame.epoch !== epoch || frame.seq > seq) {
      // The gateway goes on from another place than ours: what lies between would be missed.
      this.#reload('moved');
      return;
    }
    // The first time, what came since the list was loaded is nothing that anybody missed.
    const missed = this.#wasLive && frame.head_seq > seq;
    this.#catchUp = missed ? { to: frame.head_seq, messages: 0 } : null;
    this.#goLive();
  }

  #goLive() {
    this.#phase = 'live';
    this.#wasLive = true;
    this.#liveSince = this.now();
    this.#acked = { seq: this.cursor().seq, at: this.now(), timer: null };
    this.on.link({ state: 'live' });
    this.outbox.resend();
    this.#beat();
  }

  async #reload(reason) {
    if (this.#phase === 'resyncing') return;
    this.timers.clearTimeout(this.#greeting);
    const turn = this.#turn;
    this.#phase = 'resyncing';
    this.#buffer = [];
    this.on.link({ state: 'resyncing', reason });
    try {
      await this.on.reload(reason);
    } catch {
      if (turn === this.#turn) this.#drop();
      return;
    }
    if (turn !== this.#turn) return;
    this.#gaps = 0;
    this.#catchUp = null;
    const buffered = this.#buffer;
    this.#buffer = [];
    this.#goLive();
    this.#takeEvents(buffered);
  }

  // Events that this person's limit leaves out: the cursor goes past them as past an event that changes nothing.
  #takeSkipped({ epoch, from, to }) {
    if (this.#phase !== 'resyncing' && epoch !== this.cursor().epoch) this.#reload('moved');
    else this.#takeEvents([{ kind: 'skipped', from, seq: to }]);
  }

  /** Hands over what is new, in order. */
  #takeEvents(events) {
    if (this.#phase === 'resyncing') {
      this.#buffer.push(...events);
      if (this.#buffer.length > MOST_BUFFERED) this.#drop();
      return;
    }
    let { seq } = this.cursor();
    const fresh = [];
    let gap = false;
    for (const event of events) {
      if (event.seq <= seq) continue;
      gap = (event.from ?? event.seq) > seq + 1;
      if (gap) break;
      seq = event.seq;
      fresh.push(event);
    }
    if (fresh.some((event) => event.kind === 'erased')) {
      // What it told of a row is gone from the log, and later events may tell only what changed since.
      this.#reload('erased');
      return;
    }
    if (fresh.length > 0) {
      this.on.events(fresh);
      this.#countCatchUp(fresh, seq);
      if (!gap) this.#gaps = 0;
    }
    if (gap) this.#fellInAGap();
    else if (fresh.length > 0) this.#acknowledge(seq);
  }

  #countCatchUp(events, seq) {
    if (!this.#catchUp) return;
    this.#catchUp.messages += events.filter(
      (event) => event.kind === 'message' && event.seq <= this.#catchUp.to,
    ).length;
    if (seq < this.#catchUp.to) return;
    this.on.caughtUp(this.#catchUp.messages);
    this.#catchUp = null;
  }

  #fellInAGap() {
    this.#gaps += 1;
    if (this.#gaps >= GAPS_BEFORE_RELOAD) this.#reload('gap');
    else this.#drop();
  }

  #acknowledge(seq) {
    const since = this.now() - this.#acked.at;
    if (since >= ACK_EVERY_MS || seq - this.#acked.seq >= ACK_EVERY_EVENTS) {
      this.timers.clearTimeout(this.#acked.timer);
      this.#acked = { seq, at: this.now(), timer: null };
      this.tell({ type: 'ack', seq });
    } else if (this.#acked.timer === null) {
      this.#acked.timer = this.timers.setTimeout(() => {
        this.#acked.timer = null;
        this.#acknowledge(this.cursor().seq);
      }, ACK_EVERY_MS - since);
    }
  }

  #failed(frame) {
    if (frame.client_msg_id !== undefined) {
      if (this.outbox.refused(frame)) this.on.refused(frame);
    } else if (!this.#answered(frame.ref, 'reject', frame)) {
      this.#code = frame.code;
      this.on.frame(frame);
    }
  }

  #answered(ref, how, frame) {
    const asked = this.#asked.get(ref);
    if (!asked) return false;
    this.timers.clearTimeout(asked.timer);
    this.#asked.delete(ref);
    asked[how](frame);
    return true;
  }

  // --- signs of life -----------------------------------------------------------------------------------------------

  #beat() {
    this.timers.clearTimeout(this.#heart);
    const quiet = this.now() - this.#heard;
    if (quiet >= this.#heartbeatMs) this.#probe();
    else this.#heart = this.timers.setTimeout(() => this.#beat(), this.#heartbeatMs - quiet);
  }

  /** Asks for a pong, and gives the connection up when nothing at all comes. */
  #probe() {
    const asked = this.now();
    this.tell({ type: 'ping' });
    this.timers.clearTimeout(this.#heart);
    this.#heart = this.timers.setTimeout(() => {
      if (this.#heard >= asked) this.#beat();
      else this.#drop();
    }, PONG_LASTS);
  }
}
