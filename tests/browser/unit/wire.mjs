// A socket under test with everything around it under control: clock, network, randomness.

import { AgentSocket } from '../../../console/socket.js';

/** A clock that moves when told to, with timers that fire on the way. */
export class Clock {
  time = 1_000_000;
  #timers = new Map();
  #last = 0;

  setTimeout = (run, wait) => {
    this.#last += 1;
    this.#timers.set(this.#last, { at: this.time + wait, run });
    return this.#last;
  };

  clearTimeout = (id) => this.#timers.delete(id);

  now = () => this.time;

  /** Moves on, firing what is due in order, and lets promises settle in between. */
  async pass(ms) {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const [id, next] = [...this.#timers].sort((one, other) => one[1].at - other[1].at)[0] ?? [];
      if (!next || next.at > end) break;
      this.time = next.at;
      this.#timers.delete(id);
      next.run();
      await settle();
    }
    this.time = end;
  }
}

export async function settle() {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
}

/** What a test sees of one WebSocket. */
class Line {
  readyState = 0;
  sent = [];
  closedWith = undefined;

  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.readyState = 3;
    this.closedWith = code;
  }

  /** The server lets it in. */
  open() {
    this.readyState = 1;
    this.onopen();
  }

  /** The server says something. */
  say(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  /** The connection ends from the other side. */
  end(code = 1006) {
    this.readyState = 3;
    this.onclose({ code });
  }

  /** Frames of one type that the client sent. */
  of(type) {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** A started socket whose page stands at (`e1`, 10). */
export async function wire(changes = {}) {
  const clock = new Clock();
  const lines = [];
  const seen = { links: [], events: [], reloads: [], accepted: [], refused: [], caughtUp: [], frames: [] };
  const page = { epoch: 'e1', seq: 10 };
  class FakeSocket extends Line {
    constructor(url, protocols) {
      super(url, protocols);
      lines.push(this);
    }
  }
  let tickets = 0;
  const socket = new AgentSocket({
    url: 'ws://gateway/v1/ws',
    ticket: async () => {
      tickets += 1;
      return `t${tickets}`;
    },
    cursor: () => ({ ...page }),
    WebSocket: FakeSocket,
    timers: clock,
    random: () => 0.5,
    now: clock.now,
    on: {
      link: (link) => seen.links.push(link),
      events: (events) => {
        seen.events.push(...events.map((event) => event.seq));
        page.seq = events.at(-1).seq;
      },
      welcome: () => {},
      reload: async (reason) => {
        seen.reloads.push(reason);
        page.epoch = 'e2';
        page.seq = 100;
      },
      accepted: (frame) => seen.accepted.push(frame.client_msg_id),
      refused: (frame) => seen.refused.push(frame),
      caughtUp: (count) => seen.caughtUp.push(count),
      frame: (frame) => seen.frames.push(frame),
      ...changes.on?.(seen, page),
    },
    ...changes.socket,
  });
  socket.start();
  await settle();
  return { socket, clock, lines, seen, page, line: () => lines.at(-1) };
}

/** Lets time pass until the client has opened another connection. */
export async function comesBack(wired) {
  const before = wired.lines.length;
  for (let i = 0; i < 400 && wired.lines.length === before; i += 1) await wired.clock.pass(100);
}

export function welcome(changes = {}) {
  return {
    type: 'welcome',
    session: 's',
    agent: 'ana',
    epoch: 'e1',
    seq: 10,
    head_seq: 10,
    heartbeat_s: 25,
    present: [],
    viewing: [],
    ...changes,
  };
}

export function events(from, to) {
  const list = [];
  for (let seq = from; seq <= to; seq += 1) list.push({ seq, at: 0, kind: 'message', data: {} });
  return { type: 'events', events: list };
}

/** Lets the newest connection in and greets it. */
export function greet(wired, changes) {
  wired.line().open();
  wired.line().say(welcome({ seq: wired.page.seq, head_seq: wired.page.seq, ...changes }));
}
