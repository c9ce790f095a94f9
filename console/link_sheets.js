// The sheets that links from mails and colleagues open: an invitation, a new password, a new e-mail address.

import { roleName, sentenceOf } from './account.js';
import { h } from './dom.js';
import { accountForm, accountOf, checkField, codeField, field, newPasswordField, passwordField } from './fields.js';
import { leave } from './gate.js';
import { nodes, t } from './language.js';
import { anchor } from './words.js';

export class LinkSheets {
  #gate;
  #account;

  constructor({ gate, account }) {
    this.#gate = gate;
    this.#account = account;
  }

  /** Shows an invitation; resolves with who accepted it, or null for somebody who does not. */
  async invitation(route) {
    const invited = await this.#gate.reached(route.token, () => this.#account.look(route), t('invitation.title'));
    if (invited === null) return null;
    const { tenant_name, email, role, has_account } = invited;
    const rules = has_account ? null : await this.#gate.reached(route.token, () => this.#account.signUpRules(), t('invitation.title'));
    if (!has_account && rules === null) return null;
    return new Promise((resolve) => {
      const name = has_account
        ? null
        : field(t('invitation.name'), { type: 'text', name: 'name', autocomplete: 'name', maxlength: '100', dir: 'auto' }, {
            hint: t('invitation.name_hint'),
          });
      const password = has_account ? passwordField(t('invitation.password')) : newPasswordField(t('invitation.choose_password'));
      const policy = rules?.policy ?? null;
      const ofAge = rules ? checkField(t('sign_up.of_age', { age: rules.least_age })) : null;
      const agrees = policy ? checkField(nodes('sign_up.agrees', { link: anchor(policy.url, t('policy.link')) })) : null;
      // Asked for only once the gateway says that this account has a second step.
      const code = codeField(t('code.label'), t('code.hint'));
      code.node.hidden = true;
      code.input.required = false;
      const run = async () => {
        const newcomer = name && {
          name: name.input.value.trim(),
          is_of_age: ofAge.input.checked,
          ...(policy && { policy_version: policy.version }),
        };
        const given = { newcomer, password: password.input.value, code: code.input.value.trim() };
        const person = await this.#account.accept(route, given);
        this.#gate.close();
        resolve(person);
      };
      const explain = (error) => {
        if (['second_factor_required', 'wrong_code'].includes(error.code)) {
          code.node.hidden = false;
          return { text: sentenceOf(error), field: code };
        }
        const text = error.code === 'wrong_credentials' ? t('invitation.not_password') : sentenceOf(error);
        if (['weak_password', 'wrong_credentials'].includes(error.code)) return { text, field: password };
        return error.code === 'invalid_request' && name ? { text, field: name } : { text };
      };
      const form = accountForm({
        parts: [accountOf(email), name?.node, password.node, code.node, ofAge?.node, agrees?.node],
        fields: [name, code, password, ofAge, agrees].filter(Boolean),
        label: t('invitation.join'),
        busy: t('invitation.joining'),
        run,
        explain,
        also: [leave(t('any.not_now'), () => (this.#gate.close(), resolve(null)))],
      });
      const team = h('strong', null, h('bdi', null, tenant_name ?? t('invitation.a_business')));
      this.#gate.show(t('invitation.invited'), [
        h('p', null, nodes('invitation.to', { team, role: h('strong', null, roleName(role)), email: h('bdi', null, email) })),
        form,
        has_account ? h('p', { class: 'quiet' }, t('invitation.has_account')) : null,
        rules?.privacy_contact
          ? h('p', { class: 'quiet' }, nodes('sign_up.contact', { contact: h('bdi', null, rules.privacy_contact) }))
          : null,
      ]);
      (name ?? password).input.focus();
    });
  }

  /** Sets a new password by a link; resolves when it is set, with a sentence about it, or null when it was not. */
  async newPassword({ token }) {
    if ((await this.#gate.reached(token, () => true, t('password.new'))) === null) return null;
    return new Promise((resolve) => {
      const password = newPasswordField(t('password.new'));
      const run = async () => {
        await this.#account.newPassword(token, password.input.value);
        this.#gate.close();
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
        also: [leave(t('any.not_now'), () => (this.#gate.close(), resolve(null)))],
      });
      this.#gate.show(t('password.new'), [h('p', null, t('password.ends_all')), form]);
      password.input.focus();
    });
  }

  /**
   * Confirms a new e-mail address by a link; resolves with a sentence about it, or null when it was not. It is asked first: some
   * mail programs follow links by themselves.
   */
  async email({ token }) {
    if ((await this.#gate.reached(token, () => true, t('email.confirm_title'))) === null) return null;
    return new Promise((resolve) => {
      const form = accountForm({
        parts: [h('p', null, t('email.confirm_about'))],
        fields: [],
        label: t('email.confirm'),
        busy: t('email.confirming'),
        run: async () => {
          const { email } = await this.#account.confirmEmail(token);
          this.#gate.close();
          resolve(t('email.is', { email }));
        },
        explain: (error) => ({ text: sentenceOf(error) }),
        also: [leave(t('any.not_now'), () => (this.#gate.close(), resolve(null)))],
      });
      this.#gate.show(t('email.confirm_title'), form);
      form.querySelector('.primary').focus();
    });
  }
}
