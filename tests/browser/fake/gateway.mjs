// A gateway that is not one: speaks docs/api.md to the page, from memory, and misbehaves on command.

import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { takesItsTime } from '../slow.mjs';
import { Broadcasts } from './broadcasts.mjs';
import { Business } from './business.mjs';
import { Contacts } from './contacts.mjs';
import { Ledger } from './ledger.mjs';
import { Media } from './media.mjs';
import { Operators } from './operators.mjs';
import { People } from './people.mjs';
import { answer } from './rest.mjs';
import { Session } from './session.mjs';
import { Templates } from './templates.mjs';
import { accept, refuse } from './websocket.mjs';

const CONSOLE = new URL('../../../console/', import.meta.url);
const KINDS = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml', txt: 'text/plain' };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

export class FakeGateway {
  ledger = new Ledger();
  sessions = new Set();
  /** How the next sends go: a function from a message to a list of `[state, after_ms, more?]`. */
  fate = () => [
    ['claimed', 100],
    ['sent', 250],
    ['delivered', 700],
    ['read', 1600],
  ];
  /** Every frame that clients sent. */
  heard = [];
  tickets = new Map();
  key = randomBytes(8).toString('hex');
  /**
   * Set to hold something back: `{ticket: status}` refuses tickets, `{silent: true}` leaves sends unanswered,
   * `{cannedReplies: status}` refuses their list, `{changeCannedReply: [status, code]}` their changes, `{cannedPage: n}`
   * makes their pages short, `{cut(method, url, bytes)}` says which calls die on their way.
   */
  faults = {};
  delays = new Map();
  /** Answers to messages that had an idempotency key. */
  accepted = new Map();
  /** People who sign in, instead of the demo's key; null in the demo. */
  people = null;
  /** `{people, password, mails}` of a demo to which people sign in; else null. */
  demo = null;
  /** What a business manages itself, once people sign in. */
  business = new Business();
  contacts = new Contacts(this.ledger);
  broadcasts = new Broadcasts(this.ledger, this.contacts);
  operators = new Operators();
  media = new Media();
  templates = new Templates();
  #server = null;
  #port = 0;

  constructor() {
    this.ledger.onEvent = () => this.sessions.forEach((session) => session.flow());
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The address at which browsers keep the cookie of a session. */
  get localUrl() {
    return `http://localhost:${this.#port}`;
  }

  /** Becomes a gateway to which people sign in. */
  withPeople() {
    this.people = new People(() => this.localUrl);
    this.people.onEnded = (token) => {
      for (const session of this.sessions) if (session.token === token) session.close(4401);
    };
    this.people.keysOf = (id) => this.business.keys.filter(({ created_by: by, revoked }) => by.user_id === id && !revoked);
    return this.people;
  }

  async start(port = this.#port) {
    this.#server = createServer((request, response) => this.#serve(request, response));
    this.#server.on('upgrade', (request, stream) => this.#upgrade(request, stream));
    await new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.#port = this.#server.address().port;
  }

  /** Dies at once, as by a kill: lines are cut, the port refuses, the ledger stays. */
  async stop() {
    const server = this.#server;
    this.sessions.forEach((session) => session.cut());
    this.sessions.clear();
    this.tickets.clear();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async #serve(request, response) {
    const url = new URL(request.url, this.url);
    if (url.pathname === '/' || url.pathname.startsWith('/console/')) return this.#file(url.pathname, response);
    if (url.pathname === '/metrics') return response.end(this.operators.text());
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const isJson = request.headers['content-type'] === 'application/json';
    const body = chunks.length === 0 ? undefined : isJson ? JSON.parse(bytes) : bytes;
    if (url.pathname.startsWith('/media/')) return this.#send(response, this.media.followed(url.pathname.slice('/media/'.length), request.headers.range));
    if (this.faults.cut?.(request.method, url, bytes)) return request.socket.destroy();
    await takesItsTime();
    const answered = answer(this, request.method, url, body, request.headers);
    await takesItsTime();
    return this.#send(response, answered);
  }

  #send(response, { status, json, raw, headers }) {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    return response.end(raw ?? (json === undefined ? '' : JSON.stringify(json)));
  }

  async #file(path, response) {
    const name = path === '/' ? 'index.html' : path.slice('/console/'.length);
    try {
      if (!/^([a-z_]+\/)*[a-z_]+\.[a-z]+$/.test(name)) throw new Error('not a file of the console');
      const bytes = await readFile(new URL(name, CONSOLE));
      response.writeHead(200, {
        'content-type': `${KINDS[name.split('.')[1]]}; charset=utf-8`,
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }

  #upgrade(request, stream) {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const ticket = offered.find((name) => name.startsWith('ticket.'))?.slice('ticket.'.length);
    const agent = this.tickets.get(ticket);
    this.tickets.delete(ticket);
    if (!agent || !offered.includes('mesej.v2')) {
      refuse(stream, '401 Unauthorized');
      return;
    }
    const session = new Session(this, accept(request, stream, 'mesej.v2'), agent);
    this.sessions.add(session);
  }

  /** Lets a message take its way, as its fate says. */
  travel(message) {
    let passed = 0;
    for (const [state, after, more] of this.fate(message)) {
      passed += after;
      setTimeout(() => this.ledger.move(message, state, { wamid: `wamid.${message.id}`, ...more }), passed);
    }
  }

  /** Tells every session something that is not numbered. */
  tellAll(frame, except) {
    this.sessions.forEach((session) => session !== except && session.say(frame));
  }
}
