// The list of contacts: what it is looked through by, its rows as far as they are in view, and reading on.

import { NO_FILTER, contactsOf, isFiltered, readOn, windowOf } from '../contacts.js';
import { isolated, list, number, t } from '../language.js';
import { addressOf, nameOf } from '../people.js';
import { Face } from '../parts.js';
import { html, memo, useEffect, useLayoutEffect, useRef, useState } from '../view.js';
import { numberText } from './limit_fields.js';
import { Choice, Field, Press, absenceText } from './parts.js';

const MOST_LABELS = 2;
const TYPING_RESTS = 300;
/** The height of a row, in `rem`; styles say the same. */
const ROW = 4.25;

/** What the business has defined: attributes, lists, segments, and its numbers. What cannot be read is left out. */
export function useDefinitions(context) {
  const [known, setKnown] = useState({ attributes: [], lists: [], segments: [], numbers: [] });
  useEffect(() => {
    let isLeft = false;
    const contacts = contactsOf(context);
    const reads = { attributes: contacts.attributes(), lists: contacts.lists(), segments: contacts.segments(), numbers: contacts.numbers() };
    for (const [name, read] of Object.entries(reads)) read.then((value) => isLeft || setKnown((before) => ({ ...before, [name]: value })), () => {});
    return () => {
      isLeft = true;
    };
  }, []);
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

// --- what one looks for --------------------------------------------------------------------------------------------

/** A text that counts once nobody types any more. */
function useTyped(value, onChange) {
  const [text, setText] = useState(value);
  const timer = useRef(null);
  // Before anything else can be typed: after the next frame it would take back what was.
  useLayoutEffect(() => {
    setText(value);
    return () => clearTimeout(timer.current);
  }, [value]);
  const typed = (event) => {
    const { value: written } = event.currentTarget;
    setText(written);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(written), TYPING_RESTS);
  };
  return [text, typed];
}

export function Filters({ filter, onChange, known, colleagues }) {
  // What is typed counts a moment later: something else may have been chosen meanwhile.
  const choose = (change) => onChange((before) => ({ ...before, ...change }));
  const picked = (name) => (event) => choose({ [name]: event.currentTarget.value });
  const [search, typeSearch] = useTyped(filter.search, (text) => choose({ search: text }));
  const [label, typeLabel] = useTyped(filter.label, (text) => choose({ label: text }));
  const [value, typeValue] = useTyped(filter.value, (text) => choose({ value: text }));
  const any = ['', t('contacts.any')];
  const owners = [...colleagues].filter(([, { role }]) => role !== null).map(([id, { name }]) => [id, name]);
  const attribute = known.attributes.find((one) => one.key === filter.key);
  const chosen = Object.entries(filter).filter(([name, one]) => !['search', 'sort', 'order', 'key'].includes(name) && one !== '').length;
  return html`
    <div class="filters contact-filters" role="search">
      <${Field} label=${t('contacts.search')} kind="search" value=${search} oninput=${typeSearch} autocomplete="off" spellcheck="false" dir="auto" hint=${t('contacts.search_hint')} />
      <${Choice}
        label=${t('contacts.sort')}
        chosen=${`${filter.sort} ${filter.order}`}
        options=${['created desc', 'activity desc', 'name asc', 'name desc', 'created asc'].map((one) => [one, t(`contacts.sort.${one.replace(' ', '_')}`)])}
        onchange=${(event) => {
          const [sort, order] = event.currentTarget.value.split(' ');
          choose({ sort, order });
        }}
      />
    </div>
    <details class="contact-more">
      <summary>${chosen === 0 ? t('contacts.filters') : t('contacts.filters_on', { count: chosen })}</summary>
      <div class="filters">
        <${Field} label=${t('contacts.label')} value=${label} oninput=${typeLabel} autocomplete="off" maxlength="64" dir="auto" />
        ${known.lists.length > 0 && html`<${Choice} label=${t('contacts.list')} chosen=${filter.list} options=${[any, ...known.lists.map((one) => [one.list_id, one.name])]} onchange=${picked('list')} />`}
        ${known.segments.length > 0 &&
        html`<${Choice} label=${t('contacts.segment')} chosen=${filter.segment} options=${[any, ...known.segments.map((one) => [one.segment_id, one.name])]} onchange=${picked('segment')} />`}
        ${owners.length > 0 && html`<${Choice} label=${t('contact.owner')} chosen=${filter.owner} options=${[any, ['none', t('contact.nobody')], ...owners]} onchange=${picked('owner')} />`}
        <${Choice}
          label=${t('contacts.marketing')}
          chosen=${filter.consent}
          options=${[any, ['allowed', t('contacts.allowed')], ['opted_out', t('contacts.opted_out')]]}
          onchange=${picked('consent')}
        />
        ${known.numbers.length > 1 &&
        html`<${Choice} label=${t('contacts.number')} chosen=${filter.number} options=${[any, ...known.numbers.map((one) => [one.phone_number_id, numberText(one)])]} onchange=${picked('number')} />`}
        ${known.attributes.length > 0 &&
        html`<${Choice} label=${t('contacts.attribute')} chosen=${filter.key} options=${[any, ...known.attributes.map((one) => [one.key, one.name])]} onchange=${(event) => choose({ key: event.currentTarget.value, value: '' })} />`}
        ${attribute &&
        (['boolean', 'choice'].includes(attribute.type)
          ? html`<${Choice} label=${t('contacts.value_of', { name: attribute.name })} chosen=${filter.value} options=${[any, ...optionsOf(attribute)]} onchange=${picked('value')} />`
          : html`<${Field} label=${t('contacts.value_of', { name: attribute.name })} kind=${attribute.type === 'text' ? 'text' : attribute.type} value=${value} oninput=${typeValue} autocomplete="off" />`)}
        ${isFiltered(filter) && html`<${Press} label=${t('contacts.clear')} run=${() => onChange({ ...NO_FILTER, sort: filter.sort, order: filter.order })} />`}
      </div>
    </details>
  `;
}

/** The values among which one of an attribute is chosen: `[value, label]`. */
export function optionsOf({ type, choices = [] }) {
  if (type === 'boolean') return [['true', t('attribute.yes')], ['false', t('attribute.no')]];
  return choices.map((one) => [one, one]);
}

// --- the rows ------------------------------------------------------------------------------------------------------

export function ContactList({ found, filter, open, known, colleagues, onShow }) {
  const { rows, next, isReading, error, more } = found;
  const none = isFiltered(filter) ? (next === null ? 'contacts.none_like' : 'contacts.none_like_yet') : 'contacts.nobody';
  return html`
    <p class="contacts-count quiet" role="status">
      ${isReading && rows.length === 0 ? t('any.loading') : rows.length > 0 ? t(next === null && !isReading && !error ? 'contacts.count' : 'contacts.count_so_far', { count: rows.length }) : ''}
    </p>
    ${rows.length > 0 && html`<${Rows} ...${{ rows, open, known, colleagues, onShow }} onEnd=${() => next !== null && !isReading && !error && more()} />`}
    ${error && html`<p class="page-status" role="alert"><span>${absenceText(error)}</span> ${error.status !== 404 && html`<${Press} label=${t('any.try_again')} run=${more} />`}</p>`}
    ${!isReading && !error && rows.length === 0 && html`<p class="page-empty">${t(none)}</p>`}
    ${!isReading && !error && next !== null && html`<p class="page-status"><${Press} label=${t('contacts.further')} run=${more} /></p>`}
    ${isReading && rows.length > 0 && html`<p class="page-status" role="status">${t('any.loading')}</p>`}
  `;
}

/** Rows of one height in the page that scrolls: only those in view, and some beside them, are there. */
function Rows({ rows, open, known, colleagues, onShow, onEnd }) {
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
      aria-label=${t('contacts.found')}
      ref=${box}
      onkeydown=${key}
      onfocusin=${({ target }) => target.ariaPosInSet && setActive({ at: Number(target.ariaPosInSet) - 1, isFocused: true })}
      onfocusout=${({ relatedTarget }) => box.current.contains(relatedTarget) || setActive((before) => ({ ...before, isFocused: false }))}
      style=${{ blockSize: `${rows.length * view.height}px` }}
    >
      <div role="presentation" style=${{ transform: `translateY(${from * view.height}px)` }}>
        ${rows.slice(from, to).map((contact, i) => html`<${Row} key=${contact.id} ...${{ contact, known, colleagues, onShow }} at=${from + i} of=${rows.length} isOpen=${contact.id === open} isTabbable=${from + i === tabbable} />`)}
      </div>
    </div>
  `;
}

const Row = memo(({ contact, colleagues, onShow, at, of, isOpen, isTabbable }) => {
  const name = nameOf(contact);
  const { labels = [], owner } = contact;
  const further = labels.slice(MOST_LABELS);
  const show = () => onShow(contact.id);
  const key = (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    show();
  };
  return html`
    <div class="contact-row" role="option" data-id=${contact.id} aria-posinset=${at + 1} aria-setsize=${of} aria-selected=${String(isOpen)} tabindex=${isTabbable ? 0 : -1} onclick=${show} onkeydown=${key}>
      <${Face} name=${name} id=${contact.id} />
      <span class="contact-main">
        <span class="contact-name" dir="auto">${name}</span>
        <span class="quiet contact-address">${addressOf(contact)}</span>
      </span>
      <span class="contact-tags">
        ${contact.opted_out_at && html`<span class="state">${t('contact.opted_out_short')}</span>`}
        ${contact.is_minor && html`<span class="state">${t('contact.minor_short')}</span>`}
        ${labels.slice(0, MOST_LABELS).map((label) => html`<bdi class="label" key=${label}>${label}</bdi>`)}
        ${further.length > 0 && html`<span class="label" title=${list(further)}>${isolated(`+${number(further.length)}`)}</span>`}
      </span>
      ${owner && html`<span class="contact-owner quiet"><bdi>${colleagues.get(owner)?.name ?? ''}</bdi></span>`}
    </div>
  `;
});
