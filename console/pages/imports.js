// Importing contacts from a file: uploaded, its columns named, tried without a change, then carried out.

import { sentenceOf } from '../account.js';
import { number, t } from '../language.js';
import { fieldOptions, isRunning, labelsOf, mappingProblem, progressOf, typeOf } from '../imports.js';
import { sendingFetch } from '../sending_fetch.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { Sure } from './contact_notes.js';
import { useDefinitions } from './contact_list.js';
import { Boxes } from './limit_fields.js';
import { Download, Field, Form, Loading, Press, useChange, useFocus, useLoaded, useStoppable } from './parts.js';

/** An upload is as slow as the line; one that takes longer than this is given up. */
const UPLOAD_LASTS = 3_600_000;
const LOOK_AGAIN = 1_500;
const LOOK_AGAIN_AT_MOST = 30_000;

const pathOf = (id) => `/v1/imports/${encodeURIComponent(id)}`;

export default function Imports({ context }) {
  const { ask, say } = context;
  const loaded = useLoaded(async () => (await ask('GET', '/v1/imports')).imports);
  /** The import that is looked at. */
  const [open, setOpen] = useState(null);
  const definitions = useDefinitions(context);
  const { run, problem } = useChange(say);
  const put = (one) => {
    setOpen(one);
    loaded.load();
  };
  const remove = (one) =>
    run(async () => {
      await ask('DELETE', pathOf(one.import_id));
      if (open?.import_id === one.import_id) setOpen(null);
      await loaded.load();
    }, t('imports.removed', { name: one.name }));
  return html`
    <section class="card" aria-labelledby="import-title">
      <h2 id="import-title">${t('contacts.imports')}</h2>
      <p class="quiet">${t('imports.about')}</p>
      ${open === null
        ? html`<${Upload} ask=${ask} onMade=${put} />`
        : open.state === 'uploaded'
          ? html`<${Columns} key=${open.import_id} one=${open} ask=${ask} definitions=${definitions} onStarted=${put} onCancel=${() => setOpen(null)} />`
          : html`<${Progress} key=${`${open.import_id} ${open.dry_run}`} one=${open} ask=${ask} onChange=${setOpen} onStarted=${put} onDone=${() => (setOpen(null), loaded.load())} />`}
    </section>
    <section class="card" aria-labelledby="imports-title">
      <h2 id="imports-title">${t('imports.earlier')}</h2>
      <${Loading} loaded=${loaded} />
      <p class="page-problem" role="alert">${problem}</p>
      ${loaded.data?.length === 0 && html`<p class="page-empty">${t('imports.none')}</p>`}
      <ul class="account-rows">
        ${(loaded.data ?? []).map((one) => html`<${Import} key=${one.import_id} one=${one} isOpen=${one.import_id === open?.import_id} open=${() => setOpen(one)} remove=${() => remove(one)} ask=${ask} />`)}
      </ul>
    </section>
  `;
}

/** Uploads a file, which is one that can be imported. */
function upload(ask, file, how = {}) {
  return ask('POST', `/v1/imports?name=${encodeURIComponent(file.name)}`, file.slice(0, file.size, typeOf(file.name) ?? ''), { deadline: UPLOAD_LASTS, ...how });
}

function Upload({ ask, onMade }) {
  const [sent, setSent] = useState(null);
  const [problem, setProblem] = useState('');
  const [file, setFile] = useState(null);
  const { begin, stop } = useStoppable();
  const send = async (chosen) => {
    if (!chosen) return;
    setFile(chosen);
    setProblem('');
    if (typeOf(chosen.name) === null) {
      setProblem(t('imports.not_a_table'));
      return;
    }
    const signal = begin();
    setSent(0);
    const told = (bytes, total) => signal.aborted || setSent(total > 0 ? bytes / total : 0);
    try {
      onMade({ ...(await upload(ask, chosen, { signal, fetch: sendingFetch(told) })), file: chosen });
    } catch (error) {
      if (signal.aborted) return;
      setSent(null);
      setProblem(sentenceOf(error));
    }
  };
  const cancel = () => {
    stop();
    setSent(null);
  };
  return html`
    ${sent === null
      ? html`
          <div class="field">
            <label for="import-file">${t('imports.file')}</label>
            <input type="file" id="import-file" accept=".csv,.tsv,.txt,.ndjson,.jsonl,.json" aria-describedby="import-file-hint" onchange=${(event) => send(event.currentTarget.files[0])} />
            <p class="quiet" id="import-file-hint">${t('imports.file_hint')}</p>
          </div>
        `
      : html`
          <div class="page-status">
            <label for="import-sent">${t('imports.uploading', { name: file.name })}</label>
            <progress id="import-sent" max="1" value=${sent}></progress>
            <span role="status">${number(sent, { style: 'percent' })}</span>
            <${Press} label=${t('any.cancel')} run=${cancel} />
          </div>
        `}
    <p class="page-problem" role="alert">${problem} ${problem !== '' && file && typeOf(file.name) && html`<${Press} label=${t('any.try_again')} run=${() => send(file)} />`}</p>
  `;
}

/** What each column is, and what holds for all rows. It is tried first: that changes nothing. */
function Columns({ one, ask, definitions, onStarted, onCancel }) {
  const focus = useFocus();
  const [mapping, setMapping] = useState(() => Object.fromEntries(one.columns.map((column) => [column, one.mapping?.[column] ?? 'skip'])));
  const [country, setCountry] = useState(one.default_country ?? '');
  const start = async ({ labels, lists = [] }) => {
    const wrong = mappingProblem(mapping);
    if (wrong !== '') throw Object.assign(new Error(wrong), { status: 422, code: 'mapping' });
    const code = country.trim().toUpperCase();
    onStarted(await begin(ask, one, { mapping, ...(code !== '' && { default_country: code }), dry_run: true, labels: labelsOf(labels), lists }));
  };
  return html`
    <h3 tabindex="-1" ref=${focus}>${t('imports.columns', { name: one.name })}</h3>
    <p class="quiet">${t(one.format === 'ndjson' ? 'imports.read_as_lines' : 'imports.read_as', { encoding: one.encoding, separator: separatorText(one.separator) })}</p>
    <${Form} label=${t('imports.try')} busy=${t('any.moment')} run=${start} onCancel=${onCancel}>
      <div class="table-frame whole" tabindex="0" role="region" aria-label=${t('imports.columns', { name: one.name })}>
        <table>
          <thead><tr><th>${t('imports.column')}</th><th>${t('imports.sample')}</th><th>${t('imports.means')}</th></tr></thead>
          <tbody>
            ${one.columns.map(
              (column, i) => html`
                <tr key=${column}>
                  <th scope="row"><bdi>${column}</bdi></th>
                  <td class="quiet">${(one.sample ?? []).slice(0, 3).map((row, j) => html`${j > 0 && html`<br />`}<bdi>${row[i]}</bdi>`)}</td>
                  <td>
                    <select aria-label=${t('imports.means_of', { column })} onchange=${(event) => setMapping({ ...mapping, [column]: event.currentTarget.value })}>
                      ${fieldOptions(one.mapping?.[column] ?? 'skip', definitions.attributes).map(([value, text]) => html`<option key=${value} value=${value} selected=${value === mapping[column]}>${text}</option>`)}
                    </select>
                  </td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
      <${Field}
        label=${t('imports.country')}
        name="country"
        maxlength="2"
        pattern="[A-Za-z]{2}"
        autocomplete="off"
        dir="ltr"
        defaultValue=${country}
        oninput=${(event) => setCountry(event.currentTarget.value)}
        hint=${countryName(country) ?? t('imports.country_hint')}
      />
      <${Field} label=${t('imports.labels')} name="labels" autocomplete="off" dir="auto" hint=${t('imports.labels_hint')} />
      ${definitions.lists.length > 0 && html`<${Boxes} legend=${t('imports.lists')} name="lists" options=${definitions.lists.map((list) => [list.list_id, list.name])} chosen=${[]} />`}
      <p class="whole quiet">${t('imports.try_about')}</p>
    <//>
  `;
}

/** Starts an import; what it becomes. */
async function begin(ask, one, wanted) {
  const answer = await ask('POST', `${pathOf(one.import_id)}/start`, wanted);
  return { ...one, ...zero(one), ...answer, dry_run: wanted.dry_run, state: 'running', wanted };
}

const zero = ({ bytes }) => ({ bytes, rows: 0, created: 0, updated: 0, unchanged: 0, rejected: 0, bytes_read: 0, error: undefined });

function separatorText(separator) {
  return { ',': t('imports.comma'), ';': t('imports.semicolon'), '\t': t('imports.tab') }[separator] ?? separator ?? '–';
}

/** The name of a country in the page's language; null for letters that name none. */
function countryName(code) {
  if (!/^[a-z]{2}$/i.test(code.trim())) return null;
  const name = new Intl.DisplayNames(document.documentElement.lang || 'en', { type: 'region', fallback: 'none' }).of(code.trim().toUpperCase());
  return name ?? null;
}

/** How an import goes, looked at again and again while it runs. */
function Progress({ one, ask, onChange, onStarted, onDone }) {
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
          onChange({ ...shown.current, ...fresh });
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
  const again = () =>
    run(async () => {
      const { mapping, default_country, labels, lists } = one;
      const wanted = { ...(one.wanted ?? { mapping, ...(default_country && { default_country }), labels, lists }), dry_run: false };
      try {
        onStarted(await begin(ask, one, wanted));
      } catch (error) {
        // A gateway that keeps no file that was tried gets it once more, as long as this page has it.
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
      ${one.error && html`<p class="verdict-bad">${one.error.message ?? String(one.error)}</p>`}
      <p class="page-problem" role="alert">${problem || refused}</p>
      <div class="buttons">
        ${one.rejected > 0 && !running && html`<${Download} label=${t('imports.errors')} name=${`errors-${one.name}.csv`} path=${`${pathOf(one.import_id)}/errors`} ask=${ask} />`}
        ${running && html`<${Press} label=${t('imports.stop')} run=${cancel} />`}
        ${one.state === 'done' && one.dry_run && html`<button type="button" class="primary" onclick=${again}>${t('imports.start')}</button><${Press} label=${t('imports.back')} run=${() => onChange({ ...one, state: 'uploaded' })} />`}
        ${!running && html`<${Press} label=${t('any.done')} run=${onDone} />`}
      </div>
    </div>
    <p class="hidden" role="status">${running ? '' : stateText(one)}</p>
  `;
}

function stateText({ state, dry_run: isDry, name }) {
  if (state === 'running') return t(isDry ? 'imports.trying' : 'imports.running', { name });
  if (state === 'done') return t(isDry ? 'imports.tried' : 'imports.done', { name });
  return t(`imports.${['uploaded', 'failed', 'cancelled'].includes(state) ? state : 'failed'}`, { name });
}

function Counts({ one }) {
  if (one.rows === undefined) return false;
  return html`
    <dl class="totals">
      ${['rows', 'created', 'updated', 'unchanged', 'rejected'].map((name) => html`<div key=${name}><dt>${t(`imports.count.${name}`)}</dt><dd>${number(one[name] ?? 0)}</dd></div>`)}
    </dl>
  `;
}

function Import({ one, isOpen, open, remove, ask }) {
  const [isAsked, setAsked] = useState(false);
  return html`
    <li data-import=${one.import_id}>
      <div class="account-who">
        <bdi>${one.name}</bdi>
        <span class="quiet">${stateText(one)}</span>
        ${one.rows > 0 && html`<span class="quiet">${['rows', 'created', 'updated', 'unchanged', 'rejected'].map((name) => `${t(`imports.count.${name}`)}: ${number(one[name] ?? 0)}`).join(' · ')}</span>`}
      </div>
      ${isAsked
        ? html`<${Sure} ask=${t('imports.ask', { name: one.name })} label=${t('lists.remove')} run=${remove} onKeep=${() => setAsked(false)} />`
        : html`
            <div class="account-do">
              ${one.rejected > 0 && !isRunning(one) && html`<${Download} label=${t('imports.errors')} name=${`errors-${one.name}.csv`} path=${`${pathOf(one.import_id)}/errors`} ask=${ask} />`}
              ${!isOpen && html`<${Press} label=${t('imports.open')} name=${t('imports.open_one', { name: one.name })} run=${open} />`}
              <${Press} label=${t('lists.remove')} name=${t('lists.remove_one', { name: one.name })} run=${() => setAsked(true)} />
            </div>
          `}
    </li>
  `;
}
