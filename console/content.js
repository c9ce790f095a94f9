// A message's content, in Meta's own shape, as elements. Whatever is missing or unknown is shown as such, never guessed.

import { callPermission, chosen, interactive, order, template } from './cards.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { anchor, prose } from './words.js';

const MEDIA = {
  image: { icon: 'image', name: 'Photo' },
  video: { icon: 'video', name: 'Video' },
  audio: { icon: 'mic', name: 'Audio' },
  document: { icon: 'file', name: 'Document' },
  sticker: { icon: 'sticker', name: 'Sticker' },
};

const KINDS = {
  text: (text) => [prose(text.body, true)],
  note: (note) => [prose(note.body)],
  image: media,
  video: media,
  audio: media,
  document: media,
  sticker: media,
  location,
  contacts: (cards) => cards.map(contactCard),
  interactive,
  template,
  button: (button) => [chosen(button.text)],
  order,
  reaction: (reaction) => [
    h('p', { class: 'quiet' }, reaction.emoji ? `Reacted with ${reaction.emoji}` : 'Took a reaction back'),
  ],
};

/** The elements of a content. */
export function contentOf(content) {
  if (content.type === 'revoked') return [h('p', { class: 'quiet' }, 'This message was deleted')];
  const parts = [];
  if (content.referral) parts.push(referral(content.referral));
  if (content.context?.forwarded || content.context?.frequently_forwarded)
    parts.push(h('p', { class: 'quiet' }, 'Forwarded'));
  if (content.context?.referred_product) parts.push(enquiry(content.context.referred_product));
  const render = Object.hasOwn(KINDS, content.type) ? KINDS[content.type] : undefined;
  const object = content[content.type];
  try {
    if (content.type === 'unsupported' || (object === undefined && content.errors?.length > 0))
      return [...parts, ...withheld(content)];
    if (!render || typeof object !== 'object' || object === null)
      throw new TypeError('a kind that this page does not know');
    parts.push(...render(object, content.type));
  } catch {
    parts.push(unknown(content));
  }
  return parts;
}

/** One line for a quote or a list row: `{icon, text}`; `icon` may be absent. */
export function summaryOf(content) {
  const object = content[content.type] ?? {};
  const named = MEDIA[content.type];
  if (named) return { icon: named.icon, text: object.caption || object.filename || nameOf(content.type, object) };
  switch (content.type) {
    case 'text':
    case 'note':
      return { text: object.body ?? '' };
    case 'location':
      return { icon: 'pin', text: object.name || 'Location' };
    case 'contacts':
      return { icon: 'person', text: object[0]?.name?.formatted_name ?? 'Contact' };
    case 'template':
      return { icon: 'template', text: `Template ${object.name ?? ''}` };
    case 'interactive':
      return {
        text:
          object.body?.text ??
          object.button_reply?.title ??
          object.list_reply?.title ??
          (object.call_permission_reply ? callPermission(object.call_permission_reply) : undefined) ??
          (object.nfm_reply ? 'Form answered' : 'Message with buttons'),
      };
    case 'button':
      return { text: object.text ?? '' };
    case 'reaction':
      return { text: object.emoji ? `Reacted with ${object.emoji}` : 'Took a reaction back' };
    case 'order':
      return { icon: 'cart', text: object.text || 'Order' };
    case 'system':
      return { text: object.body ?? 'Number changed' };
    case 'unsupported':
      return { text: 'Message that WhatsApp did not hand over' };
    default:
      return summaryOfKind(content.type);
  }
}

/** One line for a row of which only the kind is known. */
export function summaryOfKind(kind) {
  const named = Object.hasOwn(MEDIA, kind ?? '') ? MEDIA[kind] : undefined;
  if (named) return { icon: named.icon, text: named.name };
  const names = {
    location: ['pin', 'Location'],
    contacts: ['person', 'Contact'],
    template: ['template', 'Template'],
    order: ['cart', 'Order'],
  };
  if (Object.hasOwn(names, kind ?? '')) return { icon: names[kind][0], text: names[kind][1] };
  if (kind === 'revoked') return { text: 'Deleted message' };
  return { text: kind === 'interactive' ? 'Answer' : 'Message' };
}

function nameOf(kind, object) {
  if (kind === 'audio') return object.voice ? 'Voice message' : 'Audio';
  if (kind === 'sticker' && object.animated) return 'Animated sticker';
  return MEDIA[kind].name;
}

function media(object, kind) {
  const { icon: sign } = MEDIA[kind];
  const type = (object.mime_type ?? '').split(';')[0].split('/').pop();
  const card = h(
    'div',
    { class: `media media-${kind}` },
    h('span', { class: 'media-sign' }, icon(sign)),
    h(
      'span',
      { class: 'media-name' },
      h('span', { dir: 'auto' }, object.filename || nameOf(kind, object)),
      type ? h('small', null, type.toUpperCase()) : null,
    ),
  );
  return [card, object.caption ? prose(object.caption) : null];
}

function location({ latitude, longitude, name, address }) {
  const place = `${Number(latitude).toFixed(5)}, ${Number(longitude).toFixed(5)}`;
  const map = `https://www.openstreetmap.org/?mlat=${Number(latitude)}&mlon=${Number(longitude)}#map=16/${Number(latitude)}/${Number(longitude)}`;
  return [
    h(
      'div',
      { class: 'media media-location' },
      h('span', { class: 'media-sign' }, icon('pin')),
      h(
        'span',
        { class: 'media-name' },
        h('span', { dir: 'auto' }, name || 'Location'),
        h('small', { dir: 'auto' }, address || place),
        anchor(map, 'Open the map'),
      ),
    ),
  ];
}

function contactCard({ name, phones, emails, org }) {
  const lines = [org?.company, ...(phones ?? []).map((one) => one.phone), ...(emails ?? []).map((one) => one.email)];
  return h(
    'div',
    { class: 'media media-contact' },
    h('span', { class: 'media-sign' }, icon('person')),
    h(
      'span',
      { class: 'media-name' },
      h('span', { dir: 'auto' }, name?.formatted_name ?? 'Contact'),
      lines.filter(Boolean).map((line) => h('small', { dir: 'auto' }, line)),
    ),
  );
}

// Why a message came without its content: Meta's own words, and the code to ask support about.
// Source: Cloud API, Webhooks reference, unsupported messages: 131051 is a kind, 131060 a message that is unavailable.
function withheld({ unsupported, errors }) {
  const error = errors?.[0];
  const kind = unsupported?.type ? ` (${unsupported.type})` : '';
  const details = error?.error_data?.details ?? error?.message ?? error?.title;
  return [
    h(
      'p',
      { class: 'quiet' },
      error?.code === 131060
        ? `WhatsApp could not hand this message over${kind}.`
        : `WhatsApp does not hand this kind of message over${kind}.`,
    ),
    details ? h('p', { class: 'quiet', dir: 'auto' }, error.code ? `${details} (${error.code})` : details) : null,
  ];
}

function enquiry({ product_retailer_id: product, catalog_id: catalogue }) {
  return h(
    'div',
    { class: 'card referral' },
    h('p', { class: 'card-kind' }, icon('cart'), 'Asks about a product'),
    h('p', { class: 'card-title' }, h('bdi', null, product ?? 'not named')),
    catalogue ? h('p', { class: 'quiet' }, 'Catalogue ', h('bdi', null, catalogue)) : null,
  );
}

function referral({ headline, body, source_url: address, source_type: kind }) {
  return h(
    'div',
    { class: 'card referral' },
    h('p', { class: 'card-kind' }, icon('megaphone'), kind === 'post' ? 'Came from a post' : 'Came from an ad'),
    headline ? h('p', { class: 'card-title', dir: 'auto' }, headline) : null,
    body ? h('p', { dir: 'auto' }, body) : null,
    address ? h('p', null, anchor(address, 'Open it')) : null,
  );
}

function unknown(content) {
  return h(
    'details',
    { class: 'unknown' },
    h('summary', null, 'A kind of message that this page does not know: ', h('bdi', null, String(content.type))),
    h('pre', null, JSON.stringify(content, null, 2)),
  );
}
