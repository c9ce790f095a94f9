// What the sheets before the inbox have in common: they stand above everything, and are left only by what stands in them.

import { sentenceOf } from './account.js';
import { h } from './dom.js';
import { ApiError } from './http.js';
import { t } from './language.js';

/** A link of which a part is missing, as some programs cut long ones. */
const CUT = new ApiError(404, 'link_over', '');

export class Gate {
  #dialogs;
  #foot;

  /** `dialogs` has an element of its own, above every other; `foot()` gives what stands below every sheet. */
  constructor({ dialogs, foot }) {
    this.#dialogs = dialogs;
    this.#foot = foot;
  }

  /** Whether a sheet is shown. */
  get isOpen() {
    return this.#dialogs.isOpen;
  }

  /** Closes it. */
  close() {
    this.#dialogs.close();
  }

  /** Shows a sheet. Esc leads nowhere: what is behind it is not for everybody. */
  show(title, parts) {
    this.#dialogs.show(title, [parts, this.#foot()], { closable: false, kind: 'welcome', escape: () => {} });
  }

  /** Says something; resolves when that was read. */
  say(title, text, label, role = 'alert') {
    return new Promise((resolve) => {
      const go = h('button', { type: 'button', class: 'primary', onclick: () => (this.close(), resolve()) }, label);
      this.show(title, [h('p', { role }, text), h('p', { class: 'sheet-foot' }, go)]);
      go.focus();
    });
  }

  /** Asks before something is done; resolves with whether it may be. The focus goes to the harmless button. */
  ask(title, text, { no, yes }) {
    return new Promise((resolve) => {
      const answer = (is) => () => (this.close(), resolve(is));
      const harmless = h('button', { type: 'button', class: 'primary', onclick: answer(false) }, no);
      this.show(title, [h('p', { role: 'alert' }, text), h('p', { class: 'sheet-foot' }, leave(yes, answer(true)), harmless)]);
      harmless.focus();
    });
  }

  /**
   * What a page by a link needs before it can be shown; null when the link leads nowhere, which is said. A network that fails
   * is asked again.
   */
  async reached(token, look, title) {
    for (;;) {
      try {
        if (token === null) throw CUT;
        return await look();
      } catch (error) {
        if (error.code === 'link_over' || (error.status >= 400 && error.status < 500 && error.status !== 429)) {
          await this.say(title, sentenceOf(error), t('link.without'));
          return null;
        }
        await this.say(title, sentenceOf(error), t('any.try_again'));
      }
    }
  }
}

/**
 * A button that leads elsewhere: not while the form of its sheet is being carried out, of which nobody would hear what became. Each
 * call has a deadline.
 */
export function leave(label, run) {
  const go = ({ currentTarget }) => currentTarget.closest('dialog').querySelector('form[data-running]') === null && run();
  return h('button', { type: 'button', class: 'plain', onclick: go }, label);
}
