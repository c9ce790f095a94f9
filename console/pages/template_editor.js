// Writing a template: its parts, how the customer will see it, and what Meta would refuse, before it is submitted.

import { sentenceOf } from '../account.js';
import { LONG } from '../http.js';
import { nodes, t } from '../language.js';
import { File_ } from '../template_picker.js';
import { TemplatePreview, languageName, named, refusalOf } from '../template_parts.js';
import { BUTTONS, CATEGORIES, HEADERS, LANGUAGES, MOST_BUTTONS, definitionOf, examplesNeeded, partOfPath } from '../template_draft.js';
import { previewOf } from '../templates.js';
import { told } from '../told.js';
import { html, useEffect, useId, useRef, useState } from '../view.js';
import { useFocus, useLoaded } from './parts.js';
import { Title } from './template_detail.js';

const WAIT_TO_CHECK = 500;

/** `of` is the template that is changed (`isKnown`), or of which this is another language (`isVariant`). */
export function Editor({ context, draft: begun, of, isKnown = false, isVariant = false, onDone, onCancel }) {
  const { ask, say } = context;
  const [draft, setDraft] = useState(begun);
  const [refusal, setRefusal] = useState('');
  const [isRunning, setRunning] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const accounts = useLoaded(async () => [...new Set((await ask('GET', '/v1/numbers')).numbers.map(({ waba_id }) => waba_id))]);
  const [waba, setWaba] = useState(of?.waba_id ?? '');
  const account = waba || accounts.data?.[0] || '';
  const definition = definitionOf(draft);
  const checked = useChecked(ask, definition);
  /** The parts in which something was written: what is not begun is not told to be wrong, until somebody submits it. */
  const [begunParts, setBegunParts] = useState(/** @type {Set<string>} */ (new Set()));
  const [isTried, setTried] = useState(isKnown);
  const isToldOf = (part) => isTried || (part === 'examples' ? begunParts.size > 0 : begunParts.has(part.startsWith('button') ? 'buttons' : part));
  const by = (part) => (part === null || isToldOf(part) ? checked.problems.filter(({ path }) => partOfPath(path, definition) === part) : []);
  const set = (changes) => {
    setRefusal('');
    setBegunParts((before) => new Set([...before, ...Object.keys(changes)]));
    setDraft((before) => ({ ...before, ...changes }));
  };
  const submit = async (event) => {
    event.preventDefault();
    if (isRunning) return;
    setTried(true);
    setRunning(true);
    setRefusal('');
    try {
      const { name, language, category, parameter_format, components } = definition;
      const change = of?.status === 'APPROVED' ? { components } : { category, components };
      if (isKnown) await ask('PUT', `/v1/templates/${encodeURIComponent(of.template_id)}`, change, { deadline: LONG });
      else await ask('POST', '/v1/templates', { waba_id: account, name, language, category, ...(parameter_format && { parameter_format }), components }, { deadline: LONG });
      say(t('editor.submitted', { name }), 'good');
      onDone();
    } catch (error) {
      setRefusal(refusalOf(error));
      setRunning(false);
    }
  };
  const leave = () => (JSON.stringify(draft) === JSON.stringify(begun) ? onCancel() : setAsked(true));
  const isFixed = isKnown || isVariant;
  const title = isKnown ? t('editor.edit', { name: draft.name }) : isVariant ? t('editor.variant', { name: draft.name }) : t('templates.new');
  return html`
    <${Title} title=${title} onBack=${leave} />
    ${isAsked && html`<${Leaving} onLeave=${onCancel} onStay=${() => setAsked(false)} />`}
    <div class="template-sides">
      <form class="template-editor" onsubmit=${submit} novalidate>
        <${Part} title=${t('editor.what')}>
          ${!isFixed && accounts.data?.length > 1 && html`<${Select} label=${t('templates.account')} value=${account} options=${accounts.data.map((one) => [one, one])} set=${setWaba} />`}
          <${Line} label=${t('editor.name')} hint=${t('editor.name_hint')} value=${draft.name} readonly=${isFixed} set=${(name) => set({ name: name.toLowerCase().replace(/[\s-]+/g, '_') })} problems=${by('name')} dir="ltr" maxlength="512" />
          <${Select} label=${t('templates.language')} value=${draft.language} options=${[...(draft.language === '' ? [['', t('editor.choose')]] : []), ...LANGUAGES.map((code) => [code, `${languageName(code)} (${code})`])]} disabled=${isKnown} set=${(language) => set({ language })} problems=${by('language')} />
          <${Select} label=${t('templates.category')} value=${draft.category} options=${CATEGORIES.map((one) => [one, named('template_category', one)])} disabled=${isVariant || of?.status === 'APPROVED'} set=${(category) => set({ category })} hint=${t(`editor.about.${draft.category}`)} problems=${by('category')} />
        <//>
        ${draft.category === 'AUTHENTICATION' ? html`<${Password} draft=${draft} set=${set} />` : html`<${Content} context=${context} draft=${draft} set=${set} by=${by} />`}
        ${(isTried || begunParts.size > 0) && html`<${Verdict} checked=${checked} whole=${by(null)} />`}
        <p class="form-problem" role="alert">${refusal}</p>
        <p class="form-foot">
          <button type="button" class="plain" onclick=${leave}>${t('any.cancel')}</button>
          <button class="primary">${isRunning ? t('editor.submitting') : t('editor.submit')}</button>
        </p>
      </form>
      <div class="template-beside">
        <${TemplatePreview} preview=${previewOf(definition, sampleOf(draft))} picture=${(id) => context.mediaView().then((view) => view.picture(id))} />
      </div>
    </div>
  `;
}

/** What stands for variables and files in the preview. */
const sampleOf = ({ examples, header }) => ({ ...examples, ...(header.file && { header: header.file }) });

/** What the gateway finds wrong in a definition, some time after it was last changed. */
function useChecked(ask, definition) {
  const [state, setState] = useState(/** @type {{problems: any[], is: string, why?: string}} */ ({ problems: [], is: 'checking' }));
  const turn = useRef(0);
  const text = JSON.stringify(definition);
  useEffect(() => {
    turn.current += 1;
    const mine = turn.current;
    setState((before) => ({ ...before, is: 'checking' }));
    const timer = setTimeout(async () => {
      let next;
      try {
        next = { problems: (await ask('POST', '/v1/templates/check-definition', definition)).problems, is: 'checked' };
      } catch (error) {
        next = { problems: [], is: 'unknown', why: sentenceOf(error) };
      }
      if (mine === turn.current) setState(next);
    }, WAIT_TO_CHECK);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => () => (turn.current += 1), []);
  return state;
}

function Verdict({ checked: { is, problems, why }, whole }) {
  if (is === 'unknown') return html`<p class="quiet" role="status">${t('editor.not_checked', { why })}</p>`;
  if (is === 'checking') return html`<p class="quiet" role="status">${t('editor.checking')}</p>`;
  return html`
    <div role="status">
      <p class=${problems.length > 0 ? 'verdict-doubtful' : 'verdict-good'}>${problems.length > 0 ? t('editor.problems', { count: problems.length }) : t('editor.fine')}</p>
      ${whole.map(({ path, problem }, i) => html`<p key=${i} class="field-problem"><span class="mono">${path}</span> <span dir="auto">${told(problem)}</span></p>`)}
    </div>
  `;
}

function Leaving({ onLeave, onStay }) {
  const focus = useFocus();
  return html`
    <section class="card" role="group" aria-label=${t('editor.unsaved')}>
      <p>${t('editor.unsaved')}</p>
      <div class="buttons">
        <button type="button" class="plain danger" onclick=${onLeave}>${t('editor.leave')}</button>
        <button type="button" class="plain" onclick=${onStay} ref=${focus}>${t('editor.stay')}</button>
      </div>
    </section>
  `;
}

// --- the parts -----------------------------------------------------------------------------------------------------

function Content({ context, draft, set, by }) {
  const { header, buttons, examples } = draft;
  const setHeader = (changes) => set({ header: { ...header, ...changes } });
  const isFile = ['IMAGE', 'VIDEO', 'DOCUMENT'].includes(header.format);
  return html`
    <${Part} title=${t('editor.header')}>
      <${Select} label=${t('editor.header_kind')} value=${header.format} options=${HEADERS.map((one) => [one, t(`editor.format.${one}`)])} set=${(format) => setHeader({ format, file: null, handle: null })} problems=${header.format === 'TEXT' ? [] : by('header')} />
      ${header.format === 'TEXT' && html`<${Line} label=${t('editor.header_text')} value=${header.text} set=${(text) => setHeader({ text })} maxlength="60" problems=${by('header')} />`}
      ${isFile && html`<${Sample} key=${header.format} context=${context} header=${header} setHeader=${setHeader} />`}
    <//>
    <${Part} title=${t('editor.body')}>
      <${Line} label=${t('editor.text')} value=${draft.body} set=${(body) => set({ body })} isLong hint=${nodes('editor.body_hint', { holes: html`<code dir="ltr">${'{{1}} {{2}} · {{name}}'}</code>` })} problems=${by('body')} />
      <${Line} label=${t('editor.footer')} value=${draft.footer} set=${(footer) => set({ footer })} maxlength="60" problems=${by('footer')} />
    <//>
    <${Buttons} buttons=${buttons} set=${(next) => set({ buttons: next })} by=${by} />
    <${Examples} draft=${draft} examples=${examples} set=${set} problems=${by('examples')} />
  `;
}

function Sample({ context, header, setHeader }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${t('editor.sample')}</label>
      <${File_} common=${{ id }} kind=${header.format.toLowerCase()} value=${header.file} set=${(file) => setHeader({ file: file ?? null })} api=${context.mediaApi} media=${context.mediaView} timers=${context.timers} random=${Math.random} />
      ${header.handle && !header.file && html`<p class="quiet">${t('editor.sample_kept')}</p>`}
    </div>
  `;
}

function Buttons({ buttons, set, by }) {
  const change = (i, changes) => set(buttons.with(i, { ...buttons[i], ...changes }));
  const add = useRef(null);
  const remove = (i) => {
    set(buttons.toSpliced(i, 1));
    add.current?.focus();
  };
  return html`
    <${Part} title=${t('editor.buttons')}>
      ${buttons.map(
        ({ type, text, value }, i) => html`
          <div class="template-button" role="group" key=${i} aria-label=${t('editor.button', { number: i + 1 })}>
            <${Select} label=${t('editor.button_kind')} value=${type} options=${BUTTONS.map((one) => [one, named('template_button', one)])} set=${(next) => change(i, { type: next, value: '' })} />
            ${type !== 'COPY_CODE' && html`<${Line} label=${t('editor.label')} value=${text} set=${(next) => change(i, { text: next })} maxlength="25" />`}
            ${type === 'URL' && html`<${Line} label=${t('editor.url')} value=${value} set=${(next) => change(i, { value: next.trim() })} hint=${nodes('editor.url_hint', { hole: html`<code dir="ltr">${'{{1}}'}</code>` })} dir="ltr" inputmode="url" />`}
            ${type === 'PHONE_NUMBER' && html`<${Line} label=${t('editor.phone')} value=${value} set=${(next) => change(i, { value: next.trim() })} dir="ltr" inputmode="tel" maxlength="20" />`}
            <${Problems} problems=${by(`button.${i}`)} />
            <button type="button" class="plain" aria-label=${t('editor.remove_button', { number: i + 1 })} onclick=${() => remove(i)}>${t('editor.remove')}</button>
          </div>
        `,
      )}
      <${Problems} problems=${by('buttons')} />
      ${buttons.length < MOST_BUTTONS && html`<p><button type="button" class="plain" ref=${add} onclick=${() => set([...buttons, { type: 'QUICK_REPLY', text: '', value: '' }])}>${t('editor.add_button')}</button></p>`}
    <//>
  `;
}

/** What Meta's review reads in the place of variables. */
function Examples({ draft, examples, set, problems }) {
  const needed = examplesNeeded(draft);
  if (needed.length === 0) return null;
  // Where one is empty that is what is wrong, and stands at its field.
  const isMissing = ({ key }) => problems.length > 0 && (examples[key] ?? '').trim() === '';
  return html`
    <${Part} title=${t('editor.examples')}>
      <p class="quiet">${t('editor.examples_about')}</p>
      ${needed.map(({ key, part, name }) => html`<${Line} key=${key} problems=${isMissing({ key }) ? [{ path: key, problem: t('fill.missing') }] : []} label=${t(`editor.example_${part}`, { name: part === 'button' ? name || t('template_button.COPY_CODE') : `{{${name}}}` })} value=${examples[key] ?? ''} set=${(value) => set({ examples: { ...examples, [key]: value } })} />`)}
      <${Problems} problems=${needed.some(isMissing) ? [] : problems} />
    <//>
  `;
}

/** A one-time password: its text is Meta's own. */
function Password({ draft, set }) {
  const { password } = draft;
  const change = (changes) => set({ password: { ...password, ...changes } });
  const id = useId();
  return html`
    <${Part} title=${t('editor.body')}>
      <p class="quiet">${t('editor.password_about')}</p>
      <p class="template-check">
        <input type="checkbox" id=${id} checked=${password.advice} onchange=${(event) => change({ advice: event.currentTarget.checked })} />
        <label for=${id}>${t('editor.advice')}</label>
      </p>
      <${Line} label=${t('editor.minutes')} value=${password.minutes} set=${(minutes) => change({ minutes: minutes.replace(/\D/g, '') })} inputmode="numeric" maxlength="2" />
      <${Line} label=${t('editor.label')} value=${password.label} set=${(label) => change({ label })} maxlength="25" />
    <//>
  `;
}

function Part({ title, children }) {
  const id = useId();
  return html`<section class="card template-part" aria-labelledby=${id}><h2 id=${id}>${title}</h2>${children}</section>`;
}

function Problems({ problems = [], id }) {
  return problems.length > 0 && html`<ul class="field-problem" id=${id}>${problems.map(({ path, problem }) => html`<li key=${path + problem} dir="auto">${told(problem)}</li>`)}</ul>`;
}

function Line({ label, value, set, hint, problems = [], isLong = false, ...more }) {
  const id = useId();
  const about = [hint && `${id}-hint`, problems.length > 0 && `${id}-problems`].filter(Boolean).join(' ') || null;
  const common = { id, value, 'aria-describedby': about, 'aria-invalid': problems.length > 0 ? 'true' : null, oninput: (event) => set(event.currentTarget.value), autocomplete: 'off', dir: 'auto', ...more };
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      ${isLong ? html`<textarea ...${common} rows="6" maxlength="1024"></textarea>` : html`<input type="text" ...${common} />`}
      ${hint && html`<p class="quiet" id=${`${id}-hint`}>${hint}</p>`}
      <${Problems} problems=${problems} id=${`${id}-problems`} />
    </div>
  `;
}

function Select({ label, value, options, set, hint, problems = [], ...more }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <select id=${id} value=${value} aria-describedby=${hint ? `${id}-hint` : null} onchange=${(event) => set(event.currentTarget.value)} ...${more}>
        ${options.map(([one, text]) => html`<option key=${one} value=${one} selected=${one === value}>${text}</option>`)}
      </select>
      ${hint && html`<p class="quiet" id=${`${id}-hint`}>${hint}</p>`}
      <${Problems} problems=${problems} />
    </div>
  `;
}
