// A contact that the business makes itself, before the customer has written.

import { t } from '../language.js';
import { sentenceOf } from '../account.js';
import { hashOfPage } from '../route.js';
import { html, useState } from '../view.js';
import { Field, Form, useFocus } from './parts.js';

export function NewContact({ contacts, onMade, onCancel }) {
  const focus = useFocus();
  /** The contact that has this phone already. */
  const [taken, setTaken] = useState(null);
  const make = async ({ phone, given_name }) => {
    setTaken(null);
    try {
      onMade(await contacts.create({ phone, ...(given_name && { given_name }) }));
    } catch (error) {
      if (error.code === 'contact_exists' && error.more?.contact_id) setTaken(error.more.contact_id);
      throw error;
    }
  };
  return html`
    <section class="card" aria-labelledby="new-contact-title">
      <h2 id="new-contact-title">${t('contacts.add')}</h2>
      <${Form} label=${t('contacts.make')} run=${make} onCancel=${onCancel} explain=${(error) => sentenceOf(error)}>
        <${Field} label=${t('contact.phone')} kind="tel" name="phone" required maxlength="24" autocomplete="off" dir="ltr" inputRef=${focus} hint=${t('contact.phone_hint')} />
        <${Field} label=${t('contact.given_name')} name="given_name" maxlength="128" autocomplete="off" dir="auto" hint=${t('contact.given_name_hint')} />
      <//>
      ${taken && html`<p><a href=${hashOfPage('contacts', taken)}>${t('contacts.open_existing')}</a></p>`}
    </section>
  `;
}
