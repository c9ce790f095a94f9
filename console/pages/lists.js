// Lists of contacts, which the business fills by hand, by an import, or by a program.

import { t } from '../language.js';
import { hashOfPage } from '../route.js';
import { day } from '../time.js';
import { html, useRef, useState } from '../view.js';
import { Sure } from './contact_notes.js';
import { Field, Form, Loading, Press, useChange, useFocus, useLoaded } from './parts.js';

export default function Lists({ contacts, context }) {
  const { say } = context;
  const loaded = useLoaded(() => contacts.lists(true));
  /** The list that is written: `{}` for a new one. */
  const [written, setWritten] = useState(null);
  const add = useRef(null);
  const { run, problem } = useChange(say);
  const done = () => {
    setWritten(null);
    add.current?.focus({ preventScroll: true });
  };
  const save = async ({ name }) => {
    if (written.list_id) await contacts.define('lists', 'PUT', written.list_id, { name });
    else await contacts.define('lists', 'POST', null, { name });
    say(t('lists.saved', { name }), 'good');
    done();
    await loaded.load();
  };
  const remove = ({ list_id: id, name }) =>
    run(async () => {
      await contacts.remove('lists', id);
      await loaded.load();
      add.current?.focus({ preventScroll: true });
    }, t('lists.removed', { name }));
  return html`
    <section class="card" aria-labelledby="lists-title">
      <header>
        <h2 id="lists-title">${t('contacts.lists')}</h2>
        <button type="button" class="primary" ref=${add} onclick=${() => setWritten({})}>${t('lists.add')}</button>
      </header>
      <p class="quiet">${t('lists.about')}</p>
      ${written && html`<${Write} key=${written.list_id ?? ''} list=${written} save=${save} onCancel=${done} />`}
      <${Loading} loaded=${loaded} />
      <p class="page-problem" role="alert">${problem}</p>
      ${loaded.data?.length === 0 && html`<p class="page-empty">${t('lists.none')}</p>`}
      <ul class="account-rows">${(loaded.data ?? []).map((one) => html`<${List} key=${one.list_id} list=${one} write=${() => setWritten(one)} remove=${() => remove(one)} />`)}</ul>
    </section>
  `;
}

function Write({ list, save, onCancel }) {
  const focus = useFocus();
  return html`<${Form} label=${t('any.save')} run=${save} onCancel=${onCancel}><${Field} label=${t('lists.name')} name="name" required maxlength="100" autocomplete="off" dir="auto" defaultValue=${list.name ?? ''} inputRef=${focus} /><//>`;
}

function List({ list, write, remove }) {
  const { list_id: id, name, created } = list;
  const [isAsked, setAsked] = useState(false);
  return html`
    <li data-list=${id}>
      <div class="account-who">
        <a href=${hashOfPage('contacts', `list/${id}`)}><bdi>${name}</bdi></a>
        <span class="quiet">${t('lists.since', { when: day(created) })}</span>
      </div>
      ${isAsked
        ? html`<${Sure} ask=${t('lists.ask', { name })} label=${t('lists.remove')} run=${remove} onKeep=${() => setAsked(false)} />`
        : html`
            <div class="account-do">
              <${Press} label=${t('lists.rename')} name=${t('lists.rename_one', { name })} run=${write} />
              <${Press} label=${t('lists.remove')} name=${t('lists.remove_one', { name })} run=${() => setAsked(true)} />
            </div>
          `}
    </li>
  `;
}
