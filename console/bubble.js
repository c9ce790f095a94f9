// One message on the page.

import { contentOf, summaryOf } from './content.js';
import { h } from './dom.js';
import { icon, tickMark } from './icons.js';
import { has, t } from './language.js';
import { authorName } from './people.js';
import { ticksOf } from './ticks.js';
import { clock, moment } from './time.js';

/**
 * The element of a message. `entry` says how it stands among the others: `{message, first, last, quoted, reactions,
 * delay, customer}`; `act` are the things that one can do with it.
 */
export function bubble(entry, { me, now, act }) {
  const { message, first, last, quoted, reactions, customer } = entry;
  const side = { inbound: 'in', outbound: 'out', note: 'note' }[message.direction];
  const ticks = message.delivery ? ticksOf(message.delivery, { delay: entry.delay, now }) : null;
  const member = message.author.kind === 'member';
  const named = first && (side !== 'in' || member) && message.author.id !== me.agent;
  const classes = ['message', side, first && 'first', last && 'last', ticks && `is-${ticks.tone}`];
  return h(
    'article',
    {
      class: classes.filter(Boolean).join(' '),
      'data-id': message.id,
      'aria-label': spoken(message, ticks, me, customer),
      tabindex: '-1',
    },
    named || side === 'note'
      ? h(
          'p',
          { class: 'author' },
          side === 'note'
            ? [icon('lock'), t('message.note_by', { name: authorName(message.author, me) })]
            : authorName(message.author, me),
        )
      : null,
    h(
      'div',
      { class: 'body' },
      h(
        'div',
        { class: 'bubble' },
        quote(message.content, quoted, customer, act),
        h('div', { class: 'content' }, contentOf(message.content, { file: message.media, show: act.showFile, showTemplate: (card) => act.showTemplate(card, message) })),
        versions(message),
        h(
          'p',
          { class: 'meta' },
          origin(message),
          scheduled(message, now),
          h('time', { datetime: new Date(message.created).toISOString() }, clock(message.created)),
          mark(ticks),
        ),
      ),
      tools(message, me, act),
    ),
    reactions ? h('p', { class: 'reactions', 'aria-label': t('message.reactions', { reactions }) }, reactions) : null,
    ticks?.problem ? problem(message, ticks, me, act) : null,
  );
}

/** Brings up to date how long a message that waits still has to; the rest of it stays as it is. */
export function tellTime(node, { message, delay }, now) {
  const { label } = ticksOf(message.delivery, { delay, now });
  const ticks = node.querySelector('.ticks');
  if (ticks.title === label) return;
  ticks.title = label;
  ticks.setAttribute('aria-label', label);
}

/** A message that the gateway has not accepted yet, or has refused. */
export function pendingBubble(item, { first, act, live }) {
  const failed = item.state === 'failed';
  const label = t(failed ? 'message.not_sent' : live ? 'message.sending' : 'message.waiting');
  return h(
    'article',
    {
      class: `message ${item.kind === 'note' ? 'note' : 'out'} last ${first ? 'first' : ''} is-${failed ? 'failed' : 'wait'} pending`,
      'data-client-id': item.client_msg_id,
      'aria-label': label,
    },
    h(
      'div',
      { class: 'bubble' },
      h('div', { class: 'content' }, contentOf(item.content, { file: item.media, show: act.showFile, showTemplate: (card) => act.showTemplate(card, item) })),
      h(
        'p',
        { class: 'meta' },
        h('time', null, clock(item.created)),
        mark({ icon: failed ? 'alert' : 'clock', tone: failed ? 'failed' : 'wait', label }),
      ),
    ),
    failed
      ? h(
          'p',
          { class: 'problem' },
          refusal(item.error),
          h('button', { type: 'button', onclick: () => act.again(item) }, t('any.try_again')),
          h('button', { type: 'button', onclick: () => act.drop(item) }, t('message.discard')),
        )
      : null,
  );
}

function refusal(error) {
  const known = `send_refusal.${error?.code}`;
  return t('message.refused', { why: has(known) ? t(known) : (error?.message ?? t('send_refusal.other')) });
}

function mark(ticks) {
  if (!ticks) return null;
  return h(
    'span',
    {
      class: `ticks tone-${ticks.tone}`,
      role: 'img',
      'aria-label': ticks.label,
      title: ticks.label,
      'data-icon': ticks.icon,
    },
    tickMark(ticks.icon),
  );
}

function problem(message, ticks, me, act) {
  const { state, on_unknown: policy, gave_up: gaveUp } = message.delivery;
  const asks = state === 'unknown' && policy === 'ask' && !gaveUp;
  return h(
    'p',
    { class: 'problem' },
    ticks.problem,
    ticks.retry && !me.readOnly ? h('button', { type: 'button', onclick: () => act.resend(message) }, t('message.send_again')) : null,
    state === 'failed' || asks ? h('button', { type: 'button', onclick: () => act.details(message) }, t('message.details')) : null,
  );
}

/** That a message was edited, and what it said before. */
function versions({ edited_at: edited, versions: earlier = [] }) {
  if (!edited) return null;
  if (earlier.length === 0) return h('p', { class: 'edited' }, t('message.edited'));
  return h(
    'details',
    { class: 'edited' },
    h('summary', null, t('message.edited')),
    earlier
      .toReversed()
      .map(({ content, at }) =>
        h('div', { class: 'version' }, contentOf(content), h('time', { datetime: new Date(at).toISOString() }, clock(at))),
      ),
  );
}

function origin({ via }) {
  return via && has(`origin.${via}`) ? h('span', { class: 'origin' }, t(`origin.${via}`)) : null;
}

/** When a message that waits for its time goes out. */
function scheduled({ delivery }, now) {
  const isWaiting = delivery?.send_at > now && ['queued', 'claimed'].includes(delivery.state);
  return isWaiting ? h('span', { class: 'origin' }, t('message.scheduled', { when: moment(delivery.send_at, now) })) : null;
}

function quote(content, quoted, customer, act) {
  const id = content.context?.id ?? content.context?.message_id;
  if (!id) return null;
  if (!quoted) return h('p', { class: 'quote quote-lost' }, t('message.quote_lost'));
  const { icon: sign, text } = summaryOf(quoted.content);
  return h(
    'button',
    { type: 'button', class: 'quote', onclick: () => act.jump(quoted.id) },
    h('span', { class: 'hidden' }, t('message.quote_of')),
    h('strong', null, quoted.direction === 'inbound' ? h('bdi', null, customer) : t('message.your_side')),
    h('span', { dir: 'auto' }, sign ? icon(sign) : null, text),
  );
}

function tools(message, me, act) {
  const said = message.content.text?.body ?? message.content.note?.body;
  const button = (label, sign, press) =>
    h('button', { type: 'button', 'aria-label': label, title: label, onclick: press }, icon(sign));
  const answerable = message.wamid && message.direction !== 'note' && !message.revoked_at && !me.readOnly;
  return h(
    'div',
    { class: 'tools', role: 'group', 'aria-label': t('message.tools') },
    answerable ? button(t('message.reply'), 'reply', () => act.quote(message)) : null,
    answerable && message.direction === 'inbound'
      ? button(t('message.react'), 'smile', (event) => act.react(message, event.currentTarget))
      : null,
    said ? button(t('message.copy'), 'copy', () => act.copy(said)) : null,
    button(t('message.details'), 'info', () => act.details(message)),
  );
}

function spoken(message, ticks, me, customer) {
  const named = message.direction !== 'inbound' || message.author.kind === 'member';
  const author = named ? authorName(message.author, me) : customer;
  const who = message.direction === 'note' ? t('list.note_by', { name: author }) : author;
  const state = message.revoked_at ? t('message.is_deleted') : message.edited_at ? t('message.is_edited') : null;
  return [who, clock(message.created), state, ticks?.label].filter(Boolean).join(', ');
}
