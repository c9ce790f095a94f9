// Several contacts at once: which are chosen, and what is done to all of them.

import { sentenceOf } from '../account.js';
import { changeAll, mostFrequent, partsOf } from '../bulk.js';
import { t } from '../language.js';
import { html, useRef, useState } from '../view.js';
import { LabelField } from './label_field.js';
import { Choice, Press, useStoppable } from './parts.js';

/** As many contacts are chosen at most. */
const MOST = 2_000;
/** A call takes as many members of a list. */
const MOST_MEMBERS = 1_000;

/**
 * Which contacts are chosen: `{chosen, toggle, add, end}`; `chosen` is null while nobody chooses.
 *
 * @returns {{chosen: Map<string, any> | null, begin: () => void, end: () => void, toggle: (contact: any) => void, add: (contacts: any[]) => void, clear: () => void}}
 */
export function useChosen() {
  const [chosen, setChosen] = useState(/** @type {Map<string, any> | null} */ (null));
  const toggle = (contact) =>
    setChosen((before) => {
      const next = new Map(before);
      if (!next.delete(contact.id) && next.size < MOST) next.set(contact.id, contact);
      return next;
    });
  const add = (contacts) =>
    setChosen((before) => {
      const next = new Map(before);
      for (const contact of contacts) if (next.size < MOST) next.set(contact.id, contact);
      return next;
    });
  return { chosen, toggle, add, begin: () => setChosen(new Map()), clear: () => setChosen(new Map()), end: () => setChosen(null) };
}

/** What can be done to those that are chosen. `read(cursor, signal)` is a page of what the list is narrowed by. */
export function Bulk({ choosing, found, read, known, colleagues, contacts }) {
  const { chosen, add, clear, end } = choosing;
  /** @type {[null | {text: string, at?: number, of?: number}, (state: any) => void]} */
  const [running, setRunning] = useState(null);
  /** @type {[null | {text: string, why?: string, again?: () => void}, (outcome: any) => void]} */
  const [outcome, setOutcome] = useState(null);
  const { begin, stop } = useStoppable();
  const label = useRef(null);
  const all = [...chosen.values()];
  const isFull = chosen.size >= MOST;

  const addAll = async () => {
    const signal = begin();
    setOutcome(null);
    const seen = new Map(chosen);
    try {
      let cursor = null;
      do {
        setRunning({ text: t('bulk.reading', { count: seen.size }) });
        const page = await read(cursor, signal);
        signal.throwIfAborted();
        for (const contact of page.contacts) seen.set(contact.id, contact);
        add(page.contacts);
        cursor = page.next_cursor ?? null;
      } while (cursor !== null && seen.size < MOST);
      setOutcome({ text: cursor !== null || seen.size > MOST ? t('bulk.bound', { most: MOST }) : '' });
    } catch (error) {
      if (!signal.aborted) setOutcome({ text: '', why: sentenceOf(error), again: addAll });
    }
    setRunning(null);
  };

  /** `run(items)` of each part; `of` says how many contacts a part has. */
  const change = async (parts, run, of = (part) => part.length) => {
    if (running || parts.length === 0) return;
    const signal = begin();
    const whole = parts.reduce((sum, part) => sum + of(part), 0);
    setOutcome(null);
    const told = (at) => setRunning({ text: t('bulk.changing', { at, of: whole }), at, of: whole });
    told(0);
    let at = 0;
    const { failed } = await changeAll(
      parts,
      async (part) => {
        await run(part);
        at += of(part);
      },
      { signal, onStep: () => told(at) },
    );
    setRunning(null);
    const lost = failed.reduce((sum, { item }) => sum + of(item), 0);
    const why = mostFrequent(failed);
    setOutcome({
      text: t(signal.aborted ? 'bulk.stopped' : 'bulk.done', { count: at }),
      ...(lost > 0 && { why: t('bulk.failed', { count: lost, why: sentenceOf(why) }), again: () => change(failed.map(({ item }) => item), run, of) }),
    });
  };
  const each = (changes) =>
    change(
      all.map((one) => [one]),
      async ([{ id }]) => found.put(await contacts.change(id, changes)),
    );
  const labelled = (what) => (event) => {
    event.preventDefault();
    const written = label.current.value.trim();
    if (written === '') return label.current.focus();
    label.current.value = '';
    return each({ labels: { [what]: [contacts.spelled(written)] } });
  };
  const listed = (what) => (event) => {
    const { value: list } = event.currentTarget;
    event.currentTarget.value = '';
    if (list !== '') change(partsOf([...chosen.keys()], MOST_MEMBERS), (part) => contacts.members(list, { [what]: part }));
  };
  const owned = (event) => {
    const { value: owner } = event.currentTarget;
    event.currentTarget.value = '';
    if (owner !== '') each({ owner: owner === 'none' ? null : owner });
  };
  const lists = known.lists.map((one) => [one.list_id, one.name]);
  const members = [...colleagues].filter(([, { role }]) => role !== null).map(([id, { name }]) => [id, name]);
  return html`
    <section class="card bulk" aria-label=${t('bulk.title')}>
      <p class="bulk-head">
        <strong role="status">${t('bulk.chosen', { count: chosen.size })}</strong>
        ${!isFull && html`<${Press} label=${t('bulk.read', { count: found.rows.length })} run=${() => add(found.rows)} />`}
        ${!isFull && found.next !== null && html`<${Press} label=${t('bulk.all', { most: MOST })} run=${() => running || addAll()} />`}
        ${chosen.size > 0 && html`<${Press} label=${t('bulk.none')} run=${clear} />`}
        <${Press} label=${t('any.done')} run=${end} />
      </p>
      ${running &&
      html`
        <p class="page-status">
          ${running.of !== undefined && html`<progress aria-label=${t('bulk.progress')} max=${running.of} value=${running.at}></progress>`}
          <span role="status">${running.text}</span>
          <${Press} label=${t('bulk.stop')} run=${stop} />
        </p>
      `}
      ${!running &&
      chosen.size > 0 &&
      html`
        <div class="filters">
          <form class="bulk-label" onsubmit=${labelled('add')}>
            <${LabelField} contacts=${contacts} label=${t('contacts.label')} inputRef=${label} />
            <button class="plain">${t('bulk.label')}</button>
            <button type="button" class="plain" onclick=${labelled('remove')}>${t('bulk.unlabel')}</button>
          </form>
          ${lists.length > 0 && html`<${Choice} label=${t('contact.add_to_list')} chosen="" options=${[['', '–'], ...lists]} onchange=${listed('add')} />`}
          ${lists.length > 0 && html`<${Choice} label=${t('bulk.take_off_list')} chosen="" options=${[['', '–'], ...lists]} onchange=${listed('remove')} />`}
          ${members.length > 0 && html`<${Choice} label=${t('contact.owner')} chosen="" options=${[['', '–'], ['none', t('contact.nobody')], ...members]} onchange=${owned} />`}
        </div>
      `}
      <p role="status">${outcome?.text}</p>
      <p class="page-problem" role="alert">${outcome?.why}${outcome?.again && !running && html` <${Press} label=${t('any.try_again')} run=${outcome.again} />`}</p>
    </section>
  `;
}
