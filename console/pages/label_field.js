// A field for a label, which suggests those that the page knows.

import { html, useId, useState } from '../view.js';

/** The suggestions for a field: `list` is its attribute, `learn` its `onfocus`, `options` what stands beside it. */
export function useLabels(contacts) {
  const id = useId();
  const [labels, setLabels] = useState(/** @type {string[]} */ ([]));
  const learn = () => {
    setLabels(contacts.labels);
    contacts.learnLabels().then(() => setLabels(contacts.labels));
  };
  const options = html`<datalist id=${`${id}-labels`}>${labels.map((label) => html`<option key=${label} value=${label}></option>`)}</datalist>`;
  return { list: `${id}-labels`, learn, options };
}

/** The same as a field of a form. */
export function LabelField({ contacts, label, inputRef, ...properties }) {
  const id = useId();
  const { list, learn, options } = useLabels(contacts);
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <input id=${id} type="text" list=${list} onfocus=${learn} autocomplete="off" maxlength="64" dir="auto" ref=${inputRef} ...${properties} />
      ${options}
    </div>
  `;
}
