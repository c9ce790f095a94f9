// A contact: what the business knows of it, changed where it stands. Beside the thread, and on the page of contacts.

import { ATTRIBUTE_TYPES, contactsOf, valueOf, valueText } from '../contacts.js';
import { t } from '../language.js';
import { addressOf, nameOf, phoneText } from '../people.js';
import { Face } from '../parts.js';
import { html, useEffect, useState } from '../view.js';
import { Consents } from './contact_consents.js';
import { Erasing } from './contact_erase.js';
import { Files } from './contact_files.js';
import { optionsOf } from './contact_filters.js';
import { useDefinitions } from './contact_list.js';
import { Blocking, Merging } from './contact_merge.js';
import { Notes, Others } from './contact_notes.js';
import { Write } from './contact_write.js';
import { ChipsInPlace, ChoiceInPlace, SwitchInPlace, TextInPlace } from './in_place.js';
import { Loading, useLoaded } from './parts.js';

/** @import { Contact } from '../types.d.ts' */

/** The newer of two readings of a contact. */
function newer(one, other) {
  if (!one || !other) return one ?? other;
  return other.updated > one.updated ? other : one;
}

/**
 * `contact` is what is known of it, if anything; `conversation` the one that it is shown beside. `onChange(contact)` hears what it has
 * become, `onGone(id, survivor)` which of two that were merged is no more, or, without a survivor, who was erased.
 *
 * @param {{id: string, contact?: Contact | null, context: any, conversation?: string | null, mayChange: boolean, hasHead?: boolean, onChange?: (contact: Contact) => void, onGone?: (id: string, survivor: Contact | null) => void}} properties
 */
export function ContactCard({ id, contact: known = null, context, conversation = null, mayChange, hasHead = false, onChange = () => {}, onGone = () => {} }) {
  const contacts = contactsOf(context);
  const loaded = useLoaded(() => contacts.one(id), [id]);
  const [own, setOwn] = useState(null);
  const definitions = useDefinitions(context);
  useEffect(() => setOwn(null), [id]);
  const contact = newer(newer(known, loaded.data?.contact), own);
  useEffect(() => {
    if (contact) contacts.seen(contact);
  }, [contact]);
  const changed = (fresh) => {
    setOwn(fresh);
    context.contactChanged(fresh);
    onChange(fresh);
  };
  const change = async (changes) => changed(await contacts.change(id, changes));
  const merged = (survivor, other) => {
    onGone(survivor.id === id ? other : id, survivor);
    changed(survivor);
    loaded.load();
  };
  if (contact === null) return html`<${Loading} loaded=${loaded} />`;
  const rest = { contact, contacts, context, mayChange, changed };
  return html`
    ${hasHead && html`<${CardHead} contact=${contact} />`}
    <div class="contact-card">
      ${hasHead && mayChange && loaded.data && html`<${Write} contact=${contact} conversations=${loaded.data.conversations} numbers=${definitions.numbers} context=${context} />`}
      ${mayChange ? html`<${Fields} contact=${contact} change=${change} context=${context} definitions=${definitions} contacts=${contacts} />` : html`<${Facts} contact=${contact} context=${context} definitions=${definitions} />`}
      <${Consents} ...${rest} />
      <${Notes} ...${rest} />
      ${loaded.error && loaded.error.status !== 404 && html`<${Loading} loaded=${loaded} />`}
      <${Files} contact=${contact} conversations=${loaded.data?.conversations ?? []} context=${context} />
      <${Others} conversations=${loaded.data?.conversations ?? []} beside=${conversation} definitions=${definitions} />
      ${mayChange && html`<${Blocking} ...${rest} conversations=${loaded.data?.conversations ?? []} definitions=${definitions} /><${Merging} ...${rest} onMerged=${merged} />`}
      ${context.rights().includes('manage_business') && html`<${Erasing} ...${rest} onErased=${(erased) => onGone(erased, null)} />`}
    </div>
  `;
}

function CardHead({ contact }) {
  const name = nameOf(contact);
  return html`
    <div class="card-of">
      <${Face} name=${name} id=${contact.id} size="big" />
      <h2 dir="auto">${name}</h2>
      ${contact.given_name && contact.name && html`<p class="quiet">${t('about.calls_itself', { name: contact.name })}</p>`}
      <p class="quiet">${addressOf(contact) || (contact.phone ? phoneText(contact.phone) : '')}</p>
    </div>
  `;
}

/** Who may look after a contact: members, and whoever does so already. */
function ownersOf(contact, colleagues) {
  const members = [...colleagues].filter(([, { role }]) => role !== null).map(([id, { name }]) => [id, name]);
  const isGone = contact.owner && !members.some(([id]) => id === contact.owner);
  return [['', t('contact.nobody')], ...members, ...(isGone ? [[contact.owner, colleagues.get(contact.owner)?.name ?? t('contact.left')]] : [])];
}

function Fields({ contact, change, context, definitions, contacts }) {
  const { given_name = '', attributes = {}, labels = [], lists = [], owner = '', is_minor = false } = contact;
  const listName = (id) => definitions.lists.find((one) => one.list_id === id)?.name ?? id;
  const undefinedKeys = Object.keys(attributes).filter((key) => !definitions.attributes.some((one) => one.key === key));
  const shown = [...definitions.attributes, ...undefinedKeys.map((key) => ({ key, name: key, type: typeOf(attributes[key]) }))];
  return html`
    <section>
      <${TextInPlace} label=${t('contact.given_name')} value=${given_name} maxlength="128" dir="auto" hint=${t('contact.given_name_hint')} save=${(text) => change({ given_name: text === '' ? null : text })} />
      <${ChoiceInPlace} label=${t('contact.owner')} value=${owner} options=${ownersOf(contact, context.colleagues())} save=${(id) => change({ owner: id === '' ? null : id })} />
    </section>
    <section>
      <${ChipsInPlace}
        label=${t('contact.labels')}
        chips=${labels.map((label) => [label, label])}
        add=${(label) => change({ labels: { add: [contacts.spelled(label)] } })}
        suggest=${contacts}
        remove=${(label) => change({ labels: { remove: [label] } })}
        addLabel=${t('contact.add_label')}
        removeLabel=${(label) => t('contact.remove_label', { label })}
      />
      <${ChipsInPlace}
        label=${t('contact.lists')}
        chips=${lists.map((id) => [id, listName(id)])}
        add=${(id) => change({ lists: { add: [id] } })}
        remove=${(id) => change({ lists: { remove: [id] } })}
        addLabel=${t('contact.add_to_list')}
        removeLabel=${(name) => t('contact.remove_from_list', { name })}
        options=${definitions.lists.filter((one) => !lists.includes(one.list_id)).map((one) => [one.list_id, one.name])}
      />
    </section>
    ${shown.length > 0 &&
    html`<section class="contact-attributes">
      <h3>${t('contact.attributes')}</h3>
      ${shown.map((one) => html`<${AttributeField} key=${one.key} attribute=${one} value=${attributes[one.key]} save=${(text) => change({ attributes: { [one.key]: valueOf(one.type, text) } })} />`)}
    </section>`}
    <section>
      <${SwitchInPlace} label=${t('contact.minor')} hint=${t('contact.minor_hint')} value=${is_minor} save=${(isMinor) => change({ is_minor: isMinor })} />
    </section>
  `;
}

/** The type of a value whose attribute nobody has defined. */
function typeOf(value) {
  return typeof value === 'string' ? 'text' : typeof value;
}

/** The field of an attribute, by its type. A type that is newer than the page is a text. */
function AttributeField({ attribute, value, save }) {
  const { name } = attribute;
  const type = ATTRIBUTE_TYPES.includes(attribute.type) ? attribute.type : 'text';
  const text = value === undefined || value === null ? '' : String(value);
  if (type === 'boolean' || type === 'choice') {
    const offered = optionsOf(attribute);
    const options = [['', '–'], ...offered, ...(text === '' || offered.some(([one]) => one === text) ? [] : [[text, text]])];
    return html`<${ChoiceInPlace} label=${name} value=${text} options=${options} save=${save} />`;
  }
  return html`<${TextInPlace} label=${name} value=${text} kind=${type} save=${save} maxlength=${type === 'text' ? '256' : null} step=${type === 'number' ? 'any' : null} dir=${type === 'text' ? 'auto' : null} />`;
}

/** The same for somebody who may change nothing. */
function Facts({ contact, context, definitions }) {
  const { given_name, attributes = {}, labels = [], lists = [], owner, is_minor } = contact;
  const definitionOf = (key) => definitions.attributes.find((one) => one.key === key);
  const facts = [
    [t('contact.given_name'), given_name],
    [t('contact.owner'), owner && (context.colleagues().get(owner)?.name ?? t('contact.left'))],
    [t('contact.labels'), labels.join(', ')],
    [t('contact.lists'), lists.map((id) => definitions.lists.find((one) => one.list_id === id)?.name ?? id).join(', ')],
    ...Object.entries(attributes).map(([key, value]) => [definitionOf(key)?.name ?? key, valueText(definitionOf(key)?.type, value)]),
    [t('contact.minor'), is_minor && t('attribute.yes')],
  ].filter(([, value]) => value);
  return (
    facts.length > 0 &&
    html`<section><dl class="facts">${facts.map(([label, value]) => html`<dt key=${`${label} t`}>${label}</dt><dd key=${`${label} d`}><bdi>${value}</bdi></dd>`)}</dl></section>`
  );
}
