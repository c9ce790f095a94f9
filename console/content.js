// A message's content, in Meta's own shape, as elements. Whatever is missing or unknown is shown as such, never guessed.

import { chosen, interactive, template } from './cards.js';
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
  unsupported: (what) => [
    h(
      'p',
      { class: 'quiet' },
      `WhatsApp does not hand this kind of message over${what.type ? ` (${what.type})` : ''}.`,
    ),
  ],
};

/** The elements of a content. */
export function contentOf(content) {
  const parts = [];
  if (content.referral) parts.push(referral(content.referral));
  if (content.context?.forwarded || content.context?.frequently_forwarded)
    parts.push(h('p', { class: 'quiet' }, 'Forwarded'));
  const render = Object.hasOwn(KINDS, content.type) ? KINDS[content.type] : undefined;
  const object = content[content.type];
  try {
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
      return { text: object.body?.text ?? object.button_reply?.title ?? object.list_reply?.title ?? 'Form' };
    case 'button':
      return { text: object.text ?? '' };
    case 'reaction':
      return { text: object.emoji ? `Reacted with ${object.emoji}` : 'Took a reaction back' };
    case 'order':
      return { icon: 'cart', text: object.text || 'Order' };
    case 'system':
      return { text: object.body ?? 'Number changed' };
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

function order({ text, product_items: items = [] }) {
  const currency = items[0]?.currency;
  const money = (amount) =>
    currency ? new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(amount) : amount;
  const total = items.reduce((sum, item) => sum + item.quantity * item.item_price, 0);
  return [
    h(
      'div',
      { class: 'card' },
      h('p', { class: 'card-kind' }, icon('cart'), 'Order'),
      h(
        'ul',
        { class: 'items' },
        items.map((item) =>
          h(
            'li',
            null,
            h('span', null, `${item.quantity} × `, h('bdi', null, item.product_retailer_id)),
            h('span', null, money(item.quantity * item.item_price)),
          ),
        ),
        h('li', { class: 'total' }, h('span', null, 'Total'), h('span', null, money(total))),
      ),
    ),
    text ? prose(text) : null,
  ];
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
