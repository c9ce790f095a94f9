// A message's content, in Meta's own shape, as elements. Whatever is missing or unknown is shown as such, never guessed.

import { callPermission, chosen, interactive, order, template } from './cards.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { nodes, t } from './language.js';
import { anchor, prose } from './words.js';

/** The pictogram of each kind of file. */
const MEDIA = {
  image: 'image',
  video: 'video',
  audio: 'mic',
  document: 'file',
  sticker: 'sticker',
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
    h('p', { class: 'quiet' }, reactionText(reaction)),
  ],
};

/**
 * The elements of a content. `file` is the message's file as far as the gateway has it, and `show(card, about)` brings it into its card;
 * `showTemplate(card)` brings in what the customer sees of a template.
 *
 * @param {any} content in Meta's shape
 * @param {{file?: import('./types.d.ts').MediaFile, show?: (card: HTMLElement, about: object) => void, showTemplate?: (card: HTMLElement) => void}} [more]
 */
export function contentOf(content, { file, show, showTemplate } = {}) {
  if (content.type === 'revoked') return [h('p', { class: 'quiet' }, t('content.deleted'))];
  const parts = [];
  if (content.referral) parts.push(referral(content.referral));
  if (content.context?.forwarded || content.context?.frequently_forwarded)
    parts.push(h('p', { class: 'quiet' }, t('content.forwarded')));
  if (content.context?.referred_product) parts.push(enquiry(content.context.referred_product));
  const render = Object.hasOwn(KINDS, content.type) ? KINDS[content.type] : undefined;
  const object = content[content.type];
  try {
    if (content.type === 'unsupported' || (object === undefined && content.errors?.length > 0))
      return [...parts, ...withheld(content)];
    if (!render || typeof object !== 'object' || object === null)
      throw new TypeError('unknown kind');
    parts.push(...render(object, content.type));
    if (file && render === media) show(parts.find((part) => part?.matches('.media')), { file, kind: content.type, name: object.filename, caption: object.caption });
    if (showTemplate && render === template) showTemplate(parts.find((part) => part?.matches('.card')));
  } catch {
    parts.push(unknown(content));
  }
  return parts;
}

/** One line for a quote or a list row: `{icon, text}`; `icon` may be absent. */
export function summaryOf(content) {
  const object = content[content.type] ?? {};
  const named = MEDIA[content.type];
  if (named) return { icon: named, text: object.caption || object.filename || nameOf(content.type, object) };
  switch (content.type) {
    case 'text':
    case 'note':
      return { text: object.body ?? '' };
    case 'location':
      return { icon: 'pin', text: object.name || t('kind.location') };
    case 'contacts':
      return { icon: 'person', text: object[0]?.name?.formatted_name ?? t('kind.contacts') };
    case 'template':
      return { icon: 'template', text: t('content.template', { name: object.name ?? '' }) };
    case 'interactive':
      return {
        text:
          object.body?.text ??
          object.button_reply?.title ??
          object.list_reply?.title ??
          (object.call_permission_reply ? callPermission(object.call_permission_reply) : undefined) ??
          t(object.nfm_reply ? 'kind.form_answer' : 'content.buttons'),
      };
    case 'button':
      return { text: object.text ?? '' };
    case 'reaction':
      return { text: reactionText(object) };
    case 'order':
      return { icon: 'cart', text: object.text || t('kind.order') };
    case 'system':
      return { text: object.body ?? t('content.number_changed') };
    case 'unsupported':
      return { text: t('content.withheld') };
    default:
      return summaryOfKind(content.type);
  }
}

/** One line for a row of which only the kind is known. */
export function summaryOfKind(kind) {
  const signs = { ...MEDIA, location: 'pin', contacts: 'person', template: 'template', order: 'cart' };
  if (Object.hasOwn(signs, kind ?? '')) return { icon: signs[kind], text: t(`kind.${kind}`) };
  if (kind === 'revoked') return { text: t('content.deleted_short') };
  return { text: t(kind === 'interactive' ? 'content.answer' : 'content.message') };
}

function reactionText({ emoji }) {
  return emoji ? t('content.reacted', { emoji }) : t('content.unreacted');
}

function nameOf(kind, object) {
  if (kind === 'audio' && object.voice) return t('kind.voice');
  if (kind === 'sticker' && object.animated) return t('kind.animated_sticker');
  return t(`kind.${kind}`);
}

function media(object, kind) {
  const type = (object.mime_type ?? '').split(';')[0].split('/').pop();
  const card = h(
    'div',
    { class: `media media-${kind}` },
    h('span', { class: 'media-sign' }, icon(MEDIA[kind])),
    h(
      'span',
      { class: 'media-name' },
      h('span', { dir: 'auto' }, object.filename || nameOf(kind, object)),
      type ? h('small', { class: 'media-kind' }, type.toUpperCase()) : null,
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
        h('span', { dir: 'auto' }, name || t('kind.location')),
        h('small', { dir: 'auto' }, address || place),
        anchor(map, t('content.map')),
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
      h('span', { dir: 'auto' }, name?.formatted_name ?? t('kind.contacts')),
      lines.filter(Boolean).map((line) => h('small', { dir: 'auto' }, line)),
    ),
  );
}

// Why a message came without its content: Meta's own words, and the code to ask support about.
// Source: Cloud API, Webhooks reference, unsupported messages: 131051 is a kind, 131060 a message that is unavailable.
function withheld({ unsupported, errors }) {
  const error = errors?.[0];
  const kind = unsupported?.type ?? '–';
  const details = error?.error_data?.details ?? error?.message ?? error?.title;
  return [
    h(
      'p',
      { class: 'quiet' },
      t(error?.code === 131060 ? 'content.not_handed' : 'content.never_handed', { kind }),
    ),
    details ? h('p', { class: 'quiet', dir: 'auto' }, error.code ? `${details} (${error.code})` : details) : null,
  ];
}

function enquiry({ product_retailer_id: product, catalog_id: catalogue }) {
  return h(
    'div',
    { class: 'card referral' },
    h('p', { class: 'card-kind' }, icon('cart'), t('content.enquiry')),
    h('p', { class: 'card-title' }, h('bdi', null, product ?? '–')),
    catalogue ? h('p', { class: 'quiet' }, nodes('content.catalogue', { catalogue: h('bdi', null, catalogue) })) : null,
  );
}

function referral({ headline, body, source_url: address, source_type: kind }) {
  return h(
    'div',
    { class: 'card referral' },
    h('p', { class: 'card-kind' }, icon('megaphone'), t(kind === 'post' ? 'content.from_post' : 'content.from_ad')),
    headline ? h('p', { class: 'card-title', dir: 'auto' }, headline) : null,
    body ? h('p', { dir: 'auto' }, body) : null,
    address ? h('p', null, anchor(address, t('content.open'))) : null,
  );
}

function unknown(content) {
  return h(
    'details',
    { class: 'unknown' },
    h('summary', null, nodes('content.unknown', { kind: h('bdi', null, String(content.type)) })),
    h('pre', null, JSON.stringify(content, null, 2)),
  );
}
