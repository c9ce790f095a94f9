// Above list and thread: a subscription that needs somebody, and numbers that Meta refuses, with Meta's words and what helps.

import { fill, h, setText } from './dom.js';
import { icon } from './icons.js';
import { pauseOf } from './lanes.js';
import { t } from './language.js';
import { hashOfPage } from './route.js';
import { subscriptionText } from './subscription.js';

/** A number as people write it; Meta's id of it where no more is known. */
export function numberName(id, state) {
  return state.numbers.get(id)?.display_phone_number || t('numbers.unnamed', { id });
}

export class BannerView {
  #banner;
  #desk;
  #subscription;
  #note = null;
  #shown = new Map();

  /** `subscription()` is that of the business, for somebody who may do something about it; else null. */
  constructor({ banner, desk, subscription }) {
    this.#subscription = subscription;
    this.#banner = banner;
    this.#desk = desk;
  }

  /** Brings the banner up to date with what is known. */
  render(now) {
    const { state } = this.#desk;
    const paused = [...state.lanes]
      .map(([id, lane]) => [id, pauseOf(lane, numberName(id, state), now)])
      .filter(([, pause]) => pause);
    for (const id of this.#shown.keys()) if (!paused.some(([one]) => one === id)) this.#shown.delete(id);
    const text = subscriptionText(this.#subscription(), now);
    fill(this.#banner, text && this.#subscriptionLine(text), paused.map(([id, pause]) => this.#line(id, pause)));
    this.#banner.hidden = paused.length === 0 && !text;
  }

  #subscriptionLine(text) {
    this.#note ??= h('div', { class: 'paused' }, icon('info'), h('p', null, h('span'), ' ', h('a', { href: hashOfPage('business') }, t('subscription.open'))));
    setText(this.#note.querySelector('span'), text);
    return this.#note;
  }

  // A line stays the same node, and nothing in it counts: it is read out as a whole when a part changes.
  #line(id, { what, said, help }) {
    if (!this.#shown.has(id)) {
      const parts = { what: h('strong'), said: h('span', { class: 'paused-said' }), help: h('span') };
      const node = h('div', { class: 'paused', 'data-number': id }, icon('alert'), h('p', null, Object.values(parts)));
      this.#shown.set(id, { node, parts });
    }
    const { node, parts } = this.#shown.get(id);
    setText(parts.what, what);
    setText(parts.said, said && ` ${t('banner.said', { said })}`);
    setText(parts.help, ` ${help}`);
    return node;
  }
}
