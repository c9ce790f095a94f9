// The second step of a broadcast: whom it is for. A list and a segment are counted as they are now; a file is uploaded.

import { sentenceOf } from '../account.js';
import { columnsIn } from '../broadcast_draft.js';
import { countOn } from '../contacts.js';
import { countries } from '../countries.js';
import { typeOf } from '../imports.js';
import { language, number, t } from '../language.js';
import { sendingFetch } from '../sending_fetch.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { pathOf } from './broadcast_one.js';
import { Wrong } from './broadcast_schedule.js';
import { countText } from './contact_count.js';
import { Choice, Press, useStoppable } from './parts.js';

/** An upload is as slow as the line; one that takes longer than this is given up. */
const UPLOAD_LASTS = 3_600_000;
/** As much of a file is read for the names of its columns. */
const LOOKED_AT = 64 << 10;
const KINDS = ['list', 'segment', 'upload'];

export function Audience({ context, draft, change, definitions, broadcast, wrong, save, keep }) {
  const { lists, segments } = definitions;
  const choose = (kind, options) => html`<${Choice} label=${t(`broadcasts.to.${kind}`)} chosen=${draft[kind]} options=${[['', t('broadcasts.choose')], ...options]} onchange=${(event) => change({ [kind]: event.currentTarget.value })} />`;
  return html`
    <fieldset class="field choices">
      <legend>${t('broadcasts.for_whom')}</legend>
      ${(draft.retried ? ['retry', ...KINDS] : KINDS).map((kind) => html`<label key=${kind}><input type="radio" name="audience" checked=${draft.to === kind} onchange=${() => change({ to: kind })} /> ${t(`broadcasts.kind.${kind}`)}</label>`)}
    </fieldset>
    <${Wrong} text=${wrong.to} />
    <div class="form">
      ${draft.to === 'list' && html`<div>${choose('list', lists.map((one) => [one.list_id, one.name]))}<${Wrong} text=${wrong.list} />${lists.length === 0 && html`<p class="quiet">${t('broadcasts.no_list')}</p>`}</div>`}
      ${draft.to === 'segment' && html`<div>${choose('segment', segments.map((one) => [one.segment_id, one.name]))}<${Wrong} text=${wrong.segment} />${segments.length === 0 && html`<p class="quiet">${t('broadcasts.no_segment')}</p>`}</div>`}
      ${draft.to === 'list' && draft.list !== '' && html`<${LiveCount} key=${draft.list} ask=${context.ask} wanted=${{ filter: `list = ${JSON.stringify(draft.list)}` }} />`}
      ${draft.to === 'segment' && draft.segment !== '' && html`<${LiveCount} key=${draft.segment} ask=${context.ask} wanted=${{ segment: draft.segment }} />`}
    </div>
    ${draft.to === 'upload' && html`<${Upload} ...${{ context, broadcast, save, keep }} /><${Wrong} text=${wrong.file} />`}
    ${lists.length + segments.length > 0 &&
    html`
      <details open=${draft.exclude.lists.length + draft.exclude.segments.length > 0}>
        <summary>${t('broadcasts.exclude')}</summary>
        <p class="quiet">${t('broadcasts.exclude_hint')}</p>
        <${Excluded} what="lists" options=${lists.map((one) => [one.list_id, one.name])} ...${{ draft, change }} />
        <${Excluded} what="segments" options=${segments.map((one) => [one.segment_id, one.name])} ...${{ draft, change }} />
      </details>
    `}
  `;
}

/** How many there are now, counted as soon as they are chosen. */
function LiveCount({ ask, wanted }) {
  const [counted, setCounted] = useState(/** @type {any} */ ({ count: 0, isRunning: true }));
  const { begin } = useStoppable();
  const run = async () => {
    const signal = begin();
    const set = (next) => signal.aborted || setCounted(next);
    set({ count: 0, isRunning: true });
    try {
      set(await countOn(ask, wanted, { signal, onStep: (count) => set({ count, isRunning: true }) }));
    } catch (error) {
      set({ problem: sentenceOf(error) });
    }
  };
  useEffect(() => {
    run();
  }, []);
  if (counted.problem) return html`<p class="page-problem" role="alert">${counted.problem} <${Press} label=${t('any.try_again')} run=${run} /></p>`;
  return html`<p class="broadcast-count" role="status">${countText(counted)} <span class="quiet">${t('broadcasts.count_hint')}</span></p>`;
}

function Excluded({ what, options, draft, change }) {
  if (options.length === 0) return false;
  const chosen = draft.exclude[what];
  const toggle = (id) => (event) => {
    const isOn = event.currentTarget.checked;
    change(({ exclude }) => ({ exclude: { ...exclude, [what]: isOn ? [...exclude[what], id] : exclude[what].filter((one) => one !== id) } }));
  };
  return html`
    <fieldset class="field choices">
      <legend>${t(`contacts.${what}`)}</legend>
      ${options.map(([id, name]) => html`<label key=${id}><input type="checkbox" checked=${chosen.includes(id)} onchange=${toggle(id)} /> <bdi>${name}</bdi></label>`)}
    </fieldset>
  `;
}

/** A file of recipients: its columns are named from its beginning, then it is sent as a whole. */
function Upload({ context, broadcast, save, keep }) {
  const { ask } = context;
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [columns, setColumns] = useState([]);
  const [phone, setPhone] = useState('');
  const [country, setCountry] = useState('');
  const [sent, setSent] = useState(/** @type {number | null} */ (null));
  const [problem, setProblem] = useState('');
  const { begin, stop } = useStoppable();
  /** The file that was chosen last. */
  const turn = useRef(null);
  const take = async (chosen) => {
    setProblem('');
    setFile(null);
    turn.current = null;
    if (!chosen) return undefined;
    if (typeOf(chosen.name) === null) return setProblem(t('imports.not_a_table'));
    const mine = (turn.current = chosen);
    const found = columnsIn(await chosen.slice(0, LOOKED_AT).text().catch(() => ''));
    if (mine !== turn.current) return undefined;
    setColumns(found);
    setPhone('');
    setFile(chosen);
    return undefined;
  };
  const send = async () => {
    if (sent !== null || file === null) return;
    setProblem('');
    const signal = begin();
    setSent(0);
    try {
      const { broadcast_id: id } = await save();
      const query = new URLSearchParams({ ...(phone && { phone }), ...(country && { default_country: country }) });
      const told = (bytes, total) => signal.aborted || setSent(total > 0 ? bytes / total : 0);
      const body = file.slice(0, file.size, typeOf(file.name) ?? '');
      keep((await ask('PUT', `${pathOf(id)}/audience?${query}`, body, { deadline: UPLOAD_LASTS, signal, fetch: sendingFetch(told) })).broadcast);
      setFile(null);
    } catch (error) {
      if (!signal.aborted) setProblem(sentenceOf(error));
    }
    if (!signal.aborted) setSent(null);
  };
  const cancel = () => {
    stop();
    setSent(null);
  };
  const [options] = useState(() => countries(language()));
  const there = broadcast?.upload;
  if (sent !== null)
    return html`
      <div class="page-status">
        <label for="recipients-sent">${t('imports.uploading', { name: file?.name ?? '' })}</label>
        <progress id="recipients-sent" max="1" value=${sent}></progress>
        <span role="status">${number(sent, { style: 'percent' })}</span>
        <${Press} label=${t('any.cancel')} run=${cancel} />
      </div>
    `;
  return html`
    ${there && html`<p class="verdict-good" role="status">${t('broadcasts.file_there', { count: there.rows, column: there.phone })}</p>`}
    <div class="field">
      <label for="recipients-file">${t(there ? 'broadcasts.other_file' : 'broadcasts.file')}</label>
      <input type="file" id="recipients-file" accept=".csv,.tsv,.txt,.ndjson,.jsonl,.json" aria-describedby="recipients-file-hint" onchange=${(event) => take(event.currentTarget.files[0])} />
      <p class="quiet" id="recipients-file-hint">${t('broadcasts.file_hint')}</p>
    </div>
    ${file &&
    html`
      <div class="form">
        <${Choice} label=${t('broadcasts.phone_column')} chosen=${phone} options=${[['', t('broadcasts.by_its_name')], ...columns.map((one) => [one, one])]} onchange=${(event) => setPhone(event.currentTarget.value)} />
        <${Choice} label=${t('imports.country')} chosen=${country} options=${[['', t('imports.no_country')], ...options]} onchange=${(event) => setCountry(event.currentTarget.value)} />
        <p class="form-foot"><button type="button" class="primary" onclick=${send}>${t('broadcasts.upload')}</button></p>
      </div>
    `}
    <p class="page-problem" role="alert">${problem}</p>
  `;
}
