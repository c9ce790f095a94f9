// The list of broadcasts, newest first. What runs is brought up to date by events, without a call.

import { reachOf, withEvent } from '../broadcasts.js';
import { number, t } from '../language.js';
import { hashOfPage } from '../route.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { audienceText, shortTime, wallText } from './broadcast_words.js';
import { useDefinitions } from './contact_list.js';
import { Press, absenceText } from './parts.js';

const PAGE = 30;
/** Pages that are read on for the first that has something in it: of a member who is limited some are empty. */
const MOST_EMPTY = 20;
/** The list is not read again more often than this. */
const RESTS = 3_000;

async function readOn(ask, cursor) {
  const broadcasts = [];
  let next = cursor;
  for (let pages = 0; pages < MOST_EMPTY && (pages === 0 || (next !== null && broadcasts.length === 0)); pages += 1) {
    const page = await ask('GET', `/v1/broadcasts?limit=${PAGE}${next ? `&cursor=${encodeURIComponent(next)}` : ''}`);
    broadcasts.push(...page.broadcasts);
    next = page.next_cursor ?? null;
  }
  return { broadcasts, next };
}

/** The rows that are known, kept up to date: `{rows, next, error, load, more}`. */
function useRows(context) {
  const { ask } = context;
  const [state, setState] = useState({ rows: null, next: null, error: null });
  const turn = useRef(0);
  const read = async (cursor, join) => {
    turn.current += 1;
    const mine = turn.current;
    try {
      const { broadcasts, next } = await readOn(ask, cursor);
      if (mine === turn.current) setState((before) => join(before, broadcasts, next));
    } catch (error) {
      if (mine === turn.current) setState((before) => ({ ...before, error }));
    }
  };
  const without = (rows, others) => rows.filter((one) => others.every((other) => other.broadcast_id !== one.broadcast_id));
  // What follows the first page stays as it was read.
  const load = () => read(null, ({ rows, next: after }, first, next) => (rows === null || rows.length <= PAGE ? { rows: first, next, error: null } : { rows: [...first, ...without(rows, first)], next: after, error: null }));
  const more = () => read(state.next, ({ rows }, further, next) => ({ rows: [...rows, ...without(further, rows)], next, error: null }));
  const known = useRef(state.rows);
  known.current = state.rows;
  useEffect(() => {
    let timer = null;
    const again = () => {
      timer ??= setTimeout(() => {
        timer = null;
        if (document.visibilityState === 'visible') load();
        else again();
      }, RESTS);
    };
    load();
    const stop = context.onBroadcast((told) => {
      const row = told && known.current?.find((one) => one.broadcast_id === told.broadcast_id);
      const next = row && withEvent(row, told);
      if (next) setState((before) => ({ ...before, rows: before.rows.map((one) => (one.broadcast_id === told.broadcast_id ? withEvent(one, told) : one)) }));
      // No event tells that one has ended, or that there is another.
      if (!next || next.counts.left === 0 || row.state !== 'running') again();
    });
    return () => {
      stop();
      clearTimeout(timer);
      turn.current += 1;
    };
  }, []);
  return { ...state, load, more };
}

export function BroadcastList({ context, mayBroadcast }) {
  const { rows, next, error, load, more } = useRows(context);
  const definitions = useDefinitions(context);
  return html`
    ${error && html`<p class="page-status" role="alert"><span>${absenceText(error)}</span> ${error.status !== 404 && html`<${Press} label=${t('any.try_again')} run=${load} />`}</p>`}
    ${!error && rows === null && html`<p class="page-status" role="status">${t('any.loading')}</p>`}
    ${rows?.length === 0 && html`<div class="card broadcasts-empty"><h2>${t('broadcasts.none')}</h2><p class="quiet">${t(mayBroadcast ? 'broadcasts.none_help' : 'broadcasts.none_yet')}</p></div>`}
    ${rows?.length > 0 &&
    html`
      <div class="table-frame" tabindex="0" role="region" aria-label=${t('page.broadcasts')}>
        <table class="broadcasts">
          <thead>
            <tr>
              <th>${t('broadcasts.name')}</th>
              <th>${t('broadcasts.stands')}</th>
              ${['recipients', 'sent', 'delivered', 'read', 'failed'].map((name) => html`<th key=${name} class="amount">${t(`broadcasts.column.${name}`)}</th>`)}
              <th>${t('broadcasts.when')}</th>
            </tr>
          </thead>
          <tbody>${rows.map((row) => html`<${Row} key=${row.broadcast_id} row=${row} definitions=${definitions} />`)}</tbody>
        </table>
      </div>
    `}
    ${next && html`<p class="page-status"><${Press} label=${t('broadcasts.more')} run=${more} /></p>`}
  `;
}

function Row({ row, definitions }) {
  const { broadcast_id: id, name, template, plan, counts, problem } = row;
  const reach = reachOf(row);
  return html`
    <tr data-broadcast=${id}>
      <th scope="row">
        <a href=${hashOfPage('broadcasts', id)}><bdi>${name}</bdi></a>
        <span class="quiet broadcasts-of"><bdi>${template?.name ?? t('broadcasts.no_template')}</bdi> · <bdi>${audienceText(row, definitions)}</bdi></span>
      </th>
      <td><${State} broadcast=${row} />${problem && html` <span class="verdict-bad">${t('broadcasts.has_problem')}</span>`}</td>
      <td class="amount">${plan ? number(plan.recipients) : '–'}</td>
      ${['sent', 'delivered', 'read', 'failed'].map((what) => html`<td key=${what} class="amount">${counts ? number(reach[what]) : '–'}</td>`)}
      <td class="when">${whenText(row)}</td>
    </tr>
  `;
}

/** Where one stands. */
export function State({ broadcast: { state } }) {
  return html`<span class=${`broadcast-state broadcast-${state}`}>${t(`broadcasts.state.${state}`)}</span>`;
}

/** When it goes out, went out, or was written last. */
function whenText({ state, at, at_local: local, launched_at: launched, changed_at: changed }) {
  if (state === 'scheduled' && local) return t('broadcasts.goes_at', { when: wallText(local) });
  if (state === 'scheduled' && at) return t('broadcasts.goes_at', { when: shortTime(at) });
  return launched ? shortTime(launched) : t('broadcasts.changed_at', { when: shortTime(changed) });
}
