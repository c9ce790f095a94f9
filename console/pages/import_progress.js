// How an import goes: what it was begun with, how far it is, what became of the rows, and why some were refused.

import { sentenceOf } from '../account.js';
import { countryName } from '../countries.js';
import { baseOf, isRunning, progressOf, reasonsOf, typeOf } from '../imports.js';
import { language, list, number, t } from '../language.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { Download, Press, useChange, useFocus } from './parts.js';

/** An upload is as slow as the line; one that takes longer than this is given up. */
const UPLOAD_LASTS = 3_600_000;
const LOOK_AGAIN = 1_500;
const LOOK_AGAIN_AT_MOST = 30_000;

export const pathOf = (id) => `/v1/imports/${encodeURIComponent(id)}`;

/** Uploads a file, which is one that can be imported. */
export function upload(ask, file, how = {}) {
  return ask('POST', `/v1/imports?name=${encodeURIComponent(file.name)}`, file.slice(0, file.size, typeOf(file.name) ?? ''), { deadline: UPLOAD_LASTS, ...how });
}

/** Starts an import; what it becomes. */
export async function begin(ask, one, wanted) {
  const answer = await ask('POST', `${pathOf(one.import_id)}/start`, wanted);
  return { ...one, ...zero(one), ...answer, dry_run: wanted.dry_run, state: 'running', wanted };
}

const zero = ({ bytes }) => ({ bytes, rows: 0, created: 0, updated: 0, unchanged: 0, rejected: 0, left_out: 0, reasons: {}, bytes_read: 0, error: undefined });

/** What an import was begun with: by this page, or as the gateway tells it. */
function wantedOf({ wanted, mapping, default_country, labels, lists, bad_cells, date_format, decimal }) {
  return wanted ?? { mapping, ...(default_country && { default_country }), labels, lists, ...(bad_cells !== undefined && { bad_cells, date_format, decimal }) };
}

/** How an import goes, looked at again and again while it runs. */
export function Progress({ one, ask, definitions, onChange, onStarted, onDone }) {
  const focus = useFocus();
  const [problem, setProblem] = useState('');
  const { run, problem: refused } = useChange(() => {});
  const running = isRunning(one);
  const shown = useRef(one);
  shown.current = one;
  useEffect(() => {
    if (!running) return undefined;
    let timer;
    let wait = LOOK_AGAIN;
    const look = async () => {
      if (document.visibilityState === 'visible')
        try {
          const fresh = await ask('GET', pathOf(one.import_id));
          if (timer === null) return;
          setProblem('');
          wait = LOOK_AGAIN;
          // What was read of the file is told once, at its upload.
          onChange({ ...shown.current, ...fresh, sample: fresh.sample?.length > 0 ? fresh.sample : shown.current.sample });
        } catch (error) {
          if (timer === null) return;
          setProblem(sentenceOf(error));
          wait = Math.min(2 * wait, LOOK_AGAIN_AT_MOST);
        }
      if (timer !== null) timer = setTimeout(look, wait);
    };
    timer = setTimeout(look, LOOK_AGAIN / 3);
    return () => {
      clearTimeout(timer);
      timer = null;
    };
  }, [running]);
  const again = (isDry) =>
    run(async () => {
      const wanted = { ...wantedOf(one), dry_run: isDry };
      try {
        onStarted(await begin(ask, one, wanted));
      } catch (error) {
        // A gateway that does not keep the file gets it once more, as long as this page has it.
        if (!one.file || !['import_started', 'import_elsewhere'].includes(error.code)) throw error;
        const fresh = await upload(ask, one.file);
        await ask('DELETE', pathOf(one.import_id)).catch(() => {});
        onStarted(await begin(ask, { ...fresh, file: one.file }, wanted));
      }
    });
  const cancel = () => run(async () => (await ask('DELETE', pathOf(one.import_id)), onChange({ ...shown.current, state: 'cancelled' })));
  const share = progressOf(one);
  return html`
    <div class="outcome" tabindex="-1" ref=${focus} data-state=${one.state}>
      <p>${stateText(one)}</p>
      ${running && html`<p class="page-status"><progress aria-label=${t('imports.progress')} max="1" value=${share}></progress> <span>${number(share, { style: 'percent' })}</span></p>`}
      <${Counts} one=${one} />
      <${Reasons} one=${one} />
      <${Summary} wanted=${wantedOf(one)} lists=${definitions.lists} />
      ${one.error && html`<p class="verdict-bad">${one.error.message ?? String(one.error)}</p>`}
      <p class="page-problem" role="alert">${problem || refused}</p>
      <div class="buttons">
        ${!running && html`<${Problems} one=${one} ask=${ask} />`}
        ${running && html`<${Press} label=${t('imports.stop')} run=${cancel} />`}
        ${one.state === 'done' && one.dry_run && html`<button type="button" class="primary" onclick=${() => again(false)}>${t('imports.start')}</button><${Press} label=${t('imports.back')} run=${() => onChange({ ...one, state: 'uploaded' })} />`}
        ${one.state === 'failed' && html`<${Press} label=${t('any.try_again')} run=${() => again(one.dry_run === true)} />`}
        ${!running && html`<${Press} label=${t('any.done')} run=${onDone} />`}
      </div>
    </div>
    <p class="hidden" role="status">${running ? '' : stateText(one)}</p>
  `;
}

/** What holds for all rows, so that nobody imports thousands without it. */
function Summary({ wanted, lists }) {
  const { default_country: country, labels = [], lists: chosen = [] } = wanted;
  const names = chosen.map((id) => lists.find((one) => one.list_id === id)?.name ?? id);
  const none = t('contact.none');
  const facts = [
    [t('imports.country'), country ? countryName(country, language()) : t('imports.no_country')],
    [t('imports.labels'), labels.length > 0 ? list(labels) : none],
    [t('imports.lists'), names.length > 0 ? list(names) : none],
  ];
  return html`<dl class="facts">${facts.map(([label, value]) => html`<dt key=${`${label} t`}>${label}</dt><dd key=${`${label} d`}><bdi>${value}</bdi></dd>`)}</dl>`;
}

function Reasons({ one }) {
  const reasons = reasonsOf(one);
  if (reasons.length === 0) return false;
  return html`
    <h3>${t('imports.reasons')}</h3>
    <ul class="import-reasons">${reasons.map(([reason, count]) => html`<li key=${reason}>${t('imports.reason_count', { reason, count })}</li>`)}</ul>
  `;
}

/** What was refused, to be corrected and uploaded again; and what was wrong with it, line by line. */
export function Problems({ one, ask }) {
  const { import_id: id, name, rejected = 0, left_out: leftOut = 0, reasons } = one;
  if (rejected + leftOut === 0) return false;
  const path = `${pathOf(id)}/errors`;
  return html`
    ${reasons !== undefined && rejected > 0 && html`<${Download} label=${t('imports.refused_rows')} name=${`${baseOf(name)}-${t('imports.name_refused')}.csv`} path=${`${path}?of=rows`} ask=${ask} />`}
    <${Download} label=${t('imports.errors')} name=${`${baseOf(name)}-${t('imports.name_errors')}.csv`} path=${path} ask=${ask} />
  `;
}

function stateText({ state, dry_run: isDry, name }) {
  if (isRunning({ state })) return t(isDry ? 'imports.trying' : 'imports.running', { name });
  if (state === 'done') return t(isDry ? 'imports.tried' : 'imports.done', { name });
  return t(`imports.${['uploaded', 'failed', 'cancelled'].includes(state) ? state : 'failed'}`, { name });
}

/** What became of the rows: `[text, count]`. */
export function countsOf(one) {
  const names = ['rows', 'created', 'updated', 'unchanged', 'rejected', ...(one.left_out > 0 ? ['left_out'] : [])];
  return names.map((name) => [t(`imports.count.${name}`), one[name] ?? 0]);
}

function Counts({ one }) {
  if (one.rows === undefined) return false;
  return html`
    <dl class="totals">
      ${countsOf(one).map(([text, count]) => html`<div key=${text}><dt>${text}</dt><dd>${number(count)}</dd></div>`)}
    </dl>
  `;
}
