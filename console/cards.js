// The kinds that have buttons: interactive messages, their answers, and templates.

import { h } from './dom.js';
import { icon } from './icons.js';
import { has, number, t } from './language.js';
import { exact } from './time.js';
import { prose } from './words.js';

/** An interactive message of ours, or the customer's answer to one. */
export function interactive(object) {
  if (object.button_reply) return [chosen(object.button_reply.title)];
  if (object.list_reply) return [chosen(object.list_reply.title, object.list_reply.description)];
  if (object.nfm_reply) return [formAnswer(object.nfm_reply)];
  if (object.call_permission_reply) return [callPermissionCard(object.call_permission_reply)];
  return [
    header(object.header),
    object.body?.text ? prose(object.body.text) : null,
    object.footer?.text ? h('p', { class: 'quiet', dir: 'auto' }, object.footer.text) : null,
    actions(object.type, object.action ?? {}),
  ];
}

function header(head) {
  if (!head) return null;
  if (head.type === 'text') return h('p', { class: 'card-title', dir: 'auto' }, head.text);
  return h(
    'p',
    { class: 'card-kind' },
    icon(head.type === 'document' ? 'file' : head.type === 'video' ? 'video' : 'image'),
    has(`kind.${head.type}`) ? t(`kind.${head.type}`) : head.type,
  );
}

function actions(kind, action) {
  if (kind === 'button') return chips(action.buttons.map((button) => button.reply?.title));
  if (kind === 'list') return listOf(action);
  if (kind === 'cta_url') return chips([action.parameters?.display_text], 'link');
  if (kind === 'flow') return chips([action.parameters?.flow_cta ?? t('card.form')], 'form');
  if (kind === 'location_request_message') return chips([t('card.send_location')], 'pin');
  return chips([action.button ?? action.name ?? kind]);
}

function listOf({ button, sections = [] }) {
  return h(
    'details',
    { class: 'choices' },
    h('summary', { class: 'chip' }, icon('list'), h('bdi', null, button)),
    sections.map((section) => [
      section.title ? h('p', { class: 'card-kind' }, section.title) : null,
      h(
        'ul',
        { class: 'items' },
        (section.rows ?? []).map((row) =>
          h(
            'li',
            { dir: 'auto' },
            h('span', null, row.title),
            row.description ? h('small', null, row.description) : null,
          ),
        ),
      ),
    ]),
  );
}

/** Buttons as the customer has them; the agent cannot press them. */
export function chips(titles, sign) {
  return h(
    'p',
    { class: 'chips' },
    titles
      .filter(Boolean)
      .map((title) => h('span', { class: 'chip' }, sign ? icon(sign) : null, h('bdi', null, title))),
  );
}

/** What a template was filled with, as long as its own text is not known. */
export function template({ name, language, components = [] }) {
  const parts = components.map((component) => {
    if (component.type === 'button') return null;
    const values = (component.parameters ?? []).map((value, i) =>
      h('li', null, h('span', null, value.parameter_name ?? `{{${i + 1}}}`), h('bdi', null, valueOf(value))),
    );
    return values.length > 0
      ? [
          component.type === 'body' ? null : h('p', { class: 'card-kind' }, has(`component.${component.type}`) ? t(`component.${component.type}`) : component.type),
          h('ul', { class: 'items values' }, values),
        ]
      : null;
  });
  const buttons = components.filter((component) => component.type === 'button').length;
  return [
    h(
      'div',
      { class: 'card' },
      h(
        'p',
        { class: 'card-kind' },
        icon('template'),
        t('kind.template'),
        language?.code ? h('span', { class: 'code' }, language.code) : null,
      ),
      h('p', { class: 'card-title' }, h('bdi', null, name)),
      parts,
      buttons > 0 ? h('p', { class: 'quiet' }, t('card.buttons', { count: buttons })) : null,
    ),
  ];
}

function valueOf(value) {
  const object = value[value.type];
  if (typeof object === 'string') return object;
  return object?.fallback_value ?? object?.filename ?? object?.name ?? object?.link ?? object?.id ?? value.type;
}

function formAnswer({ body, response_json: json }) {
  let answers = {};
  try {
    answers = JSON.parse(json ?? '{}');
  } catch {
    answers = { answer: json };
  }
  const shown = Object.entries(answers).filter(([name]) => name !== 'flow_token');
  return h(
    'div',
    { class: 'card' },
    h('p', { class: 'card-kind' }, icon('form'), t('kind.form_answer')),
    body ? h('p', { dir: 'auto' }, body) : null,
    h(
      'ul',
      { class: 'items values' },
      shown.map(([name, value]) =>
        h(
          'li',
          null,
          h('bdi', null, name),
          h('bdi', null, typeof value === 'object' ? JSON.stringify(value) : String(value)),
        ),
      ),
    ),
  );
}

/** The customer's answer to "May we call you?", in words. */
export function callPermission({ response }) {
  if (response === 'accept') return t('card.call_accepted');
  return response === 'reject' ? t('card.call_refused') : t('card.call_answer', { answer: response ?? '–' });
}

function callPermissionCard(answer) {
  const ends = Number(answer.expiration_timestamp) * 1000;
  return chosen(callPermission(answer), ends > 0 ? t('card.until', { when: exact(ends) }) : undefined);
}

/** What the customer ordered. A price, an amount or a currency may be missing: then there is no total. */
export function order({ text, product_items: items = [] }) {
  const lines = items.map((item) => {
    const [amount, price] = [Number(item.quantity ?? Number.NaN), Number(item.item_price ?? Number.NaN)];
    return { id: item.product_retailer_id, amount, sum: amount * price, currency: item.currency };
  });
  const { currency } = lines[0] ?? {};
  const whole = lines.length > 0 && lines.every((line) => Number.isFinite(line.sum) && line.currency === currency);
  return [
    h(
      'div',
      { class: 'card' },
      h('p', { class: 'card-kind' }, icon('cart'), t('kind.order')),
      h(
        'ul',
        { class: 'items' },
        lines.map((line) =>
          h(
            'li',
            null,
            h('span', null, Number.isFinite(line.amount) ? `${number(line.amount)} × ` : null, h('bdi', null, line.id)),
            h('span', null, money(line.sum, line.currency)),
          ),
        ),
        whole
          ? h(
              'li',
              { class: 'total' },
              h('span', null, t('card.total')),
              h('span', null, money(lines.reduce((all, line) => all + line.sum, 0), currency)),
            )
          : null,
      ),
    ),
    text ? prose(text) : null,
  ];
}

function money(amount, currency) {
  if (!Number.isFinite(amount)) return t('card.no_price');
  try {
    return number(amount, { style: 'currency', currency });
  } catch {
    // No currency that the browser knows.
    return [number(amount), currency].filter(Boolean).join(' ');
  }
}

/** A button or row that the customer tapped. */
export function chosen(title, description) {
  return h(
    'p',
    { class: 'chosen', dir: 'auto' },
    icon('check'),
    h('span', null, h('strong', null, title), description ? h('small', null, description) : null),
  );
}
