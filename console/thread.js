// The messages of the open conversation, in their order, with what stands between them.

import { bubble, pendingBubble, tellTime } from './bubble.js';
import { isSettled } from './delivery.js';
import { Cache, fill, h } from './dom.js';
import { icon } from './icons.js';
import { t } from './language.js';
import { agentName, authorName, nameOf } from './people.js';
import { clock, dayKey, dayName } from './time.js';

const TOGETHER = 120_000;
const NEAR = 80;

export class ThreadView {
  #log;
  #toEnd;
  #desk;
  #act;
  #cache = new Cache();
  #shown = null;
  #newest = null;
  #unseen = 0;
  #firstNew = null;
  /** Whether the line "new" is yet to be shown. */
  #leadsToNew = false;
  #unread = 0;
  #pinned = false;
  #sticky = true;

  constructor({ log, toEnd, desk, act }) {
    this.#log = log;
    this.#toEnd = toEnd;
    this.#desk = desk;
    this.#act = { ...act, jump: (id) => this.jump(id) };
    log.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    toEnd.addEventListener('click', () => this.toEnd());
    // What grows below, such as the text being written, takes from the log: the newest message stays in view.
    new ResizeObserver(() => this.#sticky && this.toEnd()).observe(log);
  }

  /** Brings the log up to date with what is known. */
  render(now) {
    const { state, open } = this.#desk;
    const thread = state.threads.get(open);
    const other = open !== this.#shown;
    if (other) this.#enter(open, state);
    if (!open) {
      fill(this.#log);
      this.#toEnd.hidden = true;
      return;
    }
    this.#markNew(thread);
    const atEnd = other || this.#pinned || this.#sticky;
    this.#pinned = false;
    const height = this.#log.scrollHeight;
    const top = this.#log.firstElementChild;
    const nodes = thread ? this.#nodes(thread, state, now) : [];
    this.#log.setAttribute('aria-busy', String(!thread?.loaded));
    fill(this.#log, nodes);
    this.#cache.sweep();
    this.#follow({ thread, atEnd, grewAbove: top && top !== nodes[0], height });
  }

  #enter(open, state) {
    this.#shown = open;
    this.#newest = null;
    this.#unseen = 0;
    this.#firstNew = null;
    this.#leadsToNew = false;
    this.#unread = state.conversations.get(open)?.unread ?? 0;
  }

  // The line "new" stands before the oldest of the messages that nobody had read when the conversation was opened.
  #markNew(thread) {
    if (!thread?.loaded || this.#unread === 0) return;
    const inbound = thread.messages.filter(
      (message) => message.direction === 'inbound' && !message.via && message.content.type !== 'system',
    );
    this.#firstNew = inbound.at(-Math.min(this.#unread, inbound.length))?.id ?? null;
    this.#leadsToNew = this.#firstNew !== null;
    this.#unread = 0;
  }

  #nodes(thread, state, now) {
    const nodes = [this.#top(thread)];
    let day = null;
    let before = null;
    const lines = [...thread.lines];
    const { shown, reactions, byWamid } = arranged(thread.messages);
    const startDay = (at) => {
      if (dayKey(at) === day) return;
      day = dayKey(at);
      before = null;
      const name = dayName(at, now);
      nodes.push(this.#cache.get(`day ${day}`, [name], () => h('p', { class: 'day' }, h('span', null, name))));
    };
    for (const [i, message] of shown.entries()) {
      while (lines.length > 0 && lines[0].at < message.created) nodes.push(this.#line(lines.shift(), state));
      startDay(message.created);
      if (message.id === this.#firstNew) {
        nodes.push(this.#cache.get('new', [], () => h('p', { class: 'new' }, h('span', null, t('thread.new')))));
        before = null;
      }
      if (message.content.type === 'system') nodes.push(this.#system(message));
      else nodes.push(this.#message({ message, before, after: shown[i + 1], reactions, byWamid }, state, now));
      before = message.content.type === 'system' ? null : message;
    }
    for (const line of lines) nodes.push(this.#line(line, state));
    return [...nodes, ...this.#pending(state, before)];
  }

  #top(thread) {
    const { loading, failed, complete, loaded } = thread;
    return this.#cache.get('top', [loading, failed, complete, loaded], () => {
      if (failed) {
        const again = () => (loaded ? this.#desk.older() : this.#desk.reopen());
        return h(
          'p',
          { class: 'edge' },
          t('thread.failed'),
          ' ',
          h('button', { type: 'button', onclick: again }, t('any.try_again')),
        );
      }
      if (!loaded)
        return h(
          'div',
          { class: 'skeleton', 'aria-label': t('thread.loading') },
          ['in', 'in', 'out', 'in', 'out', 'out'].map((side) => h('span', { class: side })),
        );
      if (complete) return h('p', { class: 'edge' }, t('thread.begins'));
      return h(
        'p',
        { class: 'edge' },
        loading
          ? t('thread.loading_older')
          : h('button', { type: 'button', onclick: () => this.#desk.older() }, t('thread.older')),
      );
    });
  }

  #message({ message, before, after, reactions, byWamid }, state, now) {
    const id = message.content.context?.id ?? message.content.context?.message_id;
    const entry = {
      message,
      first: !before || !together(before, message),
      last: !after || !together(message, after) || after.id === this.#firstNew,
      quoted: id ? byWamid.get(id) : undefined,
      reactions: message.wamid ? reactions.get(message.wamid) : undefined,
      delay: state.delays.get(message.id),
      customer: nameOf(state.contacts.get(message.contact_id)),
    };
    const shown = [message, entry.first, entry.last, entry.quoted, entry.reactions, entry.delay, entry.customer, state.me];
    const node = this.#cache.get(message.id, shown, () => bubble(entry, { me: state.me, now, act: this.#act }));
    if (message.delivery && !isSettled(message.delivery.state)) tellTime(node, entry, now);
    return node;
  }

  #system(message) {
    const text = message.content.system?.body ?? t('thread.customer_changed');
    return this.#cache.get(message.id, [text], () =>
      h('p', { class: 'line', 'data-id': message.id }, h('bdi', null, text), ` · ${clock(message.created)}`),
    );
  }

  #line(line, state) {
    return this.#cache.get(`line ${line.seq} ${line.what}`, [line, state.me], () =>
      h('p', { class: 'line', title: t('turn.not_kept_hint') }, turn(line, state.me), ` · ${clock(line.at)} · ${t('turn.not_kept')}`),
    );
  }

  #pending(state, before) {
    const live = state.link.state === 'live';
    const mine = [...state.pending.values()].filter((item) => item.conversation_id === this.#shown);
    return mine.map((item, i) => {
      const first = i === 0 && !(before?.author.id === state.me.agent && before.direction !== 'inbound');
      return this.#cache.get(`pending ${item.client_msg_id}`, [item, first, live], () =>
        pendingBubble(item, { first, live, act: this.#act }),
      );
    });
  }

  // --- scrolling ---------------------------------------------------------------------------------------------------

  #isAtEnd() {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR;
  }

  /** Where the line "new" is at the upper end, if what is new does not fit below it. */
  #aboveView() {
    const line = this.#log.querySelector('.new');
    if (!line) return null;
    const at = line.getBoundingClientRect().top - this.#log.getBoundingClientRect().top + this.#log.scrollTop;
    return this.#log.scrollHeight - at > this.#log.clientHeight ? at : null;
  }

  /** Stays at the end when it was there, stays at the same message when older ones came above it. */
  #follow({ thread, atEnd, grewAbove, height }) {
    const newest = thread?.messages.at(-1) ?? null;
    const fresh = this.#newest && newest && newest.id > this.#newest.id && newest.direction === 'inbound';
    const unread = this.#leadsToNew ? this.#aboveView() : null;
    this.#leadsToNew = false;
    if (unread !== null) {
      this.#sticky = false;
      this.#log.scrollTop = unread;
    } else if (atEnd) {
      this.#unseen = 0;
      this.#sticky = true;
      this.#log.scrollTop = this.#log.scrollHeight;
    } else {
      if (fresh) this.#unseen += 1;
      if (grewAbove) this.#log.scrollTop += this.#log.scrollHeight - height;
    }
    if (newest) this.#newest = newest;
    this.#offerEnd();
  }

  #offerEnd() {
    this.#toEnd.hidden = this.#isAtEnd();
    const count = this.#unseen;
    const label = count === 0 ? t('thread.to_end') : t('list.new', { count });
    if (this.#toEnd.getAttribute('aria-label') === label) return;
    this.#toEnd.setAttribute('aria-label', label);
    fill(this.#toEnd, icon('arrow_down'), count > 0 ? t('list.new', { count }) : null);
  }

  #scrolled() {
    this.#sticky = this.#isAtEnd();
    if (this.#sticky) this.#unseen = 0;
    this.#offerEnd();
    if (this.#log.scrollTop < 200) this.#desk.older();
  }

  /** Makes the next change go to the end: the agent has just written something. */
  pin() {
    this.#pinned = true;
  }

  /** Shows the newest message. */
  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** A message has become higher after it was shown: whoever was at the end stays there. */
  grew() {
    if (this.#sticky) this.toEnd();
  }

  /** Shows one message, and points to it. */
  jump(id) {
    const node = this.#log.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (!node) return;
    node.scrollIntoView({ block: 'center' });
    node.classList.remove('pointed');
    node.getBoundingClientRect();
    node.classList.add('pointed');
    node.focus({ preventScroll: true });
  }
}

/** The messages that get a place of their own; reactions go to the message that they are about, if it is here. */
function arranged(messages) {
  const byWamid = new Map(messages.filter((message) => message.wamid).map((message) => [message.wamid, message]));
  const latest = new Map();
  const shown = [];
  for (const message of messages) {
    const target = message.content.type === 'reaction' ? message.content.reaction?.message_id : undefined;
    if (target && byWamid.has(target))
      latest.set(`${target} ${message.direction}`, [target, message.content.reaction.emoji ?? '']);
    else shown.push(message);
  }
  const reactions = new Map();
  for (const [target, emoji] of latest.values())
    if (emoji) reactions.set(target, (reactions.get(target) ?? '') + emoji);
  return { shown, reactions, byWamid };
}

function together(one, next) {
  return (
    one.direction === next.direction &&
    one.author.kind === next.author.kind &&
    one.author.id === next.author.id &&
    next.content.type !== 'system' &&
    next.created - one.created < TOGETHER &&
    dayKey(one.created) === dayKey(next.created)
  );
}

function turn({ what, to, by }, me) {
  if (what === 'joined') return t('turn.joined');
  const name = authorName(by, me);
  const own = by?.id === me.agent ? '_own' : '';
  if (what === 'assigned') {
    if (!to) return t(`turn.left${own}`, { name });
    if (by?.id === to) return t(`turn.took${own}`, { name });
    return to === me.agent ? t('turn.gave_you', { name }) : t(`turn.gave${own}`, { name, to: agentName(to, me) });
  }
  if (!by) return t('turn.reopened');
  return t(`turn.${to}${own}`, { name });
}
