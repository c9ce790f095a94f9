// The pages before the inbox: signing in, an invitation, a new password by a link, and no team to work for.

import { roleName, sentenceOf } from './account.js';
import { h, setText } from './dom.js';
import { accountForm, accountOf, emailField, field, newPasswordField, passwordField } from './fields.js';
import { ApiError } from './http.js';
import { nodes, t } from './language.js';

/** A link of which a part is missing, as some programs cut long ones. */
const CUT = new ApiError(404, 'link_over', '');

export class SignInSheet {
  #dialogs;
  #account;

  /** `dialogs` has an element of its own, above every other. */
  constructor({ dialogs, account }) {
    this.#dialogs = dialogs;
    this.#account = account;
  }

  /** Whether one of them is shown. */
  get isOpen() {
    return this.#dialogs.isOpen;
  }

  /**
   * Asks for the account; resolves with who signed in. `why` says why it asks; `email` and `tenant_id` are those of somebody
   * who was here before; `told` is good news.
   */
  signIn({ why = '', told = '', email = '', tenant_id = null } = {}) {
    return new Promise((resolve) => {
      const address = emailField(t('sign_in.email'), email);
      const password = passwordField(t('sign_in.password'));
      const run = async () => {
        const given = { email: address.input.value.trim(), password: password.input.value, tenant_id };
        const person = await this.#account.signIn(given);
        this.#dialogs.close();
        resolve(person);
      };
      const explain = (error) => {
        if (error.code === 'wrong_credentials') password.input.select();
        return { text: sentenceOf(error) };
      };
      const form = accountForm({
        parts: [address.node, password.node],
        fields: [address, password],
        label: t('sign_in.do'),
        busy: t('sign_in.doing'),
        run,
        explain,
      });
      this.#show(t('sign_in.title'), [
        told ? h('p', { class: 'told', role: 'status' }, told) : null,
        why ? h('p', { role: 'status' }, why) : null,
        form,
        h('p', { class: 'quiet' }, t('sign_in.forgotten')),
      ]);
      (email ? password : address).input.focus();
    });
  }

  /** Shows an invitation; resolves with who accepted it, or null for somebody who does not. */
  async invitation(route) {
    const look = async () => {
      if (route.token === null) throw CUT;
      return this.#account.look(route);
    };
    const invited = await this.#reached(look, t('invitation.title'));
    if (invited === null) return null;
    const { tenant_name, email, role, has_account } = invited;
    return new Promise((resolve) => {
      const name = has_account
        ? null
        : field(t('invitation.name'), { type: 'text', name: 'name', autocomplete: 'name', maxlength: '100', dir: 'auto' }, {
            hint: t('invitation.name_hint'),
          });
      const password = has_account ? passwordField(t('invitation.password')) : newPasswordField(t('invitation.choose_password'));
      const run = async () => {
        const given = { name: name?.input.value.trim(), password: password.input.value };
        const person = await this.#account.accept(route, given);
        this.#dialogs.close();
        resolve(person);
      };
      const explain = (error) => {
        const text = error.code === 'wrong_credentials' ? t('invitation.not_password') : sentenceOf(error);
        if (['weak_password', 'wrong_credentials'].includes(error.code)) return { text, field: password };
        return error.code === 'invalid_request' && name ? { text, field: name } : { text };
      };
      const form = accountForm({
        parts: [accountOf(email), name?.node, password.node],
        fields: [name, password].filter(Boolean),
        label: t('invitation.join'),
        busy: t('invitation.joining'),
        run,
        explain,
        also: [this.#leave(t('any.not_now'), () => (this.#dialogs.close(), resolve(null)))],
      });
      const team = h('strong', null, h('bdi', null, tenant_name ?? t('invitation.a_business')));
      this.#show(t('invitation.invited'), [
        h('p', null, nodes('invitation.to', { team, role: h('strong', null, roleName(role)), email: h('bdi', null, email) })),
        form,
        has_account ? h('p', { class: 'quiet' }, t('invitation.has_account')) : null,
      ]);
      (name ?? password).input.focus();
    });
  }

  /** Sets a new password by a link; resolves when it is set, with a sentence about it, or null when it was not. */
  newPassword({ token }) {
    if (token === null) return this.#over(t('password.new'), sentenceOf(CUT));
    return new Promise((resolve) => {
      const password = newPasswordField(t('password.new'));
      const run = async () => {
        await this.#account.newPassword(token, password.input.value);
        this.#dialogs.close();
        resolve(t('password.is_set'));
      };
      const explain = (error) => ({
        text: sentenceOf(error),
        ...(error.code === 'weak_password' && { field: password }),
      });
      const form = accountForm({
        parts: [password.node],
        fields: [password],
        label: t('password.set'),
        busy: t('password.setting'),
        run,
        explain,
        also: [this.#leave(t('any.not_now'), () => (this.#dialogs.close(), resolve(null)))],
      });
      this.#show(t('password.new'), [h('p', null, t('password.ends_all')), form]);
      password.input.focus();
    });
  }

  /** Says that somebody is in no team; resolves with who is signed in, by `look()`, when the person has looked or signed out. */
  noTeam({ user }, look) {
    return new Promise((resolve) => {
      const problem = h('p', { class: 'sheet-problem', role: 'alert' });
      const go = async (before) => {
        try {
          await before();
          const person = await look();
          this.#dialogs.close();
          resolve(person);
        } catch (error) {
          setText(problem, sentenceOf(error));
        }
      };
      const again = h('button', { type: 'button', class: 'primary', onclick: () => go(() => {}) }, t('no_team.look'));
      const out = () => go(() => this.#account.signOut());
      this.#show(t('no_team.title'), [
        h('p', null, nodes('no_team.who', { email: h('bdi', null, user.email) })),
        h('p', null, t('no_team.ask')),
        problem,
        h('p', { class: 'sheet-foot' }, this.#leave(t('menu.sign_out'), out), again),
      ]);
      again.focus();
    });
  }

  // What a page needs before it can be shown. A network that fails is asked again; a link that leads nowhere is said.
  async #reached(look, title) {
    for (;;) {
      try {
        return await look();
      } catch (error) {
        if (error.code === 'link_over' || (error.status >= 400 && error.status < 500 && error.status !== 429)) {
          await this.#over(title, sentenceOf(error));
          return null;
        }
        await this.#say(title, sentenceOf(error), t('any.try_again'));
      }
    }
  }

  async #over(title, text) {
    await this.#say(title, text, t('link.without'));
    return null;
  }

  #say(title, text, label) {
    return new Promise((resolve) => {
      const go = h('button', { type: 'button', class: 'primary', onclick: () => (this.#dialogs.close(), resolve()) }, label);
      this.#show(title, [h('p', { role: 'alert' }, text), h('p', { class: 'sheet-foot' }, go)]);
      go.focus();
    });
  }

  #leave(label, run) {
    return h('button', { type: 'button', class: 'plain', onclick: run }, label);
  }

  // Esc leads nowhere: what is behind it is not for everybody.
  #show(title, parts) {
    this.#dialogs.show(title, parts, { closable: false, kind: 'welcome', escape: () => {} });
  }
}
