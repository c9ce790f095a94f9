// By what right an operator calls the gateway: a token, which is in this object alone, never in storage and never in an address. No DOM in here.

import { ApiError, call } from './http.js';

const DEADLINE = 15_000;
/** An operator's own token tells by its id whose it is; the one of the settings has no such form. */
const OWN_TOKEN = /^mj_op_([0-9A-Za-z]+)_/;
/** What a header can carry. */
const SENDABLE = /^[\x21-\x7e]+$/;

export class OperatorAccess {
  #fetch;
  #onLost;
  #token = null;

  /** `onLost()` is called when the token is not taken any more. */
  constructor({ fetch, onLost }) {
    this.#fetch = fetch;
    this.#onLost = onLost;
  }

  /** Takes a token, once the gateway does; gives `{id, name, role}`, id and name null for the token of the settings. */
  async signIn(token) {
    if (!SENDABLE.test(token)) throw new ApiError(401, 'unauthorized', '');
    const { operators } = await this.#with(token, 'GET', '/v1/admin/operators');
    this.#token = token;
    const id = OWN_TOKEN.exec(token)?.[1] ?? null;
    const own = operators.find((one) => one.operator_id === id);
    return { id: own?.operator_id ?? null, name: own?.name ?? null, role: id === null ? 'admin' : (own?.role ?? 'viewer') };
  }

  /** A call with the token; `how` is `{deadline, as}` of `call`. */
  async ask(method, path, body, how) {
    try {
      return await this.#with(this.#token, method, path, body, how);
    } catch (error) {
      if (error.status === 401) this.#onLost();
      throw error;
    }
  }

  /** What the gateway says of itself: `{ready, metrics}`, which it says to everybody at the operators' address. */
  async health() {
    const [ready, metrics] = await Promise.all([this.#open('/readyz'), this.#open('/metrics')]);
    // A gateway that is not ready says why, with 503.
    if (!metrics.ok) throw new ApiError(metrics.status, 'no_metrics', '');
    return { ready: JSON.parse(ready.text), metrics: metrics.text };
  }

  async #open(path) {
    try {
      const response = await this.#fetch(path, { signal: AbortSignal.timeout(DEADLINE), credentials: 'omit', cache: 'no-store' });
      return { ok: response.ok, status: response.status, text: await response.text() };
    } catch {
      throw new ApiError(0, 'unreachable', '');
    }
  }

  #with(token, method, path, body, how) {
    return call(this.#fetch, method, path, { ...how, body, headers: { authorization: `Bearer ${token}` } });
  }
}
