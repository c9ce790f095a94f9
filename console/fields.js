// Forms about accounts: each field with its label, a hint, and a place where it says what is wrong with it.

import { h, setText } from './dom.js';
import { t } from './language.js';

let count = 0;

/** A field: `{node, input, refuse(text)}`. An empty text takes the refusal back. */
export function field(label, properties, { hint = '' } = {}) {
  count += 1;
  const id = `field-${count}`;
  const problem = h('p', { class: 'sheet-problem', id: `${id}-problem`, role: 'alert' });
  const input = h('input', {
    id,
    required: true,
    ...properties,
    'aria-describedby': `${hint ? `${id}-hint ` : ''}${id}-problem`,
  });
  const refuse = (text) => {
    setText(problem, text);
    input.setAttribute('aria-invalid', String(text !== ''));
  };
  const node = h(
    'div',
    null,
    h('label', { for: id }, label),
    input,
    hint ? h('p', { class: 'quiet', id: `${id}-hint` }, hint) : null,
    problem,
  );
  return { node, input, refuse };
}

/** The address that somebody signs in with. */
export function emailField(label, value = '') {
  return field(label, {
    type: 'email',
    name: 'email',
    value,
    autocomplete: 'username',
    autocapitalize: 'none',
    spellcheck: 'false',
    maxlength: '254',
  });
}

/** The password that somebody has. */
export function passwordField(label) {
  return field(label, { type: 'password', name: 'password', autocomplete: 'current-password', maxlength: '128' });
}

/** A password that somebody chooses. */
export function newPasswordField(label) {
  return field(
    label,
    { type: 'password', name: 'new-password', autocomplete: 'new-password', minlength: '12', maxlength: '128' },
    { hint: t('password.hint') },
  );
}

/** A code of the second step, or one of those that are kept for when there is none. */
export function codeField(label, hint) {
  return field(
    label,
    {
      type: 'text',
      name: 'code',
      autocomplete: 'one-time-code',
      autocapitalize: 'none',
      spellcheck: 'false',
      maxlength: '40',
      dir: 'ltr',
    },
    { hint },
  );
}

/** A box that has to be ticked. */
export function checkField(label) {
  count += 1;
  const id = `field-${count}`;
  const problem = h('p', { class: 'sheet-problem', id: `${id}-problem`, role: 'alert' });
  const input = h('input', { type: 'checkbox', id, required: true, 'aria-describedby': `${id}-problem` });
  const node = h('div', { class: 'check' }, input, h('label', { for: id }, label), problem);
  return { node, input, refuse: (text) => setText(problem, text) };
}

/** The account that a form is about, for password managers, where no field asks for it. */
export function accountOf(email) {
  return h('input', { type: 'email', name: 'email', value: email, autocomplete: 'username', readonly: true, hidden: true });
}

/**
 * A form of fields with one button. `run()` does what it is for; what it throws becomes `explain(error)`:
 * `{text, field}`, said at that field, or above the button.
 */
export function accountForm({ parts, fields, label, busy, run, explain, also = [] }) {
  const problem = h('p', { class: 'sheet-problem', role: 'alert' });
  const button = h('button', { class: 'primary' }, label);
  let isRunning = false;
  // The button stays enabled: one that is disabled loses the focus.
  const done = async (event) => {
    const form = event.currentTarget;
    event.preventDefault();
    if (isRunning) return;
    isRunning = true;
    form.dataset.running = 'true';
    setText(button, busy);
    setText(problem, '');
    for (const one of fields) one.refuse('');
    try {
      await run();
    } catch (error) {
      const { text, field: wrong } = explain(error);
      if (wrong) wrong.refuse(text);
      else setText(problem, text);
      (wrong ?? fields.at(-1))?.input.focus();
    }
    isRunning = false;
    delete form.dataset.running;
    setText(button, label);
  };
  return h('form', { onsubmit: done }, parts, problem, h('p', { class: 'sheet-foot' }, also, button));
}
