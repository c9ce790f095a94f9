// Sending a template from the composer: choose one, fill in what it needs, see what the customer will see, send it.

import { sentenceOf } from './account.js';
import { h } from './dom.js';
import { t } from './language.js';
import { acceptedTypes, kindOfFile } from './media.js';
import { draftOf } from './template_draft.js';
import { inOrder, readTemplates } from './template_list.js';
import { TemplatePreview, languageName, named } from './template_parts.js';
import { fieldOf, filledTemplate, needsOf, previewOf, wrongIn } from './templates.js';
import { Upload } from './uploads.js';
import { html, render, useEffect, useId, useLayoutEffect, useRef, useState } from './view.js';

const WAIT_TO_SEARCH = 250;

export class TemplatePicker {
  #dialogs;
  #context;

  /** `context` is `{ask, api, media, timers, random}`. */
  constructor({ dialogs, ...context }) {
    this.#dialogs = dialogs;
    this.#context = context;
  }

  /** Opens it for a conversation: `{customer, number, waba_id}`; `send(content, shown)` sends what was filled in. */
  open(to, send) {
    const place = h('div', { class: 'picker' });
    const close = () => this.#dialogs.close();
    // What was written is not thrown away by a key: it leads one step back.
    const step = { back: close };
    this.#dialogs.show(t('fill.title'), place, { closable: false, kind: 'wide', escape: () => step.back() });
    const done = (content) => {
      close();
      send(content);
    };
    render(html`<${Picker} ...${this.#context} ...${to} step=${step} close=${close} send=${done} />`, place);
  }
}

function Picker({ step, close, ...more }) {
  const [chosen, setChosen] = useState(null);
  step.back = chosen ? () => setChosen(null) : close;
  return chosen
    ? html`<${Fill} key=${chosen.template_id} ...${more} template=${chosen} back=${() => setChosen(null)} />`
    : html`<${Choose} ...${more} choose=${setChosen} close=${close} />`;
}

function Choose({ ask, customer, waba_id, choose, close, timers }) {
  const [query, setQuery] = useState('');
  const [state, setState] = useState({ templates: null, cursor: null, error: null });
  const turn = useRef(0);
  const search = useRef(null);
  const id = useId();
  const load = async (cursor = null) => {
    turn.current += 1;
    const mine = turn.current;
    try {
      const page = await readTemplates(ask, { status: 'APPROVED', waba_id, name: query }, cursor);
      if (mine === turn.current) setState((before) => ({ ...page, templates: cursor ? inOrder([...before.templates, ...page.templates]) : page.templates, error: null }));
    } catch (error) {
      if (mine === turn.current) setState((before) => ({ ...before, error }));
    }
  };
  useLayoutEffect(() => search.current.focus(), []);
  useEffect(() => {
    const timer = timers.setTimeout(load, state.templates === null ? 0 : WAIT_TO_SEARCH);
    return () => timers.clearTimeout(timer);
  }, [query]);
  const { templates, cursor, error } = state;
  return html`
    <p class="quiet">${t('fill.about', { customer })}</p>
    <div class="field">
      <label for=${id}>${t('fill.search')}</label>
      <input id=${id} type="text" autocomplete="off" spellcheck="false" value=${query} ref=${search} oninput=${(event) => setQuery(event.currentTarget.value)} />
    </div>
    ${error && html`<p class="sheet-problem" role="alert">${sentenceOf(error)} <button type="button" class="plain" onclick=${() => load()}>${t('any.try_again')}</button></p>`}
    ${!error && templates === null && html`<p role="status">${t('any.loading')}</p>`}
    ${templates?.length === 0 && html`<p role="status">${t(query.trim() ? 'templates.none_like' : 'fill.none')}</p>`}
    <ul class="picker-list">
      ${templates?.map((template) => html`<li key=${template.template_id}><${Entry} template=${template} choose=${choose} /></li>`)}
    </ul>
    <p class="sheet-foot">
      ${cursor && html`<button type="button" class="plain" onclick=${() => load(cursor)}>${t('templates.more')}</button>`}
      <button type="button" class="plain" onclick=${close}>${t('any.cancel')}</button>
    </p>
  `;
}

export function Entry({ template, choose }) {
  const { name, language, category } = template;
  return html`
    <button type="button" class="picker-entry" onclick=${() => choose(template)}>
      <span class="picker-name"><bdi>${name}</bdi> <span class="quiet">${languageName(language)} · ${named('template_category', category)}</span></span>
      <span class="picker-text" dir="auto">${previewOf(template).body}</span>
    </button>
  `;
}

function Fill({ ask, api, media, timers, random, template, number, customer, known = [], back, send }) {
  const { examples = {} } = draftOf(template) ?? {};
  const { fields, isForPrograms } = needsOf(template);
  const [values, setValues] = useState({});
  const [problems, setProblems] = useState(/** @type {Record<string, any>} */ ({}));
  const [isRunning, setRunning] = useState(false);
  const form = useRef(null);
  const title = useRef(null);
  useLayoutEffect(() => (form.current.querySelector('input') ?? title.current).focus(), []);
  const set = (key, value) => {
    setValues((before) => ({ ...before, [key]: value }));
    setProblems((before) => ({ ...before, [key]: undefined, whole: undefined }));
  };
  const show = (found) => {
    setProblems(found);
    const [first] = Object.keys(found);
    if (first !== 'whole') form.current.querySelector(`[data-key="${CSS.escape(first)}"]`)?.focus();
  };
  const submit = async (event) => {
    event.preventDefault();
    if (isRunning) return;
    const wrong = fields.map((field) => [field.key, wrongIn(field, values[field.key])]).filter(([, why]) => why);
    if (wrong.length > 0) return show(Object.fromEntries(wrong.map(([key, why]) => [key, t(why)])));
    const { template: filled, places } = filledTemplate(template, values);
    setRunning(true);
    try {
      await ask('POST', '/v1/templates/check', { phone_number_id: number, template: filled });
      send({ type: 'template', template: filled });
    } catch (error) {
      const key = error.code === 'template_invalid' ? fieldOf(error.more?.path, places) : undefined;
      show({ [key ?? 'whole']: refusalOf(error) });
    }
    setRunning(false);
    return undefined;
  };
  const picture = (id) => media().then((view) => view.picture(id));
  return html`
    <h3 tabindex="-1" ref=${title}><bdi>${template.name}</bdi> <span class="quiet">${languageName(template.language)}</span></h3>
    <div class="picker-sides">
      <form class="picker-form" ref=${form} onsubmit=${submit} novalidate>
        ${isForPrograms && html`<p class="sheet-problem">${t('fill.for_programs')}</p>`}
        ${!isForPrograms && fields.length === 0 && html`<p class="quiet">${t('fill.nothing')}</p>`}
        ${!isForPrograms && fields.map((field) => html`<${Value} key=${field.key} field=${field} value=${values[field.key]} problem=${problems[field.key]} set=${set} known=${known} example=${examples[field.key]} upload=${{ api, timers, random, media }} />`)}
        <p class="sheet-problem" role="alert">${problems.whole ?? ''}</p>
        <p class="sheet-foot">
          <button type="button" class="plain" onclick=${back}>${t('fill.back')}</button>
          ${!isForPrograms && html`<button class="primary">${isRunning ? t('fill.checking') : t('template.send')}</button>`}
        </p>
      </form>
      <${TemplatePreview} preview=${previewOf(template, values)} label=${t('fill.preview_for', { customer })} picture=${picture} />
    </div>
  `;
}

function refusalOf(error) {
  if (error.code === 'template_not_sendable') return t('fill.not_sendable', { status: named('template_status', error.more?.status ?? '') });
  if (error.code === 'template_unknown') return t('fill.unknown');
  return sentenceOf(error);
}

export const labelOf = ({ part, kind, name, label, card }) => {
  const what =
    part === 'button' ? t(kind === 'code' ? 'fill.code' : 'fill.button', { label: label ?? '' }) : part === 'offer' ? t('fill.expires') : kind === 'text' ? t(part === 'header' ? 'fill.header_variable' : 'fill.variable', { name: `{{${name}}}` }) : t(`fill.${kind}`);
  return card === undefined ? what : t('fill.card', { number: card + 1, what });
};

/** A field for one value. */
function Value({ field, value, problem, set, known, example, upload }) {
  const id = useId();
  const { key, kind, url } = field;
  const about = [problem && `${id}-problem`, example && `${id}-example`, url && `${id}-hint`].filter(Boolean).join(' ') || null;
  const common = { id, 'data-key': key, 'aria-invalid': problem ? 'true' : null, 'aria-describedby': about };
  if (kind === 'location')
    return html`
      <fieldset class="field">
        <legend>${labelOf(field)}</legend>
        <${Place} common=${common} value=${value} set=${(place) => set(key, place)} />
        ${problem && html`<p class="field-problem" id=${`${id}-problem`} role="alert">${problem}</p>`}
      </fieldset>
    `;
  return html`
    <div class="field">
      <label for=${id}>${labelOf(field)}</label>
      ${['image', 'video', 'document'].includes(kind) && html`<${File_} common=${common} kind=${kind} value=${value} set=${(file) => set(key, file)} ...${upload} />`}
      ${kind === 'time' && html`<input ...${common} type="datetime-local" onchange=${(event) => set(key, event.currentTarget.value)} />`}
      ${['text', 'code'].includes(kind) && html`<input ...${common} type="text" list=${kind === 'text' && !url && known.length > 0 ? `${id}-known` : null} dir=${url ? 'ltr' : 'auto'} autocomplete="off" defaultValue=${value ?? ''} oninput=${(event) => set(key, event.currentTarget.value)} />`}
      ${kind === 'text' && !url && known.length > 0 && html`<datalist id=${`${id}-known`}>${known.map((one) => html`<option key=${one} value=${one}></option>`)}</datalist>`}
      ${example && html`<p class="quiet" id=${`${id}-example`}>${t('fill.such_as', { example })}</p>`}
      ${url && html`<p class="quiet" id=${`${id}-hint`} dir="ltr">${url}</p>`}
      ${problem && html`<p class="field-problem" id=${`${id}-problem`} role="alert">${problem}</p>`}
    </div>
  `;
}

export function Place({ common, value = {}, set }) {
  const part = (name, label, more = {}) =>
    html`<input type="text" aria-label=${label} placeholder=${label} autocomplete="off" ...${more} oninput=${(event) => set({ ...value, [name]: event.currentTarget.value.trim() })} />`;
  const degrees = { inputmode: 'decimal', dir: 'ltr' };
  return html`
    <div class="picker-place">
      ${part('latitude', t('fill.latitude'), { ...common, ...degrees })} ${part('longitude', t('fill.longitude'), degrees)}
      ${part('name', t('fill.place'), { dir: 'auto', maxlength: '200' })} ${part('address', t('fill.address'), { dir: 'auto', maxlength: '300' })}
    </div>
  `;
}

/** A file that is uploaded as soon as it is chosen. */
export function File_({ common, kind, value, set, api, media, timers, random }) {
  const [state, setState] = useState({ offset: 0, bytes: 0, why: '' });
  const upload = useRef(null);
  useEffect(() => () => upload.current?.stop(), []);
  const take = async (event) => {
    const [file] = event.currentTarget.files;
    upload.current?.stop();
    set(undefined);
    if (!file) return setState({ offset: 0, bytes: 0, why: '' });
    const found = kindOfFile(file);
    if (found.problem || found.kind !== kind) return setState({ offset: 0, bytes: 0, why: found.problem ?? t('fill.other_kind', { kind: t(`kind.${kind}`) }) });
    const changed = () => mine === upload.current && setState({ offset: mine.offset, bytes: file.size, why: mine.state === 'failed' ? t('attach.failed', { why: mine.why }) : mine.state === 'waiting' ? t('attach.waits') : '' });
    const { mime } = found;
    const mine = new Upload({ file, kind, mime, name: file.name, api: await api(), changed, timers, random });
    upload.current = mine;
    await mine.start();
    if (mine !== upload.current || mine.media === null) return undefined;
    await (await media()).draw(mine.media.media_id, file).catch(() => {});
    set(mine.media);
    return setState({ offset: 0, bytes: 0, why: '' });
  };
  return html`
    <input ...${common} type="file" accept=${acceptedTypes([kind])} onchange=${take} />
    ${state.bytes > 0 && !state.why && html`<progress max=${state.bytes} value=${state.offset} aria-label=${t('fill.uploading')} />`}
    ${value && html`<p class="quiet" role="status">${t('fill.uploaded', { name: value.name })}</p>`}
    ${state.why && html`<p class="field-problem" role="alert">${state.why}</p>`}
  `;
}
