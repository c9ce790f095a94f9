// What became of whom: recipients by outcome, some at a time, and as a file.

import { sentenceOf } from '../account.js';
import { OUTCOMES, adviceOf, countsOf, reasonText } from '../broadcasts.js';
import { number, t } from '../language.js';
import { phoneText } from '../people.js';
import { hashOfPage } from '../route.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { pathOf } from './broadcast_one.js';
import { shortTime } from './broadcast_words.js';
import { Choice, Download, Press } from './parts.js';

const PAGE = 50;
/** Pages of one press: of an outcome that few have a page may be empty. */
const MOST_CALLS = 8;

/** Recipients of an outcome, as far as they are read: `{rows, next, isReading, error, load, more}`. */
function useRecipients(ask, id, outcome, on) {
  const [state, setState] = useState({ rows: [], next: null, isReading: true, error: null });
  const turn = useRef(0);
  const read = async (cursor) => {
    turn.current += 1;
    const mine = turn.current;
    const set = (change) => mine === turn.current && setState(change);
    set((before) => ({ ...before, isReading: true, error: null }));
    let next = cursor;
    try {
      const rows = [];
      for (let calls = 0; calls < MOST_CALLS && mine === turn.current; calls += 1) {
        const query = new URLSearchParams({ limit: String(PAGE), ...(outcome && { outcome }), ...(next && { cursor: next }) });
        const page = await ask('GET', `${pathOf(id)}/recipients?${query}`);
        rows.push(...page.recipients);
        next = page.next_cursor ?? null;
        if (next === null || rows.length >= PAGE) break;
      }
      set((before) => ({ rows: cursor === null ? rows : [...before.rows, ...rows], next, isReading: false, error: null }));
    } catch (error) {
      set((before) => ({ ...before, isReading: false, error }));
    }
  };
  useEffect(() => {
    read(null);
    return () => {
      turn.current += 1;
    };
  }, [outcome, on]);
  return { ...state, load: () => read(null), more: () => read(state.next) };
}

/** The list with its filter; `only` is one outcome, where no other is meant. */
export function Recipients({ context, broadcast, only = null }) {
  const { ask } = context;
  const { broadcast_id: id, name, plan, launched_at: launched } = broadcast;
  const [chosen, setChosen] = useState('');
  const outcome = only ?? chosen;
  const { rows, next, isReading, error, load, more } = useRecipients(ask, id, outcome, plan.at);
  const mayExport = context.rights().includes('manage_business');
  const there = countsOf(broadcast).map(([one]) => one);
  const options = OUTCOMES.filter((one) => there.includes(one) || one === chosen).map((one) => [one, t(`broadcasts.outcome.${one}`)]);
  const query = outcome ? `&outcome=${outcome}` : '';
  const title = only === null ? 'broadcasts.recipients' : 'broadcasts.by_line';
  return html`
    <section class="card" aria-labelledby=${`recipients-${only ?? 'all'}`}>
      <header>
        <h2 id=${`recipients-${only ?? 'all'}`}>${t(title)}</h2>
        ${mayExport &&
        html`
          <div class="buttons">
            ${['csv', 'ndjson'].map((format) => html`<${Download} key=${format} label=${t(`broadcasts.export_${format}`)} name=${fileName(name, outcome, format)} path=${`${pathOf(id)}/export?format=${format}${query}`} ask=${ask} />`)}
          </div>
        `}
      </header>
      <div class="filters">
        ${only === null && html`<${Choice} label=${t('broadcasts.outcome')} chosen=${chosen} options=${[['', t('broadcasts.any_outcome')], ...options]} onchange=${(event) => setChosen(event.currentTarget.value)} />`}
        ${launched && html`<${Press} label=${t('broadcasts.look_again')} run=${load} />`}
      </div>
      ${error && html`<p class="page-status" role="alert"><span>${sentenceOf(error)}</span> <${Press} label=${t('any.try_again')} run=${load} /></p>`}
      ${!isReading && !error && rows.length === 0 && html`<p class="page-empty" role="status">${t(next === null ? 'broadcasts.nobody' : 'broadcasts.nobody_yet')}</p>`}
      ${rows.length > 0 &&
      html`
        <div class="table-frame" tabindex="0" role="region" aria-label=${t('broadcasts.table')}>
          <table class="broadcast-recipients">
            <thead><tr><th class="amount">${t('broadcasts.no')}</th>${hasLines(rows) && html`<th class="amount">${t('broadcasts.line')}</th>`}<th>${t('broadcasts.who')}</th>${only === null && html`<th>${t('broadcasts.outcome')}</th>`}<th>${t('broadcasts.reason')}</th>${launched && html`<th>${t('broadcasts.when')}</th>`}</tr></thead>
            <tbody>${rows.map((row) => html`<${Row} key=${row.no} row=${row} hasLine=${hasLines(rows)} isOfAll=${only === null} isLaunched=${Boolean(launched)} />`)}</tbody>
          </table>
        </div>
      `}
      ${isReading && html`<p class="page-status" role="status">${t('any.loading')}</p>`}
      ${!isReading && next !== null && html`<p class="page-status"><${Press} label=${t('broadcasts.more_recipients')} run=${more} /></p>`}
    </section>
  `;
}

const hasLines = (rows) => rows.some(({ line }) => line !== undefined);

function Row({ row, hasLine, isOfAll, isLaunched }) {
  const { no, line, contact_id: contact, name, phone, outcome, reason, code, at } = row;
  const who = name ?? (phone ? phoneText(phone) : contact ? t('people.customer') : '–');
  const why = reason ? reasonText(reason) : outcome === 'failed' ? adviceOf(String(code ?? 0)) : '';
  return html`
    <tr data-no=${no}>
      <td class="amount">${number(no)}</td>
      ${hasLine && html`<td class="amount">${line === undefined ? '' : number(line)}</td>`}
      <th scope="row">${contact ? html`<a href=${hashOfPage('contacts', contact)}><bdi>${who}</bdi></a>` : html`<bdi>${who}</bdi>`}${name && phone && html` <span class="quiet">${phoneText(phone)}</span>`}</th>
      ${isOfAll && html`<td>${t(`broadcasts.outcome.${outcome}`)}</td>`}
      <td>${why}${outcome === 'failed' && code > 0 && html` <span class="quiet">${t('broadcasts.code', { code: String(code) })}</span>`}</td>
      ${isLaunched && html`<td class="when">${at ? shortTime(at) : ''}</td>`}
    </tr>
  `;
}

/** A file's name, of the broadcast's without what no file may be called. */
function fileName(name, outcome, format) {
  const base = name.replace(/[\\/:*?"<>|\p{C}]+/gu, '_').slice(0, 80);
  return `${[base, outcome].filter(Boolean).join('-')}.${format}`;
}
