// The list of contacts: its rows as far as they are in view, which can be chosen, and reading on.

import { contactsOf, isFiltered, readOn, windowOf } from '../contacts.js';
import { isolated, list, number, t } from '../language.js';
import { addressOf, nameOf } from '../people.js';
import { Face, Icon } from '../parts.js';
import { html, memo, useEffect, useLayoutEffect, useRef, useState } from '../view.js';
import { Press, absenceText } from './parts.js';

const MOST_LABELS = 2;
/** The height of a row, in `rem`; styles say the same. */
const ROW = 4.25;

/**
 * What the business has defined: attributes, lists, segments, and its numbers. What cannot be read is left out. It is looked at anew when
 * `turn` changes.
 */
export function useDefinitions(context, turn = 0) {
  const [known, setKnown] = useState({ attributes: [], lists: [], segments: [], numbers: [] });
  useEffect(() => {
    let isLeft = false;
    const contacts = contactsOf(context);
    const reads = { attributes: contacts.attributes(), lists: contacts.lists(), segments: contacts.segments(), numbers: contacts.numbers() };
    for (const [name, read] of Object.entries(reads)) read.then((value) => isLeft || setKnown((before) => ({ ...before, [name]: value })), () => {});
    return () => {
      isLeft = true;
    };
  }, [turn]);
  return known;
}

/** The contacts that a filter finds, as far as they are read: `{rows, next, isReading, error, more, put, drop, get}`. */
export function useContactRows(contacts, filter) {
  const [state, setState] = useState({ rows: [], next: null, isReading: true, error: null });
  const running = useRef(null);
  const read = async (cursor) => {
    running.current?.abort();
    const turn = new AbortController();
    running.current = turn;
    const change = (news) => turn.signal.aborted || setState((before) => ({ ...before, ...news(before) }));
    change(() => ({ isReading: true, error: null }));
    // What is read again may have moved: each contact stands where it came first.
    const onPage = (page) =>
      change(({ rows }) => {
        const known = new Set(rows.map((row) => row.id));
        return { rows: [...rows, ...page.filter((row) => !known.has(row.id))] };
      });
    try {
      const { next } = await readOn((at) => contacts.page(filter, at, turn.signal), cursor, { signal: turn.signal, onPage });
      change(() => ({ next, isReading: false }));
    } catch (error) {
      change(() => ({ error, next: cursor, isReading: false }));
    }
  };
  useEffect(() => {
    setState({ rows: [], next: null, isReading: true, error: null });
    read(null);
    return () => running.current?.abort();
  }, [filter]);
  const put = (contact) =>
    setState((before) => {
      const at = before.rows.findIndex((row) => row.id === contact.id);
      // What is known may be newer: of a change after the one that this answers.
      if (before.rows[at]?.updated > contact.updated) return before;
      return { ...before, rows: at < 0 ? [contact, ...before.rows] : before.rows.with(at, contact) };
    });
  const drop = (id) => setState((before) => ({ ...before, rows: before.rows.filter((row) => row.id !== id) }));
  return { ...state, more: () => read(state.next), put, drop, get: (id) => state.rows.find((row) => row.id === id) };
}

// --- the rows ------------------------------------------------------------------------------------------------------

/** `counting` stands beside how many are read; `chosen` are those that are chosen, or null while nobody chooses. */
export function ContactList({ found, filter, open, known, colleagues, onShow, chosen, counting }) {
  const { rows, next, isReading, error, more } = found;
  const none = isFiltered(filter) ? (next === null ? 'contacts.none_like' : 'contacts.none_like_yet') : 'contacts.nobody';
  return html`
    <div class="contacts-counts quiet">
      <p class="contacts-count" role="status">
        ${isReading && rows.length === 0 ? t('any.loading') : rows.length > 0 ? t(next === null && !isReading && !error ? 'contacts.count' : 'contacts.count_so_far', { count: rows.length }) : ''}
      </p>
      ${next !== null && rows.length > 0 && counting}
    </div>
    ${rows.length > 0 && html`<${Rows} ...${{ rows, open, known, colleagues, onShow, chosen }} onEnd=${() => next !== null && !isReading && !error && more()} />`}
    ${error && html`<p class="page-status" role="alert"><span>${absenceText(error)}</span> ${error.status !== 404 && html`<${Press} label=${t('any.try_again')} run=${more} />`}</p>`}
    ${!isReading && !error && rows.length === 0 && html`<p class="page-empty">${t(none)}</p>`}
    ${!isReading && !error && next !== null && html`<p class="page-status"><${Press} label=${t('contacts.further')} run=${more} /></p>`}
    ${isReading && rows.length > 0 && html`<p class="page-status" role="status">${t('any.loading')}</p>`}
  `;
}

/** Rows of one height in the page that scrolls: only those in view, and some beside them, are there. */
function Rows({ rows, open, known, colleagues, onShow, onEnd, chosen }) {
  const box = useRef(null);
  const [view, setView] = useState({ top: 0, room: 900, height: 16 * ROW });
  /** The row that the keyboard is at, and whether it is to get the focus. */
  const [active, setActive] = useState({ at: 0, isFocused: false });
  useLayoutEffect(() => {
    const scroller = box.current.closest('.page');
    const look = () => {
      // Where another part of the page has its place, it stays as it is.
      if (!box.current?.checkVisibility()) return;
      const height = ROW * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      setView({ top: scroller.getBoundingClientRect().top - box.current.getBoundingClientRect().top, room: scroller.clientHeight, height });
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(scroller);
    scroller.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      scroller.removeEventListener('scroll', look);
    };
  }, []);
  const { from, to } = windowOf({ count: rows.length, ...view });
  useEffect(() => {
    if (to >= rows.length - 5) onEnd();
  }, [to, rows.length]);
  const openAt = rows.findIndex((row) => row.id === open);
  const tabbable = Math.min(active.isFocused || openAt < 0 ? active.at : openAt, rows.length - 1);
  useLayoutEffect(() => {
    if (!active.isFocused) return;
    const option = box.current.querySelector(`[aria-posinset="${active.at + 1}"]`);
    option?.focus({ preventScroll: true });
    option?.scrollIntoView({ block: 'nearest' });
  }, [active]);
  const key = (event) => {
    const page = Math.max(1, Math.floor(view.room / view.height) - 1);
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity, PageDown: page, PageUp: -page }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = Math.min(rows.length - 1, Math.max(0, tabbable + step));
    // A row far away is there only once the page has scrolled to it.
    if (at < from || at >= to) box.current.closest('.page').scrollTop += (at - tabbable) * view.height;
    setView((before) => ({ ...before, top: at < from || at >= to ? at * view.height - before.room / 2 : before.top }));
    setActive({ at, isFocused: true });
  };
  return html`
    <div
      class="contact-rows"
      role="listbox"
      aria-multiselectable=${chosen === null ? null : 'true'}
      aria-label=${t('contacts.found')}
      ref=${box}
      onkeydown=${key}
      onfocusin=${({ target }) => target.ariaPosInSet && setActive({ at: Number(target.ariaPosInSet) - 1, isFocused: true })}
      onfocusout=${({ relatedTarget }) => box.current?.contains(relatedTarget) || setActive((before) => ({ ...before, isFocused: false }))}
      style=${{ blockSize: `${rows.length * view.height}px` }}
    >
      <div role="presentation" style=${{ transform: `translateY(${from * view.height}px)` }}>
        ${rows.slice(from, to).map((contact, i) => html`<${Row} key=${contact.id} ...${{ contact, known, colleagues, onShow }} at=${from + i} of=${rows.length} isOpen=${contact.id === open} isChosen=${chosen && chosen.has(contact.id)} isTabbable=${from + i === tabbable} />`)}
      </div>
    </div>
  `;
}

const Row = memo(({ contact, colleagues, onShow, at, of, isOpen, isChosen, isTabbable }) => {
  const name = nameOf(contact);
  const { labels = [], owner } = contact;
  const further = labels.slice(MOST_LABELS);
  const show = () => onShow(contact);
  const key = (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    show();
  };
  return html`
    <div class="contact-row" role="option" data-id=${contact.id} aria-posinset=${at + 1} aria-setsize=${of} aria-selected=${String(isChosen ?? isOpen)} tabindex=${isTabbable ? 0 : -1} onclick=${show} onkeydown=${key}>
      ${isChosen !== null && html`<span class="contact-box" data-on=${String(isChosen)}><${Icon} name="check" /></span>`}
      <${Face} name=${name} id=${contact.id} />
      <span class="contact-main">
        <span class="contact-name" dir="auto">${name}</span>
        <span class="quiet contact-address">${addressOf(contact)}</span>
      </span>
      <span class="contact-tags">
        ${contact.opted_out_at && html`<span class="state">${t('contact.opted_out_short')}</span>`}
        ${contact.unreachable && html`<span class="state">${t('contact.unreachable_short')}</span>`}
        ${contact.is_minor && html`<span class="state">${t('contact.minor_short')}</span>`}
        ${labels.slice(0, MOST_LABELS).map((label) => html`<bdi class="label" key=${label}>${label}</bdi>`)}
        ${further.length > 0 && html`<span class="label" title=${list(further)}>${isolated(`+${number(further.length)}`)}</span>`}
      </span>
      ${owner && html`<span class="contact-owner quiet"><bdi>${colleagues.get(owner)?.name ?? ''}</bdi></span>`}
    </div>
  `;
});
