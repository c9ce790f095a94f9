// The contact beside the thread, in the inbox.

import { html, render } from '../view.js';
import { ContactCard } from './contact_card.js';

/** Shows a contact in a place, or nothing. */
export function showContact(place, { contact, conversation, context, mayChange }) {
  render(contact && html`<${ContactCard} key=${contact.id} id=${contact.id} contact=${contact} conversation=${conversation} context=${context} mayChange=${mayChange} />`, place);
}
