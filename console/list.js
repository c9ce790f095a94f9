// The list of conversations: newest activity first, with what an agent needs to choose one.

import { statusName } from './about.js';
import { Cache, fill, h, setText } from './dom.js';
import { icon } from './icons.js';
import { summaryOfKind } from './content.js';
import { list, number, t } from './language.js';
import { agentName, face, nameOf, typingText } from './people.js';
import { matches } from './search.js';
import { inOrder } from './store.js';
import { ago, serviceWindow } from './time.js';

const TABS = ['all', 'mine', 'free'];
const MOST_LABELS = 2;

export class ListView {
  #rows;
  #fresh;
  #tabs;
  #desk;
  #onShow;
  #cache = new Cache();
  #tab = 'all';
  #status = 'all';
  #query = '';
  #held = null;
  #hovered = false;
  #ids = [];
  #changed;

  constructor({ rows, fresh, tabs, search, status, desk, changed, onShow }) {
    this.#rows = rows;
    this.#fresh = fresh;
    this.#desk = desk;
    this.#onShow = onShow;
    this.#changed = changed;
    this.#tabs = TABS.map((key) => {
      const count = h('span', { class: 'count' });
      const button = h(
        'button',
        { type: 'button', class: 'tab', 'aria-pressed': 'false', onclick: () => this.#choose({ tab: key }) },
        t(`list.${key}`),
        count,
      );
      tabs.append(button);
      return { key, button, count };
    });
    search.addEventListener('input', () => this.#choose({ query: search.value }));
    status.addEventListener('change', () => this.#choose({ status: status.value }));
    const frame = rows.parentElement;
    frame.addEventListener('pointerenter', (event) => event.pointerType === 'mouse' && this.#hold());
    frame.addEventListener('pointerleave', () => this.#release());
    rows.addEventListener('keydown', (event) => this.#key(event));
    rows.addEventListener('scroll', () => this.#nearEnd() && desk.more(), { passive: true });
    fresh.addEventListener('click', () => {
      this.#held = null;
      changed();
    });
  }

  #choose({ tab = this.#tab, status = this.#status, query = this.#query }) {
    this.#tab = tab;
    this.#status = status;
    this.#query = query;
    this.#held = null;
    this.#changed();
  }

  /** Brings the list up to date with what is known. */
  render(now) {
    const { state } = this.#desk;
    const all = inOrder(state);
    this.#renderTabs(all, state.me?.agent);
    const wanted = all.filter((row) => this.#wants(row, state)).map((row) => row.id);
    this.#ids = this.#steady(wanted);
    const position = this.#rows.scrollTop;
    const focused = document.activeElement;
    const nodes = this.#ids.map((id, i) => this.#row(id, i, state, now));
    if (nodes.length === 0) nodes.push(this.#empty(state));
    fill(this.#rows, nodes);
    this.#cache.sweep();
    this.#rows.scrollTop = position;
    // A row that was moved has lost the focus on its way.
    if (focused?.isConnected && focused !== document.activeElement && this.#rows.contains(focused))
      focused.focus({ preventScroll: true });
    this.#offerFresh(wanted);
  }

  // While the pointer is over the list nothing moves under it: what is new waits behind a button.
  #hold() {
    this.#hovered = true;
    this.#held = this.#ids;
  }

  #steady(wanted) {
    // Where nothing is shown, nothing can move.
    if (this.#held === null || this.#held.length === 0) {
      if (this.#hovered) this.#held = wanted;
      return wanted;
    }
    const still = new Set(wanted);
    return this.#held.filter((id) => still.has(id));
  }

  #offerFresh(wanted) {
    const place = new Map(this.#ids.map((id, i) => [id, i]));
    let highest = Infinity;
    let count = 0;
    // Read from below, whoever would stand above somebody that is shown above them has risen, or is new.
    for (const id of wanted.toReversed()) {
      const at = place.get(id) ?? Infinity;
      if (at > highest) count += 1;
      highest = Math.min(highest, at);
    }
    this.#fresh.hidden = count === 0;
    setText(this.#fresh, t('list.new', { count }));
  }

  #release() {
    this.#hovered = false;
    this.#held = null;
    this.#changed();
  }

  #wants(row, state) {
    if (this.#tab === 'mine' && row.assignee !== state.me?.agent) return false;
    if (this.#tab === 'free' && row.assignee) return false;
    if (this.#status !== 'all' && row.status !== this.#status) return false;
    const contact = state.contacts.get(row.contact_id);
    return matches(this.#query, [nameOf(contact), contact?.username, row.preview, ...row.labels], contact?.phone);
  }

  #renderTabs(all, me) {
    const counts = { all: null, mine: 0, free: 0 };
    for (const row of all) {
      if (row.status === 'resolved') continue;
      if (row.assignee === me) counts.mine += 1;
      else if (!row.assignee) counts.free += 1;
    }
    for (const { key, button, count } of this.#tabs) {
      button.setAttribute('aria-pressed', String(key === this.#tab));
      setText(count, counts[key] ? number(counts[key]) : '');
    }
  }

  #row(id, i, state, now) {
    const row = state.conversations.get(id);
    const contact = state.contacts.get(row.contact_id);
    const open = this.#desk.open === id;
    const tabbable = open || (i === 0 && !this.#ids.includes(this.#desk.open));
    const left = serviceWindow(row.last_inbound, now, contact?.group_id);
    const typing = [...(state.typing.get(id)?.keys() ?? [])].filter((agent) => agent !== state.me.agent)[0];
    const when = ago(row.last_activity, now);
    const shown = [row, contact, open, tabbable, left.text, left.tone, when, typing, state.me];
    return this.#cache.get(id, shown, (before) => {
      const node = before ?? newRow(id, () => this.#onShow(id));
      fillRow(node, { row, contact, open, tabbable, left, when, typing, me: state.me });
      return node;
    });
  }

  #empty(state) {
    const waiting = !state.listLoaded;
    const searching = this.#query.trim() !== '';
    const choosing = searching || this.#tab !== 'all' || this.#status !== 'all';
    const older = choosing && state.listCursor !== null;
    return this.#cache.get('empty', [waiting, searching, choosing, older], () => {
      if (waiting)
        return h(
          'div',
          { class: 'row-skeletons', 'aria-label': t('list.loading') },
          Array.from({ length: 7 }, () => h('span', null)),
        );
      const none = searching ? 'list.none_has' : choosing ? 'list.none_like' : 'list.nobody';
      return h(
        'p',
        { class: 'rows-empty' },
        older ? [t(`${none}_loaded`), ' '] : t(none),
        older ? h('button', { type: 'button', class: 'plain', onclick: () => this.#desk.more() }, t('list.older')) : null,
      );
    });
  }

  // --- moving through it -------------------------------------------------------------------------------------------

  #nearEnd() {
    return this.#rows.scrollHeight - this.#rows.scrollTop - this.#rows.clientHeight < 400;
  }

  #key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const rows = [...this.#rows.querySelectorAll('[role=option]')];
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(rows.length - 1, Math.max(0, at + step))]?.focus();
  }

  /** The conversation below (1) or above (-1) the open one. */
  neighbour(step) {
    const at = this.#ids.indexOf(this.#desk.open);
    return at < 0 ? this.#ids[0] : this.#ids[Math.min(this.#ids.length - 1, Math.max(0, at + step))];
  }

  /** Brings the row of the open conversation into view. */
  reveal() {
    this.#rows.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }
}

function newRow(id, show) {
  const key = (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    show();
  };
  return h('div', { role: 'option', id: `row-${id}`, 'data-id': id, onclick: show, onkeydown: key });
}

function fillRow(node, { row, contact, open, tabbable, left, when, typing, me }) {
  const name = nameOf(contact);
  const unread = row.unread > 0;
  node.className = unread ? 'row unread' : 'row';
  node.dataset.status = row.status;
  node.tabIndex = tabbable ? 0 : -1;
  node.setAttribute('aria-selected', String(open));
  fill(
    node,
    face(name, row.contact_id),
    h(
      'span',
      { class: 'row-main' },
      h(
        'span',
        { class: 'row-top' },
        h('span', { class: 'row-name', dir: 'auto' }, name),
        h('time', { datetime: new Date(row.last_activity).toISOString() }, when),
      ),
      h(
        'span',
        { class: 'row-mid' },
        preview(row, typing, me),
        unread
          ? h('span', { class: 'badge', 'aria-label': t('list.unread', { count: row.unread }) }, row.unread > 99 ? `${number(99)}+` : number(row.unread))
          : null,
      ),
      h('span', { class: 'row-low' }, marks(row, left, me)),
      row.labels.length > 0 ? h('span', { class: 'row-labels' }, labels(row)) : null,
    ),
  );
}

function preview(row, typing, me) {
  if (typing) return h('span', { class: 'preview typing' }, typingText([typing], me));
  const note = row.last_message_kind === 'note';
  const { icon: sign, text } = row.preview ? { text: row.preview } : summaryOfKind(row.last_message_kind);
  const who = writer(row.last_message_by, me);
  return h(
    'span',
    { class: 'preview' },
    row.last_message_failed
      ? h('span', { class: 'preview-failed', role: 'img', 'aria-label': t('list.failed'), title: t('list.failed') }, icon('alert'))
      : null,
    note ? icon('note') : null,
    note || who ? h('span', { class: 'preview-who' }, `${note ? noteOf(row.last_message_by, me) : who}: `) : null,
    sign ? icon(sign) : null,
    h('span', { class: 'preview-text', dir: 'auto' }, text),
  );
}

function writer(by, me) {
  if (by?.kind !== 'agent') return '';
  return by.id === me.agent ? t('people.you') : agentName(by.id, me);
}

function noteOf(by, me) {
  if (by?.kind !== 'agent') return t('write.note');
  return by.id === me.agent ? t('list.your_note') : t('list.note_by', { name: agentName(by.id, me) });
}

function marks(row, left, me) {
  return [
    left.text === '' ? null : h('span', { class: `window tone-${left.tone}` }, left.text),
    row.status === 'open'
      ? null
      : h('span', { class: `state state-${row.status}` }, statusName(row.status)),
    row.assignee
      ? h(
          'span',
          { class: 'assignee', title: t('list.assigned', { name: agentName(row.assignee, me) }) },
          face(agentName(row.assignee, me), row.assignee, 'tiny'),
          row.assignee === me.agent ? t('people.you') : agentName(row.assignee, me),
        )
      : null,
  ];
}

function labels(row) {
  const more = row.labels.slice(MOST_LABELS);
  return [
    row.labels.slice(0, MOST_LABELS).map((label) => h('bdi', { class: 'label' }, label)),
    more.length > 0 ? h('span', { class: 'label', title: list(more) }, `+${number(more.length)}`) : null,
  ];
}
