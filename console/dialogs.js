// The sheets that open above the page: who sits here, the details of a message, the keys.

import { fill, h } from './dom.js';
import { icon } from './icons.js';
import { altWrites } from './keys.js';
import { has, t } from './language.js';
import { sentenceFor } from './meta_errors.js';
import { authorName } from './people.js';
import { ticksOf } from './ticks.js';
import { exact } from './time.js';

const STATES = ['claimed', 'unknown', 'held', 'sent', 'delivered', 'read', 'played', 'failed', 'expired', 'cancelled'];

const KEYS = [
  ['Alt+J', 'keys.next'],
  ['Alt+K', 'keys.above'],
  ['Alt+L', 'keys.reply'],
  ['Alt+P', 'keys.note'],
  ['Alt+A', 'keys.attach'],
  ['Alt+E', 'keys.resolve'],
  ['/', 'keys.find'],
  ['/', 'keys.canned'],
  ['Esc', 'keys.back'],
  ['Ctrl+Enter', 'keys.send'],
  ['?', 'keys.list'],
];

const onUnknown = (policy) => (has(`on_unknown.${policy}`) ? t(`on_unknown.${policy}`) : policy);

export class Dialogs {
  #dialog;
  #escape = null;

  constructor(dialog) {
    this.#dialog = dialog;
    dialog.addEventListener(
      'click',
      (event) => event.target === dialog && dialog.dataset.closable === 'true' && dialog.close(),
    );
    dialog.addEventListener('cancel', (event) => dialog.dataset.closable !== 'true' && event.preventDefault());
    // Wherever the focus is; and no other listener takes the same press for one on the page below.
    document.addEventListener(
      'keydown',
      (event) => {
        if (event.key !== 'Escape' || event.isComposing || !dialog.open || !this.#escape) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        this.#escape();
      },
      { capture: true },
    );
  }

  /** Closes what is open. */
  close() {
    this.#dialog.close();
  }

  /** Shows a sheet. One that is not `closable` is left by what stands in it, or by `escape()`, which Esc calls then. */
  show(title, parts, { closable = true, kind = '', escape = null } = {}) {
    const dialog = this.#dialog;
    this.#escape = escape;
    dialog.className = `sheet ${kind}`;
    dialog.dataset.closable = String(closable);
    const close = closable
      ? h(
          'button',
          { type: 'button', class: 'icon-button', 'aria-label': t('any.close'), onclick: () => dialog.close() },
          icon('cross'),
        )
      : null;
    const sign = kind === 'welcome' ? h('img', { src: '/console/icon.svg', alt: '' }) : null;
    fill(dialog, h('header', null, h('h2', { id: 'dialog-title' }, title), close ?? sign), parts);
    dialog.setAttribute('aria-labelledby', 'dialog-title');
    if (!dialog.open) dialog.showModal();
  }

  /** Everything about a message. `act` are the decisions that are still open for it. */
  details(message, { me, now, act }) {
    const { delivery } = message;
    const ticks = delivery ? ticksOf(delivery, { delay: message.delay, now }) : null;
    const row = (label, value) =>
      value === undefined || value === null || value === ''
        ? null
        : [h('dt', null, label), h('dd', null, h('bdi', null, String(value)))];
    // In the order of the states: the times come from two clocks, and Meta's are in whole seconds.
    const times = Object.entries(delivery?.times ?? {}).sort(([one], [other]) => STATES.indexOf(one) - STATES.indexOf(other));
    this.show(
      t('message.details'),
      [
        ticks
          ? h(
              'p',
              { class: `verdict tone-${ticks.tone}` },
              ticks.label,
              delivery.error ? h('span', null, sentenceFor(delivery.error)) : null,
            )
          : null,
        me.readOnly ? null : this.#decisions(message, act),
        h('h3', null, t('details.times')),
        h(
          'dl',
          null,
          row(t(message.direction === 'inbound' ? 'details.written' : 'details.queued'), exact(message.created)),
          times.map(([state, at]) => row(STATES.includes(state) ? t(`state.${state}`) : state, exact(at))),
        ),
        h('h3', null, t('details.message')),
        h(
          'dl',
          null,
          row(t('details.from'), authorName(message.author, me)),
          row(t('details.message_id'), message.id),
          row(t('details.wamid'), message.wamid),
          row(t('details.number'), message.number),
          row(t('details.attempts'), delivery?.attempts),
          row(t('details.on_unknown'), delivery?.on_unknown && onUnknown(delivery.on_unknown)),
          row(t('details.not_before'), delivery?.send_at && exact(delivery.send_at)),
          row(t('details.not_after'), delivery?.valid_until && exact(delivery.valid_until)),
        ),
        delivery?.error
          ? [h('h3', null, t('details.said')), h('pre', { tabindex: '0' }, JSON.stringify(delivery.error, null, 2))]
          : null,
        h(
          'details',
          null,
          h('summary', null, t('details.content')),
          h('pre', { tabindex: '0' }, JSON.stringify(message.content, null, 2)),
        ),
      ],
      { kind: 'drawer' },
    );
  }

  #decisions({ id, delivery }, act) {
    const press = (label, run) =>
      h('button', { type: 'button', class: 'plain', onclick: () => (this.#dialog.close(), run()) }, label);
    const waits = delivery?.state === 'queued' || (delivery?.state === 'claimed' && delivery.due);
    if (waits)
      return h(
        'p',
        { class: 'decide' },
        press(t('details.withdraw'), () => act.withdraw(id)),
      );
    if (delivery?.state !== 'unknown' || delivery.on_unknown !== 'ask' || delivery.gave_up) return null;
    return h(
      'div',
      { class: 'decide' },
      h('p', null, t('details.unknown')),
      press(t('details.again'), () => act.resolve(id, 'send_again')),
      press(t('details.leave'), () => act.resolve(id, 'give_up')),
    );
  }

  /** The keys that do something. */
  keys() {
    this.show(t('keys.title'), [
      h(
        'dl',
        { class: 'keys' },
        KEYS.map(([key, what]) => [h('dt', null, h('kbd', null, key)), h('dd', null, t(what))]),
      ),
      altWrites() ? h('p', { class: 'quiet' }, t('keys.mac')) : null,
    ]);
  }

  get isOpen() {
    return this.#dialog.open;
  }
}
