// The list of conversations: newest activity first, with what an agent needs to choose one.

import { statusName } from './about.js';
import { setText } from './dom.js';
import { summaryOfKind } from './content.js';
import { isolated, list, number, t } from './language.js';
import { agentName, authorName, nameOf, numberName, typingText } from './people.js';
import { Face, Icon } from './parts.js';
import { RowWindow } from './row_window.js';
import { matches } from './search.js';
import { inOrder } from './store.js';
import { ago, serviceWindow } from './time.js';
import { html, memo, render } from './view.js';

const TABS = ['all', 'mine', 'free'];
const MOST_LABELS = 2;

export class ListView {
  #rows;
  #foot;
  #fresh;
  #tabs;
  #desk;
  #onShow;
  #tab = 'all';
  #status = 'all';
  #number = 'all';
  #numbers;
  #query = '';
  #held = null;
  #hovered = false;
  #ids = [];
  #window = new RowWindow();
  /** The rows that are on the page: a part of `ids`. */
  #part = { from: 0, to: 0 };
  #now = 0;
  #changed;

  constructor({ rows, foot, fresh, tabs, search, status, numbers, desk, changed, onShow }) {
    this.#rows = rows;
    this.#foot = foot;
    this.#fresh = fresh;
    this.#desk = desk;
    this.#onShow = onShow;
    this.#changed = changed;
    this.#tabs = tabs;
    search.addEventListener('input', () => this.#choose({ query: search.value }));
    status.addEventListener('change', () => this.#choose({ status: status.value }));
    this.#numbers = numbers;
    numbers.addEventListener('change', () => this.#choose({ number: numbers.value }));
    const frame = rows.parentElement;
    frame.addEventListener('pointerenter', (event) => event.pointerType === 'mouse' && this.#hold());
    frame.addEventListener('pointerleave', () => this.#release());
    rows.addEventListener('keydown', (event) => this.#key(event));
    rows.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    fresh.addEventListener('click', () => {
      this.#held = null;
      changed();
    });
  }

  #choose({ tab = this.#tab, status = this.#status, number: of = this.#number, query = this.#query }) {
    this.#tab = tab;
    this.#number = of;
    this.#status = status;
    this.#query = query;
    this.#held = null;
    this.#changed();
  }

  /** Brings the list up to date with what is known. */
  render(now) {
    const { state } = this.#desk;
    const all = inOrder(state);
    this.#renderTabs(all, state);
    this.#renderNumbers(state);
    const wanted = all.filter((row) => this.#wants(row, state)).map((row) => row.id);
    this.#ids = this.#steady(wanted);
    this.#now = now;
    const position = this.#rows.scrollTop;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    this.#renderRows(position, state);
    this.#renderFoot(state);
    this.#rows.scrollTop = position;
    // A row that was moved has lost the focus on its way.
    if (focused?.isConnected && focused !== document.activeElement && this.#rows.contains(focused))
      focused.focus({ preventScroll: true });
    this.#offerFresh(wanted);
  }

  // Only what is in view is on the page, and some rows beside it; the others are room.
  #renderRows(top, state = this.#desk.state) {
    const { from, to, above, below } = this.#window.of(this.#ids, { top, room: Math.max(this.#rows.clientHeight, 600) });
    this.#part = { from, to };
    const shown = this.#ids.slice(from, to);
    const tabbable = shown.includes(this.#desk.open) ? this.#desk.open : shown[0];
    render(
      [
        html`<div key="above" role="presentation" style=${{ blockSize: `${above}px` }}></div>`,
        ...shown.map((id, i) => this.#row(id, from + i, id === tabbable, state)),
        html`<div key="below" role="presentation" style=${{ blockSize: `${below}px` }}></div>`,
      ],
      this.#rows,
    );
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (this.#rows.querySelectorAll('[role=option]'))) this.#window.measured(row.dataset.id, row.offsetHeight);
  }

  #scrolled() {
    if (this.#nearEnd()) this.#desk.more();
    const { from, to } = this.#window.of(this.#ids, { top: this.#rows.scrollTop, room: this.#rows.clientHeight, spare: 4 });
    if (from < this.#part.from || to > this.#part.to) this.#renderRows(this.#rows.scrollTop);
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
    const held = this.#held.filter((id) => still.has(id));
    // What was read from further down moves nothing.
    const known = new Set(held);
    const lowest = wanted.findLastIndex((id) => known.has(id));
    return lowest < 0 ? held : [...held, ...wanted.slice(lowest + 1)];
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
    if (this.#number !== 'all' && row.number !== this.#number) return false;
    const contact = state.contacts.get(row.contact_id);
    return matches(this.#query, [nameOf(contact), contact?.name, contact?.username, row.preview, ...row.labels, ...(contact?.labels ?? [])], contact?.phone);
  }

  // One number is nothing to choose from.
  #renderNumbers({ numbers }) {
    this.#numbers.hidden = numbers.size < 2;
    // The number that is chosen may be one's own no longer.
    if (this.#number !== 'all' && !numbers.has(this.#number)) this.#choose({ number: 'all' });
    if (this.#numbers.hidden) return;
    const option = (value, text) => html`<option key=${value} value=${value} selected=${value === this.#number}>${text}</option>`;
    render([option('all', t('list.any_number')), ...[...numbers.keys()].map((id) => option(id, numberName(id, numbers)))], this.#numbers);
  }

  // Of rows that are not loaded nobody knows whose they are: a number with a sign says that it is the least.
  #renderTabs(all, { me, listCursor }) {
    const text = (count) => (listCursor === null ? number(count) : t('list.at_least', { count }));
    const counts = { all: null, mine: 0, free: 0 };
    for (const row of all) {
      if (row.status === 'resolved') continue;
      if (row.assignee === me?.agent) counts.mine += 1;
      else if (!row.assignee) counts.free += 1;
    }
    render(
      TABS.map(
        (key) => html`
          <button type="button" class="tab" aria-pressed=${String(key === this.#tab)} onclick=${() => this.#choose({ tab: key })}>
            ${t(`list.${key}`)}<span class="count">${counts[key] ? text(counts[key]) : null}</span>
          </button>
        `,
      ),
      this.#tabs,
    );
  }

  #row(id, i, tabbable, state) {
    const now = this.#now;
    const row = state.conversations.get(id);
    const contact = state.contacts.get(row.contact_id);
    const open = this.#desk.open === id;
    const left = serviceWindow(row.last_inbound, now, contact?.group_id);
    const typing = [...(state.typing.get(id)?.keys() ?? [])].filter((agent) => agent !== state.me.agent)[0];
    const when = ago(row.last_activity, now);
    return html`<${Row}
      key=${id}
      ...${{ row, contact, open, tabbable, when, typing, me: state.me }}
      at=${i + 1}
      of=${this.#ids.length}
      number=${state.numbers.size > 1 ? numberName(row.number, state.numbers) : ''}
      left=${left.text}
      tone=${left.tone}
      onShow=${this.#onShow}
    />`;
  }

  // Below the rows, beside the list box, which holds nothing but options. Where few of the rows are wanted there is nothing to scroll, so
  // that a button asks for older ones.
  #renderFoot(state) {
    const searching = this.#query.trim() !== '';
    const choosing = searching || this.#tab !== 'all' || this.#status !== 'all' || this.#number !== 'all';
    const empty = this.#ids.length === 0;
    const older = choosing && state.listCursor !== null;
    this.#foot.hidden = !empty && !older;
    this.#rows.parentElement.classList.toggle('empty', empty);
    const what = { waiting: !state.listLoaded, empty, searching, choosing, older };
    render(this.#foot.hidden ? null : html`<${Foot} ...${what} onMore=${() => this.#desk.more()} />`, this.#foot);
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
    const at = this.#ids.indexOf(/** @type {HTMLElement} */ (document.activeElement).dataset.id);
    const next = Math.min(this.#ids.length - 1, Math.max(0, at + step));
    this.#bring(next);
    this.#option(this.#ids[next])?.focus();
  }

  // Sees to it that a row is on the page: the list scrolls there if it is not.
  #bring(index) {
    if (index < 0 || (index >= this.#part.from && index < this.#part.to)) return;
    const { top, bottom } = this.#window.place(this.#ids, index);
    const middle = Math.max(0, (top + bottom - this.#rows.clientHeight) / 2);
    this.#renderRows(middle);
    this.#rows.scrollTop = middle;
  }

  /** @returns {HTMLElement | null} */
  #option(id) {
    return this.#rows.querySelector(`[role=option][data-id="${id}"]`);
  }

  /** Whether nobody searches, and only the upper end is looked at. */
  get isAtRest() {
    return this.#query === '' && this.#rows.scrollTop < this.#rows.clientHeight;
  }

  /** The conversation below (1) or above (-1) the open one. */
  neighbour(step) {
    const at = this.#ids.indexOf(this.#desk.open);
    return at < 0 ? this.#ids[0] : this.#ids[Math.min(this.#ids.length - 1, Math.max(0, at + step))];
  }

  /** Brings the row of the open conversation into view. */
  reveal() {
    this.#bring(this.#ids.indexOf(this.#desk.open));
    this.#option(this.#desk.open)?.scrollIntoView({ block: 'nearest' });
  }
}

function Foot({ waiting, empty, searching, choosing, older, onMore }) {
  if (waiting)
    return html`
      <div class="row-skeletons" aria-label=${t('list.loading')}>${Array.from({ length: 7 }, () => html`<span></span>`)}</div>
    `;
  const none = searching ? 'list.none_has' : choosing ? 'list.none_like' : 'list.nobody';
  return html`
    <p class="rows-empty">
      ${empty && (older ? `${t(`${none}_loaded`)} ` : t(none))}
      ${older && html`<button type="button" class="plain" onclick=${onMore}>${t('list.older')}</button>`}
    </p>
  `;
}

const Row = memo(({ row, contact, open, tabbable, at, of, number: on, left, tone, when, typing, me, onShow }) => {
  const name = nameOf(contact);
  const unread = row.unread > 0;
  const show = () => onShow(row.id);
  const key = (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    show();
  };
  return html`
    <div
      role="option"
      id=${`row-${row.id}`}
      class=${unread ? 'row unread' : 'row'}
      data-id=${row.id}
      data-status=${row.status}
      aria-posinset=${at}
      aria-setsize=${of}
      tabindex=${tabbable ? 0 : -1}
      aria-selected=${String(open)}
      onclick=${show}
      onkeydown=${key}
    >
      <${Face} name=${name} id=${row.contact_id} />
      <span class="row-main">
        <span class="row-top">
          <span class="row-name" dir="auto">${name}</span>
          <time datetime=${new Date(row.last_activity).toISOString()}>${when}</time>
        </span>
        <span class="row-mid">
          <${Preview} row=${row} typing=${typing} me=${me} />
          ${unread && html`<span class="badge" aria-label=${t('list.unread', { count: row.unread })}>${row.unread > 99 ? `${number(99)}+` : number(row.unread)}</span>`}
        </span>
        <span class="row-low">
          ${left !== '' && html`<span class=${`window tone-${tone}`}>${left}</span>`}
          ${row.status !== 'open' && html`<span class=${`state state-${row.status}`}>${statusName(row.status)}</span>`}
          ${on && html`<span class="row-number" title=${t('head.on_number', { number: on })}>${on}</span>`}
          ${row.assignee && html`<${Assignee} agent=${row.assignee} me=${me} />`}
        </span>
        ${row.labels.length > 0 && html`<${Labels} labels=${row.labels} />`}
      </span>
    </div>
  `;
});

function Preview({ row, typing, me }) {
  if (typing) return html`<span class="preview typing">${typingText([typing], me)}</span>`;
  const note = row.last_message_kind === 'note';
  const { icon: sign, text } = row.preview ? { text: row.preview } : summaryOfKind(row.last_message_kind);
  const who = writer(row.last_message_by, me);
  return html`
    <span class="preview">
      ${row.last_message_failed &&
      html`
        <span class="preview-failed" role="img" aria-label=${t('list.failed')} title=${t('list.failed')}><${Icon} name="alert" /></span>
      `}
      ${note && html`<${Icon} name="note" />`}
      ${(note || who) && html`<span class="preview-who">${`${note ? noteOf(row.last_message_by, me) : who}: `}</span>`}
      ${sign && html`<${Icon} name=${sign} />`}
      <span class="preview-text" dir="auto">${text}</span>
    </span>
  `;
}

function writer(by, me) {
  return !by || by.kind === 'contact' || by.kind === 'member' ? '' : authorName(by, me);
}

function noteOf(by, me) {
  if (by?.kind !== 'agent') return t('write.note');
  return by.id === me.agent ? t('list.your_note') : t('list.note_by', { name: agentName(by.id, me) });
}

function Assignee({ agent, me }) {
  const name = agentName(agent, me);
  return html`
    <span class="assignee" title=${t('list.assigned', { name })}>
      <${Face} name=${name} id=${agent} size="tiny" />${agent === me.agent ? t('people.you') : name}
    </span>
  `;
}

function Labels({ labels }) {
  const more = labels.slice(MOST_LABELS);
  return html`
    <span class="row-labels">
      ${labels.slice(0, MOST_LABELS).map((label) => html`<bdi class="label">${label}</bdi>`)}
      ${more.length > 0 && html`<span class="label" title=${list(more)}>${isolated(`+${number(more.length)}`)}</span>`}
    </span>
  `;
}
