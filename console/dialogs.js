// The sheets that open above the page: who sits here, a template, the details of a message, the keys.

import { fill, h } from './dom.js';
import { icon } from './icons.js';
import { sentenceFor } from './meta_errors.js';
import { authorName } from './people.js';
import { ticksOf } from './ticks.js';
import { exact } from './time.js';

const STATE_NAMES = {
  claimed: 'Handed over',
  unknown: 'Outcome unknown',
  held: 'Held by WhatsApp',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  played: 'Played',
  failed: 'Failed',
  expired: 'Expired',
  cancelled: 'Taken back',
};

const KEYS = [
  ['Alt+J', 'Next conversation'],
  ['Alt+K', 'Conversation above'],
  ['Alt+L', 'Write a reply'],
  ['Alt+P', 'Write a note'],
  ['Alt+E', 'Resolve, or open again'],
  ['/', 'Find a conversation'],
  ['/', 'First in a text: canned replies'],
  ['Esc', 'Close, or step back'],
  ['Ctrl+Enter', 'Send'],
  ['?', 'This list'],
];

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
          { type: 'button', class: 'icon-button', 'aria-label': 'Close', onclick: () => dialog.close() },
          icon('cross'),
        )
      : null;
    const sign = kind === 'welcome' ? h('img', { src: '/console/icon.svg', alt: '' }) : null;
    fill(dialog, h('header', null, h('h2', { id: 'dialog-title' }, title), close ?? sign), parts);
    dialog.setAttribute('aria-labelledby', 'dialog-title');
    if (!dialog.open) dialog.showModal();
  }

  /** Asks who sits here; resolves with a name. */
  askName(proposed) {
    return new Promise((resolve) => {
      const input = h('input', {
        type: 'text',
        value: proposed,
        maxlength: '40',
        autocomplete: 'off',
        required: true,
        id: 'agent-name',
      });
      const done = (event) => {
        event.preventDefault();
        const name = input.value.trim();
        if (!/[\p{L}\p{N}]/u.test(name)) return;
        this.#dialog.close();
        resolve(name);
      };
      this.show(
        'Welcome',
        [
          h('p', null, 'Who answers today? Your colleagues see this name, customers do not.'),
          h(
            'form',
            { onsubmit: done },
            h('label', { for: 'agent-name' }, 'Your name'),
            input,
            h('p', { class: 'sheet-foot' }, h('button', { class: 'primary' }, 'Open the inbox')),
          ),
        ],
        { closable: false, kind: 'welcome' },
      );
      input.select();
    });
  }

  /** Asks for a template; `send(content)` gets it in Meta's shape. */
  template(customer, send) {
    const name = h('input', {
      type: 'text',
      id: 'template-name',
      required: true,
      pattern: '[a-z0-9_]+',
      title: 'small letters, digits and _',
      placeholder: 'order_update',
      autocomplete: 'off',
      spellcheck: 'false',
    });
    const language = h('input', {
      type: 'text',
      id: 'template-language',
      required: true,
      value: 'en',
      pattern: '[a-z]{2,3}(_[A-Z]{2})?',
      title: 'such as en or pt_BR',
      autocomplete: 'off',
    });
    const values = h('ol', { class: 'values' });
    const another = () => {
      const number = values.children.length + 1;
      values.append(
        h(
          'li',
          null,
          h('span', { 'aria-hidden': 'true' }, `{{${number}}}`),
          h('input', {
            type: 'text',
            'aria-label': `Variable ${number}`,
            dir: 'auto',
            maxlength: '1024',
            required: true,
          }),
        ),
      );
      values.lastChild.querySelector('input').focus();
    };
    const fewer = () => values.lastChild?.remove();
    const done = (event) => {
      event.preventDefault();
      const parameters = [...values.querySelectorAll('input')].map((input) => ({ type: 'text', text: input.value }));
      const components = parameters.length > 0 ? [{ type: 'body', parameters }] : undefined;
      this.#dialog.close();
      send({
        type: 'template',
        template: { name: name.value, language: { code: language.value }, ...(components && { components }) },
      });
    };
    this.show('Send a template', [
      h(
        'p',
        { class: 'quiet' },
        'A template that WhatsApp has approved can be sent to ',
        h('bdi', null, customer),
        ' at any time.',
      ),
      h(
        'form',
        { onsubmit: done },
        h(
          'div',
          { class: 'pair' },
          h('div', null, h('label', { for: 'template-name' }, 'Name'), name),
          h('div', { class: 'narrow' }, h('label', { for: 'template-language' }, 'Language'), language),
        ),
        values,
        h(
          'p',
          { class: 'variables' },
          h('button', { type: 'button', class: 'plain', onclick: another }, 'Add a variable'),
          h('button', { type: 'button', class: 'plain', onclick: fewer }, 'Remove the last'),
        ),
        h('p', { class: 'sheet-foot' }, h('button', { class: 'primary' }, 'Send template')),
      ),
    ]);
    name.focus();
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
    const order = Object.keys(STATE_NAMES);
    const times = Object.entries(delivery?.times ?? {}).sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
    this.show(
      'Details',
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
        h('h3', null, 'Times'),
        h(
          'dl',
          null,
          row(message.direction === 'inbound' ? 'Written' : 'Queued', exact(message.created)),
          times.map(([state, at]) => row(STATE_NAMES[state] ?? state, exact(at))),
        ),
        h('h3', null, 'Message'),
        h(
          'dl',
          null,
          row('From', authorName(message.author, me)),
          row('Message id', message.id),
          row('WhatsApp id', message.wamid),
          row('Number', message.number),
          row('Attempts', delivery?.attempts),
          row('If unknown', delivery?.on_unknown),
          row('Not before', delivery?.send_at && exact(delivery.send_at)),
          row('Not after', delivery?.valid_until && exact(delivery.valid_until)),
        ),
        delivery?.error
          ? [h('h3', null, 'What WhatsApp said'), h('pre', { tabindex: '0' }, JSON.stringify(delivery.error, null, 2))]
          : null,
        h(
          'details',
          null,
          h('summary', null, 'Content as it is sent'),
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
        press('Take it back', () => act.withdraw(id)),
      );
    if (delivery?.state !== 'unknown' || delivery.on_unknown !== 'ask' || delivery.gave_up) return null;
    return h(
      'div',
      { class: 'decide' },
      h('p', null, 'WhatsApp has not said whether it took this message. Sent again, the customer may get it twice.'),
      press('Send it again', () => act.resolve(id, 'send_again')),
      press('Leave it', () => act.resolve(id, 'give_up')),
    );
  }

  /** The keys that do something. */
  keys() {
    this.show(
      'Keys',
      h(
        'dl',
        { class: 'keys' },
        KEYS.map(([key, what]) => [h('dt', null, h('kbd', null, key)), h('dd', null, what)]),
      ),
    );
  }

  get isOpen() {
    return this.#dialog.open;
  }
}
