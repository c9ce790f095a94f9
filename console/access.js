// By what right the page calls the gateway: the session of somebody who signed in, or the demo's key. The session is a cookie
// that no script can read; the key, and the token that goes with the session, are in this object alone, never in storage.

import { ApiError, call } from './http.js';

export class Access {
  #fetch;
  #onLost;
  #onOther;
  #key = null;
  /** Who is signed in, as `GET /v1/session` says it; null in the demo and for nobody. */
  #person = null;

  /**
   * `onLost()` is called when the session is over; `onOther()` when the browser's session is not the one that this page began
   * with any more: somebody signed in, or changed the tenant, in another tab.
   */
  constructor({ fetch, onLost, onOther }) {
    this.#fetch = fetch;
    this.#onLost = onLost;
    this.#onOther = onOther;
  }

  /** Whether calls go by a session: then the gateway knows who is the agent. */
  get isSession() {
    return this.#key === null;
  }

  /**
   * How the page begins: with `{person}`, who is null when nobody is signed in, and whether it is a demo. There a page that `isAgent`, by its
   * address, has the key instead: `{hasKey}`. A gateway of an earlier version does not say who has a session: it is asked for.
   */
  async begin({ isAgent = false } = {}) {
    const { demo: isDemo = false, has_session: hasSession = true } = await this.open('GET', '/v1/sign-up');
    if (isDemo && isAgent) {
      await this.#takeKey();
      return { hasKey: true, isDemo, person: null };
    }
    return { hasKey: false, isDemo, person: hasSession ? await this.takeSession() : null };
  }

  /** Who is signed in, or null; calls go by this session from now on. */
  async takeSession() {
    this.#person = await this.#session();
    return this.#person;
  }

  /** What the demo gives everybody who asks: its people with their password, a key, and where mails are. */
  demo() {
    return call(this.#fetch, 'GET', '/demo/session');
  }

  /** A call that asks for no rights, such as signing in. */
  open(method, path, body) {
    return this.#call(method, path, body, {});
  }

  /**
   * A call with the page's rights; `how` is `{deadline, as, signal}` of `call`; `fetch` in it goes before the page's own, and with an
   * `idempotencyKey` a call that is made again does nothing more.
   */
  async asked(method, path, body, how) {
    const request = [method, path, body, how];
    if (!this.isSession) return this.#withKey(...request);
    const begun = this.#person;
    try {
      return await this.#withSession(...request);
    } catch (error) {
      if (error.code === 'bad_origin') return this.#again(begun, error, request);
      if (error.code !== 'unauthorized') throw error;
      // Somebody signed in again while the call was on its way: it was refused for the session before.
      if (begun !== this.#person) return this.#lastly(request);
      this.#onLost();
      throw error;
    }
  }

  async #lastly(request) {
    try {
      return await this.#withSession(...request);
    } catch (error) {
      if (error.code === 'unauthorized') this.#onLost();
      throw error;
    }
  }

  // The token is not that of the cookie: another tab has opened another session. For the same person and tenant that is no
  // difference; everything else on this page would belong to somebody else.
  async #again(begun, refusal, request) {
    const now = await this.#session();
    if (now === null) {
      this.#onLost();
      throw new ApiError(401, 'unauthorized', '');
    }
    if (now.user.user_id !== begun?.user.user_id || now.tenant_id !== begun.tenant_id) {
      this.#onOther();
      throw refusal;
    }
    this.#person = now;
    return this.#lastly(request);
  }

  // A server that started anew may have made another key: then it is fetched, once.
  async #withKey(method, path, body, how) {
    const headers = () => ({ authorization: `Bearer ${this.#key}` });
    try {
      return await this.#call(method, path, body, headers(), how);
    } catch (error) {
      if (error.status !== 401) throw error;
      await this.#takeKey();
      return this.#call(method, path, body, headers(), how);
    }
  }

  // Calls that only read carry the token, too: the rows of another session's tenant are none for this page.
  #withSession(method, path, body, how) {
    const token = this.#person?.csrf_token;
    return this.#call(method, path, body, token === undefined ? {} : { 'x-csrf-token': token }, how);
  }

  async #takeKey() {
    const { api_key: key } = await this.demo();
    this.#key = key;
  }

  async #session() {
    try {
      return await this.#call('GET', '/v1/session', undefined, {});
    } catch (error) {
      if (error.status === 401) return null;
      throw error;
    }
  }

  #call(method, path, body, headers, options = {}) {
    const { fetch = this.#fetch, idempotencyKey, ...how } = /** @type {any} */ (options);
    const sent = idempotencyKey === undefined ? headers : { ...headers, 'idempotency-key': idempotencyKey };
    return call(fetch, method, path, { ...how, body, headers: sent, cookies: this.isSession ? 'same-origin' : 'omit' });
  }
}
