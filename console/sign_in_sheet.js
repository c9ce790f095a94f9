// The sheets of signing in: the account, the second step, a forgotten password, a policy that is due, and no team to work for.

import { companyAddress, sentenceOf } from './account.js';
import { h, setText } from './dom.js';
import { accountForm, accountOf, codeField, emailField, field, passwordField } from './fields.js';
import { leave } from './gate.js';
import { nodes, t } from './language.js';
import { anchor } from './words.js';

// Another page of the same address: it begins anew.
const toOperators = () => {
  location.hash = '#/operator';
  location.reload();
};

export class SignInSheet {
  #gate;
  #account;
  #signUp;
  #goTo;
  /** What a demo says of itself; null elsewhere. */
  demo = null;

  /** `signUp` has the sheet of somebody who has no account; `goTo(address)` leads the browser away from the page. */
  constructor({ gate, account, signUp, goTo }) {
    this.#gate = gate;
    this.#account = account;
    this.#signUp = signUp;
    this.#goTo = goTo;
  }

  /** Whether a sheet is shown. */
  get isOpen() {
    return this.#gate.isOpen;
  }

  /**
   * Asks for the account; resolves with who signed in. `why` says why it asks; `email` and `tenant_id` are those of somebody
   * who was here before; `told` is good news.
   */
  async signIn({ why = '', told = '', email = '', tenant_id = null } = {}) {
    let known = email;
    let news = told;
    let isOwn = this.demo === null;
    for (;;) {
      const asked = isOwn ? this.#ask({ why, told: news, email: known, tenant_id }) : this.#askInDemo({ why, told: news });
      const { person, given, to, email: written = '' } = await asked;
      if (person) return person;
      known = written;
      isOwn = this.demo === null || to !== 'sign_up';
      news = '';
      if (to === 'company') await this.company(tenant_id);
      else if (to === 'forgotten') await this.#forgotten(written);
      else if (to === 'sign_up') await this.#signUp.write({});
      else if (given) {
        const signedIn = await this.#secondStep(given);
        if (signedIn) return signedIn;
      }
    }
  }

  /** Asks whether messages that are not sent yet may be thrown away by signing out. */
  mayThrowAway(count) {
    return this.#gate.ask(t('menu.sign_out'), t('menu.waiting', { count }), { no: t('menu.stay'), yes: t('menu.sign_out') });
  }

  /** Says what failed; resolves when it is to be tried again. */
  failed(error) {
    return this.#gate.say(t('sign_in.title'), sentenceOf(error), t('any.try_again'));
  }

  async #askInDemo(how) {
    const { askInDemo } = await import('./demo_sheet.js');
    return askInDemo({ gate: this.#gate, account: this.#account, demo: this.demo, ...how });
  }

  #ask({ why, told, email, tenant_id }) {
    return new Promise((resolve) => {
      const address = emailField(t('sign_in.email'), email);
      const password = passwordField(t('sign_in.password'));
      const run = async () => {
        const given = { email: address.input.value.trim(), password: password.input.value, tenant_id };
        try {
          const person = await this.#account.signIn(given);
          this.#gate.close();
          resolve({ person });
        } catch (error) {
          if (error.code !== 'second_factor_required') throw error;
          resolve({ given, email: given.email });
        }
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
      const go = (to) => () => resolve({ to, email: address.input.value.trim() });
      const join = leave(t('sign_up.title'), go('sign_up'));
      join.hidden = true;
      this.#signUp.isOpenToAll().then((isOpen) => (join.hidden = !isOpen));
      this.#gate.show(t('sign_in.title'), [
        told ? h('p', { class: 'told', role: 'status' }, told) : null,
        why ? h('p', { role: 'status' }, why) : null,
        form,
        h('p', { class: 'sheet-ways' }, leave(t('forgotten.ask'), go('forgotten')), leave(t('company.title'), go('company')), join, leave(t('sign_in.operators'), toOperators)),
      ]);
      (email ? password : address).input.focus();
    });
  }

  // The right password is known; resolves with who signed in, or null for somebody who goes back.
  #secondStep(given) {
    return new Promise((resolve) => {
      const code = codeField(t('code.label'), t('code.hint'));
      const run = async () => {
        const person = await this.#account.signIn({ ...given, code: code.input.value.trim() });
        this.#gate.close();
        resolve(person);
      };
      const form = accountForm({
        parts: [accountOf(given.email), code.node],
        fields: [code],
        label: t('sign_in.do'),
        busy: t('sign_in.doing'),
        run,
        explain: (error) => ({ text: sentenceOf(error), ...(error.code === 'wrong_code' && { field: code }) }),
        also: [leave(t('any.back'), () => resolve(null))],
      });
      this.#gate.show(t('code.title'), [h('p', null, t('code.about')), form]);
      code.input.focus();
    });
  }

  /**
   * Leads to the identity provider of a business, which is asked for unless it is known. Resolves for somebody who would rather use a
   * password: else the page is left.
   */
  company(tenant_id) {
    return new Promise((resolve) => {
      const business = field(
        t('company.id'),
        { type: 'text', name: 'business', value: tenant_id ?? '', pattern: '\\s*[0-9a-fA-F]{1,32}\\s*', autocapitalize: 'none', autocomplete: 'off', spellcheck: 'false', maxlength: '64', dir: 'ltr' },
        { hint: t('company.id_hint') },
      );
      business.node.hidden = tenant_id !== null;
      const form = accountForm({
        parts: [business.node],
        fields: [business],
        label: t('company.do'),
        busy: t('any.moment'),
        run: async () => this.#goTo(companyAddress(business.input.value.trim().toLowerCase())),
        explain: (error) => ({ text: sentenceOf(error) }),
        also: [leave(t('company.password'), () => resolve())],
      });
      this.#gate.show(t('company.title'), [h('p', null, t('company.about')), form]);
      (tenant_id === null ? business.input : form.querySelector('.primary')).focus();
    });
  }

  // A link to a new password is sent, whether there is such an account or not: nobody learns here who has one.
  #forgotten(email) {
    return new Promise((resolve) => {
      const address = emailField(t('sign_in.email'), email);
      const run = async () => {
        const to = address.input.value.trim();
        await this.#account.forgotten(to);
        resolve(this.#gate.say(t('mail.look'), nodes('forgotten.sent', { email: h('bdi', null, to) }), t('mail.back'), 'status'));
      };
      const form = accountForm({
        parts: [address.node],
        fields: [address],
        label: t('forgotten.do'),
        busy: t('forgotten.doing'),
        run,
        explain: (error) => ({ text: error.status === 404 ? t('forgotten.no_mail') : sentenceOf(error) }),
        also: [leave(t('any.back'), () => resolve())],
      });
      this.#gate.show(t('forgotten.title'), [h('p', null, t('forgotten.about')), form]);
      address.input.focus();
    });
  }

  /** Asks for consent to a policy that is new; resolves when it is given, or put off. */
  policy({ version, url }) {
    return new Promise((resolve) => {
      const later = leave(t('any.not_now'), () => (this.#gate.close(), resolve()));
      const form = accountForm({
        parts: [h('p', null, nodes('policy.changed', { link: anchor(url, t('policy.link')) }))],
        fields: [],
        label: t('policy.accept'),
        busy: t('any.saving'),
        run: async () => {
          await this.#account.acceptPolicy(version);
          this.#gate.close();
          resolve();
        },
        explain: (error) => ({ text: sentenceOf(error) }),
        also: [later],
      });
      this.#gate.show(t('policy.title'), form);
      later.focus();
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
          this.#gate.close();
          resolve(person);
        } catch (error) {
          setText(problem, sentenceOf(error));
        }
      };
      const again = h('button', { type: 'button', class: 'primary', onclick: () => go(() => {}) }, t('no_team.look'));
      const out = () => go(() => this.#account.signOut());
      this.#gate.show(t('no_team.title'), [
        h('p', null, nodes('no_team.who', { email: h('bdi', null, user.email) })),
        h('p', null, t('no_team.ask')),
        problem,
        h('p', { class: 'sheet-foot' }, leave(t('menu.sign_out'), out), again),
      ]);
      again.focus();
    });
  }
}
