// Attributes: what the business knows of its contacts beside their names. The type of one stays: contacts have values of it.

import { ATTRIBUTE_TYPES, keyOf } from '../contacts.js';
import { list, t } from '../language.js';
import { html, useRef, useState } from '../view.js';
import { Changing, Definitions } from './definitions.js';
import { Choice, Field, Form, useFocus, useLoaded } from './parts.js';

export default function Attributes({ contacts, context }) {
  const loaded = useLoaded(() => contacts.attributes(true));
  const save = async (written, { key = written.key, name, type = written.type, choices = '' }) => {
    const offered = choices
      .split('\n')
      .map((one) => one.trim())
      .filter(Boolean);
    if (!written.key && loaded.data?.some((one) => one.key === key)) throw Object.assign(new Error(t('attributes.taken', { key })), { status: 409, code: 'taken' });
    await contacts.define('attributes', 'PUT', key, { name, type, ...(type === 'choice' && { choices: offered }) });
  };
  return html`<${Definitions}
    what="attributes"
    id="key"
    ...${{ loaded, contacts, save }}
    say=${context.say}
    form=${({ written, ...given }) => html`<${Write} ...${given} attribute=${written} />`}
    row=${(one, does) => html`<${Attribute} key=${one.key} attribute=${one} ...${does} />`}
  />`;
}

function Attribute({ attribute, write, remove }) {
  const { key, name, type, choices = [] } = attribute;
  return html`
    <li data-key=${key}>
      <div class="account-who">
        <bdi>${name}</bdi>
        <span class="quiet"><code dir="ltr">${key}</code> · ${t(`attribute.${type}`)}${choices.length > 0 && html`: <bdi>${list(choices)}</bdi>`}</span>
      </div>
      <${Changing} ...${{ name, write, remove }} change=${t('segments.change')} changeOne=${t('segments.change_one', { name })} ask=${t('attributes.ask', { name })} />
    </li>
  `;
}

function Write({ attribute, save, onCancel }) {
  const focus = useFocus();
  const [type, setType] = useState(attribute.type ?? 'text');
  const key = useRef(null);
  const isNew = attribute.key === undefined;
  // The key follows the name until somebody writes one.
  const named = (event) => {
    if (key.current && !key.current.dataset.own) key.current.value = keyOf(event.currentTarget.value);
  };
  return html`
    <${Form} label=${t('any.save')} run=${save} onCancel=${onCancel}>
      <${Field} label=${t('attributes.name')} name="name" required maxlength="100" autocomplete="off" dir="auto" defaultValue=${attribute.name ?? ''} inputRef=${focus} oninput=${isNew ? named : null} />
      ${isNew &&
      html`<${Field}
        label=${t('attributes.key')}
        name="key"
        required
        maxlength="32"
        pattern="[a-z][a-z0-9_]*"
        title=${t('attributes.key_hint')}
        autocomplete="off"
        autocapitalize="none"
        spellcheck="false"
        dir="ltr"
        hint=${t('attributes.key_hint')}
        inputRef=${key}
        oninput=${(event) => (event.currentTarget.dataset.own = 'true')}
      />`}
      ${isNew && html`<${Choice} label=${t('attributes.type')} name="type" chosen=${type} options=${ATTRIBUTE_TYPES.map((one) => [one, t(`attribute.${one}`)])} onchange=${(event) => setType(event.currentTarget.value)} />`}
      ${type === 'choice' &&
      html`
        <div class="field">
          <label for="attribute-choices">${t('attributes.choices')}</label>
          <textarea id="attribute-choices" name="choices" rows="4" required dir="auto" aria-describedby="attribute-choices-hint">${(attribute.choices ?? []).join('\n')}</textarea>
          <p class="quiet" id="attribute-choices-hint">${t('attributes.choices_hint')}</p>
        </div>
      `}
    <//>
  `;
}
