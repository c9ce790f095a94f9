// One agent's socket on the fake gateway.

const PACK = 50;

export class Session {
  viewing = null;
  /** Positions to leave out once, to repeat once: what the page must survive. */
  skip = new Set();
  repeat = false;
  #gateway;
  #line;
  #agent;
  #seq = null;

  constructor(gateway, line, agent) {
    this.#gateway = gateway;
    this.#line = line;
    this.#agent = agent;
    line.onText = (text) => this.#hear(JSON.parse(text));
    line.onEnd = () => {
      gateway.sessions.delete(this);
      if (this.viewing) this.#tellViewing(this.viewing);
    };
  }

  get author() {
    return { kind: 'agent', id: this.#agent.id };
  }

  /** The token of the browser's session, for somebody who is signed in. */
  get token() {
    return this.#agent.token;
  }

  say(frame) {
    if (this.#seq !== null) this.#line.say(frame);
  }

  cut() {
    this.#line.cut();
  }

  close(code) {
    this.#line.close(code);
  }

  /** Sends what the client has not got yet. */
  flow() {
    if (this.#seq === null) return;
    const { events } = this.#gateway.ledger;
    while (this.#seq < events.length) {
      const batch = events.slice(this.#seq, this.#seq + PACK);
      this.#seq += batch.length;
      const kept = batch.filter((event) => !this.skip.delete(event.seq));
      if (kept.length > 0) this.#line.say({ type: 'events', events: kept });
      if (this.repeat && kept.length > 0) this.#line.say({ type: 'events', events: kept });
    }
  }

  #hear(frame) {
    this.#gateway.heard.push({ agent: this.#agent.id, ...frame });
    const { ledger } = this.#gateway;
    const done = () => frame.ref && this.say({ type: 'ok', ref: frame.ref });
    if (this.#agent.readOnly && ['send', 'note', 'read', 'assign', 'status', 'label'].includes(frame.type)) {
      this.say({ type: 'error', ref: frame.ref, client_msg_id: frame.client_msg_id, code: 'forbidden', message: 'read only' });
      return;
    }
    if (this.#gateway.faults.organise && ['assign', 'status', 'label'].includes(frame.type)) {
      this.say({ type: 'error', ref: frame.ref, code: this.#gateway.faults.organise, message: 'no' });
      return;
    }
    switch (frame.type) {
      case 'hello':
        this.#greet(frame);
        break;
      case 'send':
      case 'note':
        this.#submit(frame);
        break;
      case 'ping':
        if (!this.#gateway.faults.silent) this.say({ type: 'pong' });
        break;
      case 'typing':
        this.#gateway.tellAll(
          { type: 'typing', conversation_id: frame.conversation_id, agent: this.#agent.id, on: frame.on },
          this,
        );
        break;
      case 'viewing':
        this.#look(frame.conversation_id);
        break;
      case 'read':
        if (ledger.conversations.get(frame.conversation_id)?.unread > 0) {
          ledger.organise(frame.conversation_id, { unread: 0 }, this.author);
        }
        done();
        break;
      case 'assign':
        ledger.organise(frame.conversation_id, { assignee: frame.agent ?? undefined }, this.author);
        done();
        break;
      case 'status':
        ledger.organise(frame.conversation_id, { status: frame.status }, this.author);
        done();
        break;
      case 'label':
        this.#label(frame);
        done();
        break;
      default:
    }
  }

  #greet({ epoch, seq }) {
    const { ledger, sessions } = this.#gateway;
    const known = epoch === ledger.epoch && seq <= ledger.head;
    this.#seq = known ? seq : ledger.head;
    if (known) {
      const present = [...sessions].map((session) => ({ agent: session.author.id, state: 'online' }));
      const places = new Set([...sessions].map((session) => session.viewing).filter(Boolean));
      const viewing = [...places].map((conversation_id) => ({
        conversation_id,
        agents: this.#viewers(conversation_id),
      }));
      const { head } = ledger;
      this.say({
        type: 'welcome',
        session: 's',
        agent: this.#agent.id,
        epoch,
        seq,
        head_seq: head,
        heartbeat_s: 25,
        present,
        viewing,
      });
    } else {
      this.say({ type: 'resync', epoch: ledger.epoch, head_seq: ledger.head, reason: 'epoch_changed' });
    }
    this.#gateway.tellAll({ type: 'presence', agents: [{ agent: this.#agent.id, state: 'online' }] }, this);
    this.flow();
  }

  #submit(frame) {
    const { ledger, faults } = this.#gateway;
    const { client_msg_id, conversation_id } = frame;
    if (faults.silent) return;
    if (faults.refuse) {
      this.say({ type: 'error', client_msg_id, message: faults.refuse, code: faults.refuse });
      return;
    }
    const before = ledger.answered.get(client_msg_id);
    if (before) {
      this.say({ type: 'accepted', client_msg_id, message_id: before, conversation_id, duplicate: true });
      return;
    }
    const row = ledger.conversations.get(conversation_id);
    const changed = frame.last_seen_seq < row.last_message_seq && row.last_message_by?.id !== this.#agent.id;
    if (changed) {
      const newest_seq = row.last_message_seq;
      this.say({
        type: 'error',
        client_msg_id,
        code: 'conversation_changed',
        message: 'Somebody else wrote.',
        newest_seq,
      });
      return;
    }
    const { author } = this;
    const message =
      frame.type === 'note'
        ? ledger.note(conversation_id, frame.text, { author })
        : ledger.submit(conversation_id, frame.message, { author, client_msg_id, media: this.#gateway.media.of(frame.message) });
    ledger.answered.set(client_msg_id, message.id);
    if (frame.type === 'send') this.#gateway.travel(message);
    if (faults.cutBeforeAccepted) {
      faults.cutBeforeAccepted = false;
      this.cut();
      return;
    }
    this.say({ type: 'accepted', client_msg_id, message_id: message.id, conversation_id, duplicate: false });
  }

  #viewers(id) {
    return [...this.#gateway.sessions].filter((session) => session.viewing === id).map((session) => session.author.id);
  }

  #look(id) {
    const left = this.viewing;
    this.viewing = id;
    for (const place of [left, id]) if (place) this.#tellViewing(place);
  }

  #tellViewing(conversation_id) {
    this.#gateway.tellAll({ type: 'viewing', conversation_id, agents: this.#viewers(conversation_id) });
  }

  #label({ conversation_id, add, remove }) {
    const row = this.#gateway.ledger.conversations.get(conversation_id);
    const labels = [...new Set([...row.labels.filter((label) => !remove.includes(label)), ...add])].sort();
    this.#gateway.ledger.organise(conversation_id, { labels }, this.author);
  }
}
