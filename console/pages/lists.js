// Lists of contacts, which the business fills by hand, by an import, or by a program.

import { t } from '../language.js';
import { hashOfPage } from '../route.js';
import { day } from '../time.js';
import { html } from '../view.js';
import { Changing, Definitions } from './definitions.js';
import { Field, Form, useFocus, useLoaded } from './parts.js';

export default function Lists({ contacts, context }) {
  const loaded = useLoaded(() => contacts.lists(true));
  const save = ({ list_id: id = null }, { name }) => contacts.define('lists', id ? 'PUT' : 'POST', id, { name });
  return html`<${Definitions}
    what="lists"
    id="list_id"
    ...${{ loaded, contacts, save }}
    say=${context.say}
    form=${(given) => html`<${Write} ...${given} />`}
    row=${(one, does) => html`<${List} key=${one.list_id} list=${one} ...${does} />`}
  />`;
}

function Write({ written, save, onCancel }) {
  const focus = useFocus();
  return html`<${Form} label=${t('any.save')} run=${save} onCancel=${onCancel}><${Field} label=${t('lists.name')} name="name" required maxlength="100" autocomplete="off" dir="auto" defaultValue=${written.name ?? ''} inputRef=${focus} /><//>`;
}

function List({ list, write, remove }) {
  const { list_id: id, name, created } = list;
  return html`
    <li data-list=${id}>
      <div class="account-who">
        <a href=${hashOfPage('contacts', `list/${id}`)}><bdi>${name}</bdi></a>
        <span class="quiet">${t('lists.since', { when: day(created) })}</span>
      </div>
      <${Changing} ...${{ name, write, remove }} change=${t('lists.rename')} changeOne=${t('lists.rename_one', { name })} ask=${t('lists.ask', { name })} />
    </li>
  `;
}
