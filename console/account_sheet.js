// The dialogs of one's own account: where one is signed in, the password, and which business to work for.

import { browserName, roleName, sentenceOf } from './account.js';
import { fill, h, setText } from './dom.js';
import { accountForm, accountOf, newPasswordField, passwordField } from './fields.js';
import { agoInWords, exact } from './time.js';

export class AccountSheet {
  #dialogs;
  #account;
  #say;

  constructor({ dialogs, account, say }) {
    this.#dialogs = dialogs;
    this.#account = account;
    this.#say = say;
  }

  // --- sessions ----------------------------------------------------------------------------------------------------

  /** Shows where one is signed in. */
  async sessions() {
    const rows = h('ul', { class: 'account-rows' });
    const problem = h('p', { class: 'sheet-problem', role: 'alert' });
    const status = h('p', { class: 'quiet', role: 'status' }, 'Loading…');
    const others = this.#press('Sign out everywhere else', 'Sign out everywhere else', () => end('others', 'Signed out everywhere else'));
    others.hidden = true;
    const load = async () => {
      try {
        const sessions = await this.#account.sessions();
        const now = Date.now();
        fill(rows, sessions.map((one) => this.#session(one, now, end)));
        others.hidden = sessions.length < 2;
        setText(status, '');
      } catch (error) {
        setText(status, '');
        setText(problem, sentenceOf(error));
      }
    };
    const end = async (id, done) => {
      setText(problem, '');
      try {
        await this.#account.endSession(id);
        this.#say(done, 'good');
      } catch (error) {
        setText(problem, sentenceOf(error));
      }
      await load();
      rows.focus();
    };
    rows.tabIndex = -1;
    this.#dialogs.show('My sessions', [
      h('p', { class: 'quiet' }, 'Where you are signed in. End what you do not know, and change your password then.'),
      status,
      problem,
      rows,
      h('p', { class: 'sheet-foot' }, others),
    ]);
    await load();
  }

  #session({ session_id: id, browser, address, created, used, is_this: isThis }, now, end) {
    const name = browserName(browser);
    return h(
      'li',
      { 'data-session': id },
      h(
        'div',
        { class: 'account-who' },
        h('span', { title: browser }, name, isThis ? ' (this one)' : null),
        h('span', { class: 'quiet' }, address ? [h('bdi', null, address), ', '] : null, `used ${agoInWords(used, now)}, since ${exact(created)}`),
      ),
      isThis
        ? null
        : h('div', { class: 'account-do' }, this.#press('End', `End the session of ${name}, since ${exact(created)}`, () => end(id, 'That session is over'))),
    );
  }

  #press(label, name, run) {
    return h('button', { type: 'button', class: 'plain', 'aria-label': name, onclick: run }, label);
  }

  // --- password ----------------------------------------------------------------------------------------------------

  /** Asks for another password. */
  password({ user }) {
    const current = passwordField('Password now');
    const fresh = newPasswordField('New password');
    const form = accountForm({
      parts: [accountOf(user.email), current.node, fresh.node],
      fields: [current, fresh],
      label: 'Change it',
      busy: 'Changing…',
      run: async () => {
        await this.#account.changePassword(current.input.value, fresh.input.value);
        if (form.isConnected) this.#dialogs.close();
        this.#say('The password is changed, and all other sessions have ended', 'good');
      },
      explain: (error) => {
        if (error.code === 'wrong_credentials') return { text: 'This is not your password.', field: current };
        return { text: sentenceOf(error), ...(error.code === 'weak_password' && { field: fresh }) };
      },
      also: [h('button', { type: 'button', class: 'plain', onclick: () => this.#dialogs.close() }, 'Cancel')],
    });
    this.#dialogs.show('Change password', [h('p', { class: 'quiet' }, 'You are signed out everywhere else then.'), form]);
    current.input.focus();
  }

  // --- businesses --------------------------------------------------------------------------------------------------

  /** Asks for which business to work; `chosen()` is called when that has changed. */
  tenants({ tenant_id: at, tenants }, chosen) {
    const problem = h('p', { class: 'sheet-problem', role: 'alert' });
    const go = async (id) => {
      setText(problem, '');
      try {
        await this.#account.changeTenant(id);
        chosen();
      } catch (error) {
        setText(problem, sentenceOf(error));
      }
    };
    const row = ({ tenant_id: id, name, role }) =>
      h(
        'li',
        null,
        h('div', { class: 'account-who' }, h('bdi', null, name), h('span', { class: 'quiet' }, roleName(role))),
        id === at
          ? h('span', { class: 'account-role' }, 'You are here')
          : h('div', { class: 'account-do' }, this.#press('Work here', `Work for ${name}`, () => go(id))),
      );
    this.#dialogs.show('Work for another business', [problem, h('ul', { class: 'account-rows' }, tenants.map(row))]);
  }
}
