// Erasing a customer: says what goes, and asks.

import { t } from '../language.js';
import { nameOf } from '../people.js';
import { html, useState } from '../view.js';
import { Sure } from './contact_notes.js';
import { Press, absenceText, useChange } from './parts.js';

/** `onErased(id)` hears that the contact is no more, or soon will be. */
export function Erasing({ contact, contacts, context, onErased }) {
  const [isAsked, setAsked] = useState(false);
  const { run, problem } = useChange(context.say, absenceText);
  const name = nameOf(contact);
  const erase = () =>
    run(async () => {
      const { done } = await contacts.erase(contact.id);
      context.say(t(done ? 'erase.done' : 'erase.begun', { name }), 'good');
      onErased(contact.id);
    });
  return html`
    <section>
      <h3>${t('erase.title')}</h3>
      ${isAsked
        ? html`
            <div role="group" aria-label=${t('erase.title')}>
              <p>${t('erase.what')}</p>
              <ul>
                <li>${t('erase.goes_messages')}</li>
                <li>${t('erase.goes_card')}</li>
                <li>${t('erase.goes_waiting')}</li>
              </ul>
              <p class="quiet">${t('erase.stays')}</p>
              <${Sure} ask=${t('erase.ask', { name })} label=${t('erase.do')} run=${erase} onKeep=${() => setAsked(false)} />
            </div>
          `
        : html`<${Press} label=${t('erase.begin')} tone="danger" run=${() => setAsked(true)} />`}
      <p class="page-problem" role="alert">${problem}</p>
    </section>
  `;
}
