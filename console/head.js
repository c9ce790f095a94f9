// Above the thread: who it is with, how long one may write freely, who else is here, and the one thing to press when done.

import { fill, h, setText } from './dom.js';
import { icon } from './icons.js';
import { list, t } from './language.js';
import { addressOf, agentName, face, nameOf, numberName } from './people.js';
import { serviceWindow } from './time.js';

export class HeadView {
  #head;
  #desk;
  #parts;
  #shown = '';

  constructor({ head, desk, onBack, onAbout }) {
    this.#head = head;
    this.#desk = desk;
    this.#parts = {
      back: h(
        'button',
        { type: 'button', class: 'icon-button back', 'aria-label': t('head.back'), onclick: onBack },
        icon('back'),
      ),
      face: h('span', { class: 'head-face' }),
      name: h('h1', { dir: 'auto' }),
      address: h('p', { class: 'address' }),
      number: h('p', { class: 'on-number' }),
      window: h('span', { class: 'window' }),
      viewers: h('span', { class: 'viewers' }),
      done: h(
        'button',
        { type: 'button', class: 'done', onclick: () => this.#turn() },
        h('span', { class: 'done-sign' }),
        h('span', { class: 'done-text' }),
      ),
      about: h(
        'button',
        {
          type: 'button',
          class: 'icon-button',
          'aria-label': t('about.title'),
          title: t('about.title'),
          onclick: onAbout,
        },
        icon('panel'),
      ),
    };
    const { back, name, address, number, window: left, viewers, done, about } = this.#parts;
    fill(
      head,
      back,
      this.#parts.face,
      h('div', { class: 'head-main' }, name, h('div', { class: 'head-low' }, left, address, number)),
      viewers,
      done,
      about,
    );
  }

  /** Brings the head up to date with what is known. */
  render(now) {
    const { open, state } = this.#desk;
    const row = state.conversations.get(open);
    this.#head.hidden = !row;
    if (!row) return;
    const contact = state.contacts.get(row.contact_id);
    const name = nameOf(contact);
    const parts = this.#parts;
    setText(parts.name, name);
    setText(parts.address, addressOf(contact));
    parts.number.hidden = state.numbers.size < 2;
    setText(parts.number, state.numbers.size > 1 ? t('head.on_number', { number: numberName(row.number, state.numbers) }) : '');
    const left = serviceWindow(row.last_inbound, now, contact?.group_id);
    setText(parts.window, left.text);
    parts.window.hidden = left.text === '';
    parts.window.className = `window tone-${left.tone}`;
    parts.window.title = t(left.open ? 'window.open_hint' : 'window.closed_hint');
    const done = t(row.status === 'resolved' ? 'head.reopen' : 'head.resolve');
    setText(parts.done.lastChild, done);
    if (parts.done.getAttribute('aria-label') !== done)
      fill(parts.done.firstChild, icon(row.status === 'resolved' ? 'retry' : 'check'));
    parts.done.setAttribute('aria-label', done);
    parts.done.title = t('any.with_key', { label: done, key: 'Alt+E' });
    parts.done.hidden = state.me.readOnly === true;
    this.#renderFaces(row, name, state);
  }

  #renderFaces(row, name, state) {
    const viewers = (state.viewing.get(row.id) ?? []).filter((agent) => agent !== state.me.agent);
    const names = viewers.map((agent) => agentName(agent, state.me));
    const key = [row.id, name, ...viewers, ...names].join(' ');
    if (key === this.#shown) return;
    this.#shown = key;
    fill(this.#parts.face, face(name, row.contact_id));
    const label =
      viewers.length === 0 ? '' : t('head.viewers', { count: viewers.length, names: list(names) });
    this.#parts.viewers.title = label;
    fill(
      this.#parts.viewers,
      viewers.map((agent, i) => face(names[i], agent, 'small')),
      label ? h('span', { class: 'viewers-text' }, label) : null,
    );
  }

  #turn() {
    const row = this.#desk.state.conversations.get(this.#desk.open);
    this.#desk.organise({ type: 'status', status: row.status === 'resolved' ? 'open' : 'resolved' });
  }

  /** Presses the button. */
  press() {
    if (!this.#head.hidden && !this.#parts.done.hidden) this.#turn();
  }
}
