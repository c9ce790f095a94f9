// What a business defines for its contacts: lists, segments and attributes. Each kind is a card on which one is made, changed, and
// deleted after a question.

import { t } from '../language.js';
import { html, useRef, useState } from '../view.js';
import { Sure } from './contact_notes.js';
import { Loading, Press, useChange } from './parts.js';

/**
 * A card. `what` is the kind, in the API and in the texts; `id` is the field that names one. `save(written, values)` saves what was
 * written, which is `{}` for a new one; `form({written, save, onCancel})` is what it is written in, and `row(one, does)` shows one,
 * where `does` are `write` and `remove` for `Changing`.
 *
 * @param {{what: 'attributes' | 'lists' | 'segments', id: string, loaded: any, contacts: any, say: (text: string, tone?: string) => void,
 *   save: (written: any, values: any) => Promise<unknown>, form: (given: any) => any, row: (one: any, does: any) => any}} properties
 */
export function Definitions({ what, id, loaded, contacts, say, save, form, row }) {
  /** The one that is written. */
  const [written, setWritten] = useState(null);
  const add = useRef(null);
  const { run, problem } = useChange(say);
  const toButton = () => add.current?.focus({ preventScroll: true });
  const shown = useRef(written);
  shown.current = written;
  const done = () => {
    setWritten(null);
    toButton();
  };
  const saved = async (values) => {
    await save(written, values);
    say(t('lists.saved', { name: values.name }), 'good');
    // Another one may have been begun while this one was saved.
    if (shown.current === written) done();
    await loaded.load();
  };
  const begin = () => setWritten((before) => (before === null || before[id] ? {} : before));
  const remove = (one) =>
    run(async () => {
      await contacts.remove(what, one[id]);
      await loaded.load();
      toButton();
    }, t('lists.removed', { name: one.name }));
  return html`
    <section class="card" aria-labelledby=${`${what}-title`}>
      <header>
        <h2 id=${`${what}-title`}>${t(`contacts.${what}`)}</h2>
        <button type="button" class="primary" ref=${add} onclick=${begin}>${t(`${what}.add`)}</button>
      </header>
      <p class="quiet">${t(`${what}.about`)}</p>
      ${written && form({ key: written[id] ?? '', written, save: saved, onCancel: done })}
      <${Loading} loaded=${loaded} />
      <p class="page-problem" role="alert">${problem}</p>
      ${loaded.data?.length === 0 && html`<p class="page-empty">${t(`${what}.none`)}</p>`}
      <ul class="account-rows">${(loaded.data ?? []).map((one) => row(one, { write: () => setWritten(one), remove: () => remove(one) }))}</ul>
    </section>
  `;
}

/** What can be done to one: `change` and `changeOne` are the texts of the button that changes it, `ask` is asked before it is deleted. */
export function Changing({ name, change, changeOne, ask, write, remove }) {
  const [isAsked, setAsked] = useState(false);
  if (isAsked) return html`<${Sure} ask=${ask} label=${t('lists.remove')} run=${remove} onKeep=${() => setAsked(false)} />`;
  return html`
    <div class="account-do">
      <${Press} label=${change} name=${changeOne} run=${write} />
      <${Press} label=${t('lists.remove')} name=${t('lists.remove_one', { name })} run=${() => setAsked(true)} />
    </div>
  `;
}
