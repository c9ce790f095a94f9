// Importing contacts from a file: uploaded, its columns named, tried without a change, then carried out.

import { sentenceOf } from '../account.js';
import { contactsOf } from '../contacts.js';
import { isRunning, typeOf } from '../imports.js';
import { number, t } from '../language.js';
import { sendingFetch } from '../sending_fetch.js';
import { html, useState } from '../view.js';
import { Sure } from './contact_notes.js';
import { useDefinitions } from './contact_list.js';
import { Columns } from './import_columns.js';
import { Problems, Progress, countsOf, pathOf, upload } from './import_progress.js';
import { Loading, Press, useChange, useLoaded, useStoppable } from './parts.js';

export default function Imports({ context }) {
  const { ask, say } = context;
  const loaded = useLoaded(async () => (await ask('GET', '/v1/imports')).imports);
  /** The import that is looked at. */
  const [open, setOpen] = useState(null);
  /** Counts the imports that ended here: each may have made attributes. */
  const [ended, setEnded] = useState(0);
  const definitions = useDefinitions(context, ended);
  const { run, problem } = useChange(say);
  const put = (one) => {
    setOpen(one);
    loaded.load();
  };
  const started = (one) => {
    contactsOf(context).imported(one.import_id, true);
    put(one);
  };
  // What has ended is told below, too.
  const changed = (one) => {
    if (isRunning(one)) return setOpen(one);
    contactsOf(context).imported(one.import_id, false);
    setEnded((before) => before + 1);
    return put(one);
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
          ? html`<${Columns} key=${open.import_id} one=${open} ask=${ask} definitions=${definitions} onStarted=${started} onCancel=${() => setOpen(null)} />`
          : html`<${Progress} key=${`${open.import_id} ${open.dry_run}`} one=${open} ask=${ask} definitions=${definitions} onChange=${changed} onStarted=${started} onDone=${() => (setOpen(null), loaded.load())} />`}
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

function Import({ one, isOpen, open, remove, ask }) {
  const [isAsked, setAsked] = useState(false);
  return html`
    <li data-import=${one.import_id}>
      <div class="account-who">
        <bdi>${one.name}</bdi>
        <span class="quiet">${stateText(one)}</span>
        ${one.rows > 0 && html`<span class="quiet">${countsOf(one).map(([text, count]) => `${text}: ${number(count)}`).join(' · ')}</span>`}
      </div>
      ${isAsked
        ? html`<${Sure} ask=${t('imports.ask', { name: one.name })} label=${t('lists.remove')} run=${remove} onKeep=${() => setAsked(false)} />`
        : html`
            <div class="account-do">
              ${!isRunning(one) && html`<${Problems} one=${one} ask=${ask} />`}
              ${!isOpen && html`<${Press} label=${t('imports.open')} name=${t('imports.open_one', { name: one.name })} run=${open} />`}
              <${Press} label=${t('lists.remove')} name=${t('lists.remove_one', { name: one.name })} run=${() => setAsked(true)} />
            </div>
          `}
    </li>
  `;
}

/** How one stands, beside its name. */
function stateText({ state, dry_run: isDry }) {
  const known = ['uploaded', 'queued', 'running', 'done', 'failed', 'cancelled'].includes(state) ? state : 'failed';
  return t(`imports.state.${isDry && known === 'done' ? 'tried' : isDry && known === 'running' ? 'trying' : known}`);
}
