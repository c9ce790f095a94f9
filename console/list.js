// The list of conversations: newest activity first, with what an agent needs to choose one.

import { statusName } from './about.js';
import { setText } from './dom.js';
import { summaryOfKind } from './content.js';
import { isolated, list, number, t } from './language.js';
import { agentName, nameOf, typingText } from './people.js';
import { Face, Icon } from './parts.js';
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
  #query = '';
  #held = null;
  #hovered = false;
  #ids = [];
  #changed;

  constructor({ rows, foot, fresh, tabs, search, status, desk, changed, onShow }) {
    this.#rows = rows;
    this.#foot = foot;
    this.#fresh = fresh;
    this.#desk = desk;
    this.#onShow = onShow;
    this.#changed = changed;
    this.#tabs = tabs;
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
    this.#renderTabs(all, state);
    const wanted = all.filter((row) => this.#wants(row, state)).map((row) => row.id);
    this.#ids = this.#steady(wanted);
    const position = this.#rows.scrollTop;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    render(this.#ids.map((id, i) => this.#row(id, i, state, now)), this.#rows);
    this.#renderFoot(state);
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
    return matches(this.#query, [nameOf(contact), contact?.name, contact?.username, row.preview, ...row.labels], contact?.phone);
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

  #row(id, i, state, now) {
    const row = state.conversations.get(id);
    const contact = state.contacts.get(row.contact_id);
    const open = this.#desk.open === id;
    const tabbable = open || (i === 0 && !this.#ids.includes(this.#desk.open));
    const left = serviceWindow(row.last_inbound, now, contact?.group_id);
    const typing = [...(state.typing.get(id)?.keys() ?? [])].filter((agent) => agent !== state.me.agent)[0];
    const when = ago(row.last_activity, now);
    return html`<${Row}
      key=${id}
      ...${{ row, contact, open, tabbable, when, typing, me: state.me }}
      left=${left.text}
      tone=${left.tone}
      onShow=${this.#onShow}
    />`;
  }

  // Below the rows, beside the list box, which holds nothing but options. Where few of the rows are wanted there is nothing to scroll, so
  // that a button asks for older ones.
  #renderFoot(state) {
    const searching = this.#query.trim() !== '';
    const choosing = searching || this.#tab !== 'all' || this.#status !== 'all';
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
    const rows = [...this.#rows.querySelectorAll('[role=option]')];
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(rows.length - 1, Math.max(0, at + step))]?.focus();
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
    this.#rows.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
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

const Row = memo(({ row, contact, open, tabbable, left, tone, when, typing, me, onShow }) => {
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
  if (by?.kind !== 'agent') return '';
  return by.id === me.agent ? t('people.you') : agentName(by.id, me);
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
