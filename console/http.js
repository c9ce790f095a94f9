// One HTTP call to the gateway, and what comes of it.

const DEADLINE = 15_000;
/** For what the gateway asks Meta for, which takes up to half a minute a question, or reads and writes much for. */
export const LONG = 75_000;

/**
 * A refusal by the gateway, or a network that did not answer (`status` 0: `unreachable`, or `no_answer` where the call may have done
 * what it asks for). `wait` is how many milliseconds to wait, if known; `more` is what the refusal says beside that.
 */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   * @param {number | null} [wait]
   * @param {Record<string, any>} [more]
   */
  constructor(status, code, message, wait = null, more = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.wait = wait;
    this.more = more;
  }
}

/**
 * Makes one call and gives the JSON of its answer, or the answer itself as a `Blob` when it is asked for `as` one. A `body` that is a
 * `Blob` is sent as it is, anything else as JSON. Without `cookies` the call neither sends nor takes any; `signal` ends it before its deadline.
 *
 * @param {typeof globalThis.fetch} fetch
 * @param {string} method
 * @param {string} path
 * @param {{body?: unknown, headers?: Record<string, string>, cookies?: RequestCredentials, deadline?: number, as?: 'json' | 'blob', signal?: AbortSignal}} [how]
 * @returns {Promise<any>}
 */
export async function call(fetch, method, path, { body, headers = {}, cookies = 'omit', deadline = DEADLINE, as = 'json', signal } = {}) {
  const isRaw = typeof Blob !== 'undefined' && body instanceof Blob;
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': isRaw ? body.type || 'application/octet-stream' : 'application/json' },
      body: isRaw ? /** @type {Blob} */ (body) : body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, AbortSignal.timeout(deadline)]) : AbortSignal.timeout(deadline),
      credentials: cookies,
      cache: 'no-store',
    });
    if (response.ok && as === 'blob') return await response.blob();
    text = await response.text();
  } catch (error) {
    const mayBeDone = method !== 'GET' && (response?.ok === true || error.name === 'TimeoutError');
    throw new ApiError(0, mayBeDone ? 'no_answer' : 'unreachable', '');
  }
  let json;
  try {
    json = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(response.status, 'not_json', '');
  }
  if (response.ok) return json;
  const { code = 'unknown', message = response.statusText, retry_after_ms: wait = null, ...more } = json.error ?? {};
  throw new ApiError(response.status, code, message, wait, more);
}
