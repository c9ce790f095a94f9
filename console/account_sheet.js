// The dialogs of one's own account: where one is signed in, the password, and which business to work for.

import { browserName, roleName, sentenceOf } from './account.js';
import { fill, h, setText } from './dom.js';
import { accountForm, accountOf, newPasswordField, passwordField } from './fields.js';
import { t } from './language.js';
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
    const status = h('p', { class: 'quiet', role: 'status' }, t('any.loading'));
    const others = this.#press(t('sessions.end_others'), t('sessions.end_others'), () => end('others', t('sessions.others_ended')));
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
    this.#dialogs.show(t('sessions.title'), [
      h('p', { class: 'quiet' }, t('sessions.about')),
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
        h('span', { title: browser }, isThis ? t('sessions.this', { name }) : name),
        h('span', { class: 'quiet' }, address ? [h('bdi', null, address), ' · '] : null, t('sessions.used', { used: agoInWords(used, now), since: exact(created) })),
      ),
      isThis
        ? null
        : h('div', { class: 'account-do' }, this.#press(t('sessions.end'), t('sessions.end_one', { name, since: exact(created) }), () => end(id, t('sessions.ended')))),
    );
  }

  #press(label, name, run) {
    return h('button', { type: 'button', class: 'plain', 'aria-label': name, onclick: run }, label);
  }

  // --- password ----------------------------------------------------------------------------------------------------

  /** Asks for another password. */
  password({ user }) {
    const current = passwordField(t('password.now'));
    const fresh = newPasswordField(t('password.new'));
    const form = accountForm({
      parts: [accountOf(user.email), current.node, fresh.node],
      fields: [current, fresh],
      label: t('password.change'),
      busy: t('password.changing'),
      run: async () => {
        await this.#account.changePassword(current.input.value, fresh.input.value);
        if (form.isConnected) this.#dialogs.close();
        this.#say(t('password.changed'), 'good');
      },
      explain: (error) => {
        if (error.code === 'wrong_credentials') return { text: t('password.not_yours'), field: current };
        return { text: sentenceOf(error), ...(error.code === 'weak_password' && { field: fresh }) };
      },
      also: [h('button', { type: 'button', class: 'plain', onclick: () => this.#dialogs.close() }, t('any.cancel'))],
    });
    this.#dialogs.show(t('password.title'), [h('p', { class: 'quiet' }, t('password.signs_out')), form]);
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
          ? h('span', { class: 'account-role' }, t('tenants.here'))
          : h('div', { class: 'account-do' }, this.#press(t('tenants.go'), t('tenants.go_to', { name }), () => go(id))),
      );
    this.#dialogs.show(t('tenants.title'), [problem, h('ul', { class: 'account-rows' }, tenants.map(row))]);
  }
}
