// The sheet of the demonstration: one press signs somebody in; beside it stand one's own account and signing up.

import { sentenceOf } from './account.js';
import { h } from './dom.js';
import { accountForm } from './fields.js';
import { leave } from './gate.js';
import { t } from './language.js';

/** Resolves with `{person}`, who signed in, or `{to}`, the sheet that is wanted instead. `demo` is what the gateway says of itself. */
export function askInDemo({ gate, account, demo, why, told }) {
  return new Promise((resolve) => {
    const run = async ({ email }) => {
      const person = await account.signIn({ email, password: demo.password });
      gate.close();
      resolve({ person });
    };
    const [first, ...others] = demo.people;
    const explain = (error) => ({ text: sentenceOf(error) });
    const form = accountForm({
      parts: [],
      fields: [],
      label: t('demo.open', { name: first.name }),
      busy: t('sign_in.doing'),
      run: () => run(first),
      explain,
      also: others.map((other) => leave(t('demo.open', { name: other.name }), () => run(other).catch((error) => (form.querySelector('[role=alert]').textContent = explain(error).text)))),
    });
    gate.show(t('demo.title'), [
      told ? h('p', { class: 'told', role: 'status' }, told) : null,
      why ? h('p', { role: 'status' }, why) : null,
      h('p', null, t('demo.about')),
      form,
      h('p', { class: 'sheet-ways' }, leave(t('sign_up.title'), () => resolve({ to: 'sign_up' })), leave(t('demo.own'), () => resolve({ to: 'account' }))),
    ]);
    form.querySelector('.primary').focus();
  });
}
