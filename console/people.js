// Names and faces: customers by what WhatsApp tells of them, agents by the team's names or by their id.

import { h } from './dom.js';
import { isolated, list, t } from './language.js';

const TINTS = 8;

function tint(text) {
  let sum = 0;
  for (const char of text) sum = (sum * 31 + char.codePointAt(0)) % 9973;
  return sum % TINTS;
}

// Country codes of two digits; 1 and 7 have one, all others three. Source: ITU-T E.164.
const TWO_DIGITS = /^(2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

/** A phone number in groups: "+62 813 5550 1234". */
export function phoneText(phone) {
  const digits = phone.replace(/^\+/, '');
  const country = /^[17]/.test(digits) ? 1 : TWO_DIGITS.test(digits) ? 2 : 3;
  const groups = digits.slice(country).match(/\d{3}(?=\d{3})|\d+/g) ?? [];
  return isolated(`+${[digits.slice(0, country), ...groups].join(' ')}`);
}

/** What a customer is called, first by the business. A customer may have no phone that we know, and no name. */
export function nameOf(contact) {
  if (!contact) return t('people.customer');
  return (
    contact.given_name ||
    contact.name ||
    (contact.username && `@${contact.username}`) ||
    (contact.phone && phoneText(contact.phone)) ||
    t(contact.group_id ? 'people.group' : 'people.customer')
  );
}

/** The line below the name: user name and phone, as far as they are known. */
export function addressOf(contact) {
  if (!contact) return '';
  if (contact.group_id) return contact.name ? t('people.group') : '';
  const isNamed = contact.given_name || contact.name;
  const parts = [
    contact.username && isNamed && isolated(`@${contact.username}`),
    contact.phone && isNamed && phoneText(contact.phone),
  ];
  return parts.filter(Boolean).join(' · ') || (contact.phone ? '' : t('people.no_phone'));
}

/** An id of a person, which says nothing to anybody. */
const PERSON = /^[0-9a-f]{32}$/;

/** What an agent is called: the page's own name, those of the team, and else what the id says. */
export function agentName(id, me) {
  if (id === me?.agent) return me.name;
  const colleague = me?.colleagues?.get(id);
  if (colleague) return isolated(colleague.name);
  // Somebody who has left the team.
  if (PERSON.test(id)) return t('people.agent', { id: id.slice(0, 6) });
  return id.replace(/[._-]+/g, ' ').replace(/(^|\s)\p{L}/gu, (letter) => letter.toUpperCase());
}

/** Who wrote a message: "Ana", "A program". */
export function authorName(author, me) {
  if (author?.kind === 'agent') return author.id === me?.agent ? t('people.you') : agentName(author.id, me);
  if (author?.kind === 'member') return author.name || t('people.member');
  if (author?.kind === 'business_app') return t('people.phone');
  if (author?.kind === 'other_app') return t('people.other_app');
  return t(author?.kind === 'api' ? 'people.program' : 'people.the_customer');
}

/** A number of the business, as people write it. */
export function numberName(id, numbers) {
  return isolated(numbers.get(id)?.display_phone_number || id);
}

/** Who is typing, in words. */
export function typingText(agents, me) {
  return t('write.typing', { count: agents.length, names: list(agents.map((id) => agentName(id, me))) });
}

/** What stands on a round sign, and the number of its colour. */
export function faceOf(name, key) {
  const letters = [...name.matchAll(/(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu)].map((found) => found[0]);
  const initials = letters.length > 1 ? letters[0] + letters.at(-1) : (letters[0] ?? '·');
  return { initials: initials.toLocaleUpperCase(), tint: tint(key) };
}

/** A round sign with initials. */
export function face(name, key, size = '') {
  const { initials, tint: colour } = faceOf(name, key);
  return h('span', { class: `face tint-${colour} ${size}`, 'aria-hidden': 'true' }, initials);
}

/** A customer, as the picker of templates fills one in: `{customer, known}`, with what is known to choose from. */
export function customerOf(contact) {
  const { given_name, name, attributes = {} } = contact ?? {};
  return { customer: nameOf(contact), known: [...new Set([given_name, name, ...Object.values(attributes)].filter((one) => ['string', 'number'].includes(typeof one) && one !== '').map(String))] };
}
