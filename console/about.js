// Beside the thread: the customer, who answers, how it stands, its labels; below, what is known of the contact, which is loaded when it is
// first shown.

import { fill, h } from './dom.js';
import { icon } from './icons.js';
import { t } from './language.js';
import { agentName, face, nameOf, phoneText } from './people.js';
import { exact, serviceWindow } from './time.js';

const STATUSES = ['open', 'pending', 'resolved'];

export class AboutView {
  #panel;
  #own = h('div', { class: 'about-own' });
  #below = h('div', { class: 'about-contact' });
  #showContact;
  #desk;
  #changed;
  #onClose;
  #shown = [];
  #chosen = null;
  /** A label that was refused, and of which conversation: it is still in the field. */
  #refused = null;
  #besides = [];

  /** `showContact(place, {contact, conversation, mayChange})` shows what is known of a contact; nothing for none. */
  constructor({ panel, desk, changed, onClose, showContact }) {
    this.#panel = panel;
    this.#showContact = showContact;
    this.#desk = desk;
    this.#changed = changed;
    this.#onClose = onClose;
  }

  /** Brings the panel up to date with what is known. */
  render(now) {
    const { open, state, receipts } = this.#desk;
    const row = state.conversations.get(open);
    const contact = row && state.contacts.get(row.contact_id);
    const left = row && serviceWindow(row.last_inbound, now, contact?.group_id);
    const present = [...state.presence].filter(([, presence]) => presence !== 'offline').map(([agent]) => agent);
    const shown = [row, contact, receipts, left?.text, present.sort().join(' '), state.me];
    if (shown.length === this.#shown.length && shown.every((value, i) => value === this.#shown[i])) return;
    this.#renderContact(row, contact, state.me);
    // Not while somebody is choosing or writing in it.
    if (row && row.id === this.#shown[0]?.id && this.#own.querySelector('select:focus, input[type=text]:focus'))
      return;
    this.#shown = shown;
    fill(this.#own, row ? this.#parts({ row, contact, left, present, me: state.me }) : null);
    fill(this.#panel, row ? [this.#own, this.#below] : null);
    if (this.#chosen && row?.assignee === this.#chosen.agent) {
      this.#panel.querySelector('#assignee')?.focus();
      this.#chosen = null;
    }
  }

  // A group is no person.
  #renderContact(row, contact, me) {
    const shown = contact && !contact.group_id ? contact : null;
    const [known, conversation, whose] = this.#besides;
    if (known === shown && conversation === row?.id && whose === me) return;
    this.#besides = [shown, row?.id, me];
    this.#showContact(this.#below, { contact: shown, conversation: row?.id, mayChange: !me?.readOnly });
  }

  #parts({ row, contact, left, present, me }) {
    const name = nameOf(contact);
    return [
      h(
        'button',
        { type: 'button', class: 'icon-button about-close', 'aria-label': t('any.close'), onclick: this.#onClose },
        icon('cross'),
      ),
      h(
        'div',
        { class: 'card-of' },
        face(name, row.contact_id, 'big'),
        h('h2', { dir: 'auto' }, name),
        contact?.given_name && contact.name ? h('p', { class: 'quiet' }, t('about.calls_itself', { name: contact.name })) : null,
        contact?.username ? h('p', null, h('bdi', null, `@${contact.username}`)) : null,
        h('p', { class: 'quiet' }, addressText(contact)),
      ),
      ...(me.readOnly
        ? this.#readable(row, me)
        : [
            this.#section(t('about.assigned'), this.#assignee(row, present, me)),
            this.#section(t('about.status'), this.#status(row)),
            this.#section(t('about.labels'), this.#labels(row)),
          ]),
      contact?.group_id
        ? null
        : this.#section(
            t('about.window'),
            h('p', { class: 'about-window' }, h('span', { class: `window tone-${left.tone}` }, left.text)),
            h(
              'p',
              { class: 'quiet' },
              row.last_inbound ? t('about.last_wrote', { when: exact(row.last_inbound) }) : t('about.not_written'),
            ),
          ),
      me.readOnly
        ? h('p', { class: 'quiet' }, t('about.read_only'))
        : this.#section(t('about.receipts'), this.#receipts()),
    ];
  }

  /** What somebody sees who may change nothing. */
  #readable(row, me) {
    const labels = row.labels.map((label) => h('li', { class: 'label' }, h('bdi', null, label)));
    return [
      this.#section(t('about.assigned'), h('p', null, row.assignee ? agentName(row.assignee, me) : t('about.nobody'))),
      this.#section(t('about.status'), h('p', null, statusName(row.status))),
      this.#section(t('about.labels'), labels.length > 0 ? h('ul', { class: 'label-list' }, labels) : h('p', null, t('about.no_labels'))),
    ];
  }

  #section(title, ...content) {
    return h('section', null, h('h3', null, title), content);
  }

  #assignee(row, present, me) {
    const agents = [...new Set([me.agent, ...answering(me, row.number), ...present.filter((agent) => maySee(me, agent, row.number)), row.assignee].filter(Boolean))];
    const select = h(
      'select',
      { 'aria-label': t('about.assigned'), id: 'assignee', onchange: () => this.#assign(select) },
      h('option', { value: '' }, t('about.nobody')),
      agents.map((agent) =>
        h(
          'option',
          { value: agent, selected: agent === row.assignee },
          agent === me.agent ? t('any.you', { name: me.name }) : agentName(agent, me),
        ),
      ),
    );
    const take =
      row.assignee === me.agent
        ? null
        : h(
            'button',
            { type: 'button', class: 'plain', onclick: () => this.#desk.organise({ type: 'assign', agent: me.agent }) },
            t('about.take'),
          );
    return h('div', { class: 'pair' }, select, take);
  }

  // Lets the panel show what becomes of it, and gives the focus back then.
  async #assign(select) {
    const chosen = { agent: select.value || undefined };
    this.#chosen = chosen;
    select.blur();
    const isDone = await this.#desk.organise({ type: 'assign', agent: select.value || null });
    if (!isDone && this.#chosen === chosen) this.#anew();
  }

  // Shows what is known in the place of what was chosen or written.
  #anew() {
    this.#chosen = null;
    this.#shown = [];
    this.#changed();
  }

  #status(row) {
    return h(
      'div',
      { class: 'segments', role: 'group', 'aria-label': t('about.status') },
      STATUSES.map((status) =>
        h(
          'button',
          {
            type: 'button',
            'aria-pressed': String(row.status === status),
            onclick: () => this.#desk.organise({ type: 'status', status }),
          },
          statusName(status),
        ),
      ),
    );
  }

  #labels(row) {
    const input = h('input', {
      type: 'text',
      value: this.#refused?.id === row.id ? this.#refused.label : '',
      placeholder: t('about.add_label'),
      'aria-label': t('about.add_label'),
      maxlength: '40',
      autocomplete: 'off',
    });
    const add = async (event) => {
      event.preventDefault();
      const label = input.value.trim();
      input.value = '';
      input.blur();
      this.#refused = null;
      if (label === '' || row.labels.includes(label)) return;
      if (await this.#desk.organise({ type: 'label', add: [label], remove: [] })) return;
      this.#refused = { id: row.id, label };
      this.#anew();
    };
    return [
      h(
        'ul',
        { class: 'label-list' },
        row.labels.map((label) =>
          h(
            'li',
            { class: 'label' },
            h('bdi', null, label),
            h(
              'button',
              {
                type: 'button',
                'aria-label': t('about.remove_label', { label }),
                onclick: () => this.#desk.organise({ type: 'label', add: [], remove: [label] }),
              },
              icon('cross'),
            ),
          ),
        ),
      ),
      h('form', { onsubmit: add }, input),
    ];
  }

  #receipts() {
    const box = h('input', {
      type: 'checkbox',
      role: 'switch',
      checked: this.#desk.receipts,
      onchange: () => {
        this.#desk.receipts = box.checked;
        this.#changed();
      },
    });
    return h('label', { class: 'switch' }, box, h('span', null, t('about.receipts_shown')));
  }
}

/** What a status of a conversation is called. */
export function statusName(status) {
  return STATUSES.includes(status) ? t(`status.${status}`) : status;
}

/** Whether somebody is not limited to other numbers. */
function maySee(me, agent, number) {
  const numbers = me.colleagues?.get(agent)?.numbers;
  return !numbers || numbers.includes(number);
}

/** Who of the team may answer on this number, whether present or not. */
function answering(me, number) {
  return [...(me.colleagues ?? [])].filter(([agent, { role }]) => role !== null && role !== 'read_only' && maySee(me, agent, number)).map(([agent]) => agent);
}

function addressText(contact) {
  if (contact?.group_id) return t('people.group');
  return contact?.phone ? phoneText(contact.phone) : t('people.no_phone');
}
