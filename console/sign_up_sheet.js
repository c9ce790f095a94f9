// The sheets of signing up: the form, "look into your mail", and the password that completes it.

import { sentenceOf } from './account.js';
import { h } from './dom.js';
import { accountForm, accountOf, checkField, emailField, field, newPasswordField } from './fields.js';
import { leave } from './gate.js';
import { nodes, t } from './language.js';
import { anchor } from './words.js';

/** A gateway of an earlier version does not know the call. */
function notOffered(error) {
  if (error.status === 404) return { mode: 'absent' };
  throw error;
}

export class SignUpSheet {
  #gate;
  #account;
  #rules = null;
  /** What a demo says of itself; null elsewhere. */
  demo = null;

  constructor({ gate, account }) {
    this.#gate = gate;
    this.#account = account;
  }

  /** Whether anybody may sign up. A gateway that does not say so is closed. */
  async isOpenToAll() {
    this.#rules ??= this.#account.signUpRules().catch(() => {
      this.#rules = null;
      return { mode: 'closed' };
    });
    return (await this.#rules).mode === 'open';
  }

  /** Asks who somebody is; resolves when a mail is on its way, or the person goes back. `token` is that of an invitation. */
  async write({ token: invitation }) {
    const rules = await this.#gate.reached(invitation, () => this.#account.signUpRules().catch(notOffered), t('sign_up.title'));
    if (rules === null) return undefined;
    if (rules.mode === 'absent') return this.#gate.say(t('sign_up.title'), t('page.not_there'), t('mail.back'), 'status');
    const isLetIn = rules.mode === 'open' || (rules.mode === 'invitation' && invitation);
    if (!isLetIn) return this.#gate.say(t('sign_up.title'), t(`sign_up.${rules.mode}`), t('mail.back'), 'status');
    return new Promise((resolve) => this.#form({ rules, invitation, resolve }));
  }

  #form({ rules: { policy, least_age: age, privacy_contact: contact }, invitation, resolve }) {
    const text = (label, properties, hint) => field(label, { type: 'text', maxlength: '100', dir: 'auto', ...properties }, { hint });
    const name = text(t('invitation.name'), { name: 'name', autocomplete: 'name' }, t('invitation.name_hint'));
    const address = emailField(t('sign_in.email'));
    const phone = text(t('profile.phone'), { type: 'tel', name: 'phone', autocomplete: 'tel', maxlength: '20', dir: 'ltr' }, t('sign_up.phone_hint'));
    const business = text(t('sign_up.business'), { name: 'business', autocomplete: 'organization' });
    const ofAge = checkField(t('sign_up.of_age', { age }));
    const agrees = policy ? checkField(nodes('sign_up.agrees', { link: anchor(policy.url, t('policy.link')) })) : null;
    const fields = [name, address, phone, business, ofAge, agrees].filter(Boolean);
    const run = async () => {
      const given = {
        name: name.input.value.trim(),
        email: address.input.value.trim(),
        phone: phone.input.value.trim(),
        business: business.input.value.trim(),
        is_of_age: ofAge.input.checked,
        ...(policy && { policy_version: policy.version }),
        ...(invitation && { invitation }),
      };
      await this.#account.signUp(given);
      const sent = nodes('sign_up.sent', { email: h('bdi', null, given.email) });
      const where = this.demo?.mails ? [' ', ...nodes('demo.mails', { folder: h('bdi', null, this.demo.mails) })] : [];
      resolve(this.#gate.say(t('mail.look'), [...sent, ...where], t('mail.back'), 'status'));
    };
    const form = accountForm({
      parts: fields.map((one) => one.node),
      fields,
      label: t('sign_up.do'),
      busy: t('sign_up.doing'),
      run,
      explain: (error) => ({ text: sentenceOf(error) }),
      also: [leave(t('any.back'), () => resolve())],
    });
    this.#gate.show(t('sign_up.title'), [
      h('p', { class: 'quiet' }, t('sign_up.about')),
      form,
      contact ? h('p', { class: 'quiet' }, nodes('sign_up.contact', { contact: h('bdi', null, contact) })) : null,
    ]);
    name.input.focus();
  }

  /** Completes it by the link of the mail; resolves with who is signed in, or null for somebody who does not. */
  async complete({ token }) {
    const begun = await this.#gate.reached(token, () => this.#account.lookSignUp(token), t('sign_up.title'));
    if (begun === null) return null;
    const { name, email, business } = begun;
    return new Promise((resolve) => {
      const password = newPasswordField(t('invitation.choose_password'));
      const form = accountForm({
        parts: [accountOf(email), password.node],
        fields: [password],
        label: t('sign_up.complete'),
        busy: t('sign_up.completing'),
        run: async () => {
          const person = await this.#account.completeSignUp(token, password.input.value);
          this.#gate.close();
          resolve(person);
        },
        explain: (error) => ({ text: sentenceOf(error), ...(error.code === 'weak_password' && { field: password }) }),
        also: [leave(t('any.not_now'), () => (this.#gate.close(), resolve(null)))],
      });
      const who = nodes('sign_up.welcome', {
        name: h('bdi', null, name),
        business: h('strong', null, h('bdi', null, business)),
        email: h('bdi', null, email),
      });
      this.#gate.show(t('sign_up.almost'), [h('p', null, who), form]);
      password.input.focus();
    });
  }
}
