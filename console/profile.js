// One's own account: what is known of the person, the second factor, what happened to it, and its end. No DOM in here.

import { LONG } from './http.js';

/** What is told once, or reads everything of somebody, is waited for longer. */
const PATIENT = { deadline: LONG };

export class Profile {
  #access;

  constructor(access) {
    this.#access = access;
  }

  /** What is known of the person. */
  read() {
    return this.#access.asked('GET', '/v1/profile');
  }

  /** Corrects it: `{name, phone}`. */
  correct(change) {
    return this.#access.asked('PUT', '/v1/profile', change);
  }

  /** Asks for another e-mail address: a mail with a link goes to it. */
  changeEmail(email, password, code) {
    return this.#access.asked('PUT', '/v1/profile/email', { email, password, code });
  }

  /** Everything that is kept of the person. */
  export() {
    return this.#access.asked('GET', '/v1/profile/export', undefined, PATIENT);
  }

  /** Erases the account. */
  close(password, code) {
    return this.#access.asked('DELETE', '/v1/profile', { password, code }, PATIENT);
  }

  /** A page of the attempts to sign in, the latest first. */
  signIns(after) {
    return this.#access.asked('GET', `/v1/sign-ins${after ? `?after=${encodeURIComponent(after)}` : ''}`);
  }

  /** The businesses whose identity provider signs one in: `{issuer, connections}`; `issuer` is that of the business one works for. */
  connections() {
    return this.#access.asked('GET', '/v1/session/provider');
  }

  /** Begins to connect an account of the provider's: `{url}` is where the browser goes. */
  connect(password, code) {
    return this.#access.asked('POST', '/v1/session/provider', { password, code });
  }

  /** Lets the provider of a business sign one in no more. */
  disconnect(tenant_id) {
    return this.#access.asked('DELETE', '/v1/session/provider', { tenant_id });
  }

  /** Begins a second factor: gives its secret, also as a picture. It is on only once a code has shown that it works. */
  beginFactor(password) {
    return this.#access.asked('POST', '/v1/session/second-factor', { password });
  }

  /** Turns it on by a code of it, and gives the recovery codes. */
  async confirmFactor(code) {
    return (await this.#access.asked('PUT', '/v1/session/second-factor', { code }, PATIENT)).recovery_codes;
  }

  /** Turns it off. */
  endFactor(password, code) {
    return this.#access.asked('DELETE', '/v1/session/second-factor', { password, code });
  }

  /** New recovery codes in the place of those before. */
  async newCodes(password, code) {
    return (await this.#access.asked('POST', '/v1/session/recovery-codes', { password, code }, PATIENT)).recovery_codes;
  }
}
