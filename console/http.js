// One HTTP call to the gateway, and what comes of it.

const DEADLINE = 15_000;

/** A refusal by the gateway, or a network that did not answer (`status` 0). `wait` is how many milliseconds to wait, if known. */
export class ApiError extends Error {
  constructor(status, code, message, wait = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.wait = wait;
  }
}

/** Makes one call and gives the JSON of its answer. Without `cookies` the call neither sends nor takes any. */
export async function call(fetch, method, path, { body, headers = {}, cookies = 'omit' } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE),
      credentials: cookies,
      cache: 'no-store',
    });
  } catch {
    throw new ApiError(0, 'unreachable', '');
  }
  const text = await response.text();
  let json;
  try {
    json = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(response.status, 'not_json', '');
  }
  if (response.ok) return json;
  const { code = 'unknown', message = response.statusText, retry_after_ms: wait = null } = json.error ?? {};
  throw new ApiError(response.status, code, message, wait);
}
