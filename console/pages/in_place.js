// Fields that are saved one by one, where they stand: what is written stays until the gateway has it.

import { sentenceOf } from '../account.js';
import { foldedLabel } from '../contacts.js';
import { t } from '../language.js';
import { html, useId, useLayoutEffect, useRef, useState } from '../view.js';
import { useLabels } from './label_field.js';

/** Saves values one after another: `{save, problem, told}`; `save(value)` resolves with whether it was done. */
export function useSaving(run) {
  const [state, setState] = useState({ problem: '', told: '' });
  const turn = useRef(/** @type {Promise<any>} */ (Promise.resolve()));
  const save = (value) => {
    const saved = turn.current.then(async () => {
      setState({ problem: '', told: t('any.saving') });
      try {
        await run(value);
        setState({ problem: '', told: t('contact.saved') });
        return true;
      } catch (error) {
        setState({ problem: sentenceOf(error), told: '' });
        return false;
      }
    });
    turn.current = saved;
    return saved;
  };
  return { ...state, save };
}

/** What became of the last saving; a refusal offers to try again. */
export function Saved({ problem, told, again }) {
  return html`
    <p class="in-place-told quiet" role="status">${told}</p>
    <p class="page-problem" role="alert">${problem} ${problem !== '' && again && html`<button type="button" class="plain" onclick=${again}>${t('any.try_again')}</button>`}</p>
  `;
}

/** A field for one value, which is saved when the field is left, or by Enter. `save(text)` gets what is written. */
export function TextInPlace({ label, hint, value = '', save, kind = 'text', ...properties }) {
  const id = useId();
  const input = useRef(null);
  const sent = useRef(value);
  const saving = useSaving(save);
  /** What was typed and is not saved; null for nothing: only that is ever saved, and goes before what others change. */
  const typed = useRef(/** @type {string | null} */ (null));
  useLayoutEffect(() => {
    sent.current = value;
    if (typed.current === null) input.current.value = value;
  }, [value]);
  // What is written when the field goes is saved, too: the keyboard leads to another conversation without leaving the field.
  const last = useRef({ isValid: true, save });
  last.current.save = save;
  useLayoutEffect(
    () => () => {
      const { isValid, save: saveLast } = last.current;
      const text = typed.current?.trim() ?? sent.current;
      if (isValid && text !== sent.current) Promise.resolve(saveLast(text)).catch(() => {});
    },
    [],
  );
  const write = ({ currentTarget: { value: text, validity } }) => {
    typed.current = text;
    last.current.isValid = validity.valid;
  };
  const commit = async () => {
    // A field that goes is left, too, when it is not there any more.
    if (!input.current || typed.current === null) return;
    const text = typed.current.trim();
    if (!input.current.reportValidity()) return;
    typed.current = null;
    if (text === sent.current) return;
    const before = sent.current;
    sent.current = text;
    if (await saving.save(text)) return;
    if (sent.current === text) sent.current = before;
    // A refusal leaves what was written, unless something else is being written by now.
    typed.current ??= text;
    if (input.current && typed.current === text) input.current.value = text;
  };
  const key = (event) => {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    commit();
  };
  return html`
    <div class="field in-place">
      <label for=${id}>${label}</label>
      <input id=${id} type=${kind} ref=${input} defaultValue=${value} onkeydown=${key} onblur=${commit} oninput=${write} autocomplete="off" ...${properties} aria-describedby=${hint ? `${id}-hint` : null} />
      ${hint && html`<p class="quiet" id=${`${id}-hint`}>${hint}</p>`}
      <${Saved} ...${saving} again=${commit} />
    </div>
  `;
}

/** A choice that is saved at once; one that is refused goes back to what was. */
export function ChoiceInPlace({ label, value, options, save }) {
  const id = useId();
  const select = useRef(null);
  const saving = useSaving(save);
  const change = async () => {
    if (!(await saving.save(select.current.value)) && select.current) select.current.value = value;
  };
  return html`
    <div class="field in-place">
      <label for=${id}>${label}</label>
      <select id=${id} ref=${select} onchange=${change}>
        ${options.map(([one, text]) => html`<option key=${one} value=${one} selected=${one === value}>${text}</option>`)}
      </select>
      <${Saved} ...${saving} />
    </div>
  `;
}

/** A switch that is saved at once. */
export function SwitchInPlace({ label, hint, value, save }) {
  const id = useId();
  const box = useRef(null);
  const saving = useSaving(save);
  const change = async () => {
    if (!(await saving.save(box.current.checked)) && box.current) box.current.checked = value;
  };
  return html`
    <div class="in-place">
      <label class="switch"><input type="checkbox" role="switch" aria-describedby=${hint ? id : null} ref=${box} checked=${value} onchange=${change} /><span>${label}</span></label>
      ${hint && html`<p class="quiet" id=${id}>${hint}</p>`}
      <${Saved} ...${saving} />
    </div>
  `;
}

/**
 * Texts that are added and taken away one by one: labels. `options` are those to choose from: `[value, label]`; without them a new
 * one is written, with the labels that `suggest` knows. "VIP" and "vip" are one label.
 */
export function ChipsInPlace({ label, chips, add, remove, addLabel, removeLabel, options = null, suggest = null }) {
  const input = useRef(null);
  const saving = useSaving((run) => run());
  const put = async (event) => {
    event.preventDefault();
    const text = input.current.value.trim();
    if (text === '' || chips.some(([value]) => value === text || (options === null && foldedLabel(value) === foldedLabel(text)))) return;
    if ((await saving.save(() => add(text))) && input.current) input.current.value = '';
  };
  return html`
    <div class="in-place chips-in-place">
      <h3>${label}</h3>
      ${chips.length > 0 &&
      html`
        <ul class="label-list">
          ${chips.map(
            ([value, text]) => html`
              <li class="label" key=${value}>
                <bdi>${text}</bdi>
                ${remove && html`<button type="button" aria-label=${removeLabel(text)} onclick=${() => saving.save(() => remove(value))}>×</button>`}
              </li>
            `,
          )}
        </ul>
      `}
      ${add &&
      (options === null
        ? html`<${NewLabel} ...${{ put, input, suggest }} label=${addLabel} />`
        : options.length > 0 &&
          html`
            <select
              ref=${input}
              aria-label=${addLabel}
              onchange=${async (event) => {
                await put(event);
                if (input.current) input.current.value = '';
              }}
            >
              <option value="">${addLabel}</option>
              ${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
            </select>
          `)}
      ${!add && chips.length === 0 && html`<p class="quiet">${t('contact.none')}</p>`}
      <${Saved} ...${saving} />
    </div>
  `;
}

function NewLabel({ put, input, suggest, label }) {
  const { list, learn, options } = useLabels(suggest);
  return html`<form onsubmit=${put}><input type="text" ref=${input} list=${list} onfocus=${learn} placeholder=${label} aria-label=${label} maxlength="64" autocomplete="off" dir="auto" />${options}</form>`;
}
