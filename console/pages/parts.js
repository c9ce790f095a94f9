// What pages are made of: a head, what is being loaded, forms, texts to copy.

import { sentenceOf } from '../account.js';
import { t } from '../language.js';
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from '../view.js';

/** The heading of a page, which gets the focus when it opens, and what one can do on it. */
export function Head({ page, children }) {
  return html`
    <header class="page-head"><h1 tabindex="-1" id="page-title">${t(`page.${page}`)}</h1>${children}</header>
  `;
}

/** Why something cannot be read, in words; a call that this gateway does not know is told as that. */
export function absenceText(error) {
  return error.status === 404 ? t('page.not_there') : sentenceOf(error);
}

/**
 * What `read()` gives: `{data, error, load}`; `load()` reads it again, and resolves with whether it could. It is read anew when one of
 * `on` changes: what was there before answers another question, and goes. An answer that is overtaken is thrown away.
 */
export function useLoaded(read, on = []) {
  const [state, setState] = useState({ data: null, error: null });
  const turn = useRef(0);
  const load = async () => {
    turn.current += 1;
    const mine = turn.current;
    try {
      const data = await read();
      if (mine === turn.current) setState({ data, error: null });
      return true;
    } catch (error) {
      if (mine === turn.current) setState(({ data }) => ({ data, error }));
      return false;
    }
  };
  useEffect(() => {
    load();
    return () => {
      turn.current += 1;
      setState({ data: null, error: null });
    };
  }, on);
  return { ...state, load };
}

/** Says that something is being loaded, or could not be; nothing once it is there. */
export function Loading({ loaded: { data, error, load } }) {
  if (error)
    return html`
      <p class="page-status" role="alert">
        <span>${absenceText(error)}</span>
        ${error.status !== 404 && html`<button type="button" class="plain" onclick=${load}>${t('any.try_again')}</button>`}
      </p>
    `;
  return data === null && html`<p class="page-status" role="status">${t('any.loading')}</p>`;
}

/** A field with its label and a hint. What it begins with is `defaultValue`: what is written is not taken back by a render. */
export function Field({ label, hint, kind = 'text', inputRef, ...properties }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <input id=${id} type=${kind} ref=${inputRef} ...${properties} aria-describedby=${hint ? `${id}-hint` : null} />
      ${hint && html`<p class="quiet" id=${`${id}-hint`}>${hint}</p>`}
    </div>
  `;
}

/** Asks for the password of whoever is signed in once more. */
export function OwnPassword(properties) {
  return html`<${Field} label=${t('password.now')} kind="password" maxlength="128" autocomplete="current-password" ...${properties} />`;
}

/** Asks for a code of the second factor. */
export function Code(properties) {
  return html`<${Field} label=${t('code.label')} name="code" required maxlength="40" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" dir="ltr" ...${properties} />`;
}

/** Asks for the password and, of whoever has a second factor, for a code of it: the fields `password` and `code`. */
export function OwnProof({ withCode, inputRef }) {
  return html`
    <${OwnPassword} name="password" required inputRef=${inputRef} />
    ${withCode && html`<${Code} hint=${t('code.hint')} />`}
  `;
}

/** The same beside other questions: `onChange({password, code})` gets what is written, without what is empty. */
export function ProofAlong({ withCode, onChange }) {
  const written = useRef({});
  const keep = (name) => (event) => {
    written.current = { ...written.current, [name]: event.currentTarget.value || undefined };
    onChange(written.current);
  };
  return html`
    <${OwnPassword} oninput=${keep('password')} />
    ${withCode && html`<${Code} hint=${t('code.hint')} oninput=${keep('code')} />`}
  `;
}

/** A choice among `options`: `[value, label]`. */
export function Choice({ label, options, chosen, ...properties }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <select id=${id} ...${properties}>
        ${options.map(([value, text]) => html`<option key=${value} value=${value} selected=${value === chosen}>${text}</option>`)}
      </select>
    </div>
  `;
}

/**
 * A form with one button. `run(values)` gets what is written in it, by the names of its fields; what it throws is said above
 * the button, as `explain(error)` has it. The button stays enabled: one that is disabled loses the focus.
 */
export function Form({ label, busy = t('any.saving'), run, onCancel, explain = sentenceOf, children }) {
  const [problem, setProblem] = useState('');
  const [isRunning, setRunning] = useState(false);
  const form = useRef(null);
  const submit = async (event) => {
    event.preventDefault();
    if (isRunning) return;
    setRunning(true);
    setProblem('');
    try {
      await run(valuesOf(form.current));
    } catch (error) {
      setProblem(explain(error));
    }
    setRunning(false);
  };
  return html`
    <form class="form" ref=${form} onsubmit=${submit}>
      ${children}
      <p class="form-problem" role="alert">${problem}</p>
      <p class="form-foot">
        ${onCancel && html`<button type="button" class="plain" onclick=${onCancel}>${t('any.cancel')}</button>`}
        <button class="primary">${isRunning ? busy : label}</button>
      </p>
    </form>
  `;
}

/** What is written in a form, without what is empty; boxes of one name are a list, and a password is taken as it is. */
function valuesOf(form) {
  const values = {};
  // No form of the page has a file.
  const data = /** @type {{keys(): Iterable<string>, getAll(name: string): string[]}} */ (new FormData(form));
  for (const name of new Set(data.keys())) {
    const all = data.getAll(name);
    const isList = form.querySelector(`[type="checkbox"][name="${CSS.escape(name)}"]`) !== null;
    const isSecret = form.querySelector(`[type="password"][name="${CSS.escape(name)}"]`) !== null;
    const value = isList ? all : isSecret ? all[0] : all[0].trim();
    if (value !== '') values[name] = value;
  }
  return values;
}

/** A text to be copied. */
export function Copied({ label, text, copy }) {
  return html`
    <p class="secret">
      <input type="text" readonly value=${text} aria-label=${label} dir="ltr" onfocus=${(event) => event.currentTarget.select()} />
      <button type="button" class="plain" onclick=${() => copy(text)}>${t('page.copy')}</button>
    </p>
  `;
}

/** A button for one of many things: `name` says to a screen reader which. */
export function Press({ label, name = label, run, tone = '', focus }) {
  return html`<button type="button" class=${`plain ${tone}`} aria-label=${name} onclick=${run} ref=${focus}>${label}</button>`;
}

/**
 * Runs what changes something, one at a time: `{run, problem}`. `run(work, done)` says `done` afterwards; what `work` throws is
 * the problem. It resolves with whether `work` was done: not where it was refused, or where another is under way.
 */
export function useChange(say, explain = sentenceOf) {
  const [problem, setProblem] = useState('');
  const isRunning = useRef(false);
  const run = async (work, done) => {
    if (isRunning.current) return false;
    isRunning.current = true;
    setProblem('');
    try {
      await work();
      if (done) say(done, 'good');
      return true;
    } catch (error) {
      setProblem(explain(error));
      return false;
    } finally {
      isRunning.current = false;
    }
  };
  return { run, problem };
}

/** Lets the browser keep something as a file. */
export function keepFile(name, blob) {
  const address = URL.createObjectURL(blob);
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}

const DOWNLOAD_LASTS = 600_000;

/** A button that downloads what `path` answers: with the page's own rights, which a link would not carry. */
export function Download({ label, name, path, ask }) {
  const [problem, setProblem] = useState('');
  const [isRunning, setRunning] = useState(false);
  const run = async () => {
    if (isRunning) return;
    setRunning(true);
    setProblem('');
    try {
      keepFile(name, await ask('GET', path, undefined, { as: 'blob', deadline: DOWNLOAD_LASTS }));
    } catch (error) {
      setProblem(sentenceOf(error));
    }
    setRunning(false);
  };
  return html`
    <span class="page-problem" role="alert">${problem}</span>
    <${Press} label=${isRunning ? t('any.moment') : label} run=${run} />
  `;
}

/** What runs for long, once at a time: `begin()` stops what runs and gives a signal for what begins; it ends with the part of the page. */
export function useStoppable() {
  const running = useRef(null);
  const stop = () => running.current?.abort();
  useEffect(() => stop, []);
  const begin = () => {
    stop();
    running.current = new AbortController();
    return running.current.signal;
  };
  return { begin, stop };
}

/** Gives the focus to a node when it appears. */
export function useFocus() {
  const node = useRef(null);
  // With the frame that shows it: one later would take the focus from whatever was chosen since.
  useLayoutEffect(() => node.current?.focus(), []);
  return node;
}
