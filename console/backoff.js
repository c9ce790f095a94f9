// When to come back after a connection was lost, and whether to come back at all. Pure.

const SHORTEST = 500;
const LONGEST = 30_000;

/** Full jitter: anywhere between at once and the cap, which doubles with every failure in a row from 0.5 s to 30 s. */
export function backoff(failures, random) {
  const cap = Math.min(LONGEST, SHORTEST * 2 ** Math.min(failures, 10));
  return Math.round(random() * cap);
}

/** What each close code of the gateway asks for: see docs/api.md, "Close codes". */
const CLOSINGS = {
  1000: { stop: true, why: 'closing.closed' },
  1009: { stop: true, why: 'closing.too_large' },
  4400: { stop: true, why: 'closing.misunderstood' },
  4409: { stop: true, why: 'closing.too_many' },
  4429: { wait: 5_000 },
};

/**
 * What to do after a close: `{stop, why}` with the key of a text, or `{wait}` milliseconds. A `reconnect` frame's own time goes before ours.
 */
export function afterClose(code, { failures, told, random }) {
  const closing = CLOSINGS[code];
  if (closing?.stop) return closing;
  if (told !== undefined) return { wait: told };
  const jitter = backoff(failures, random);
  return { wait: (closing?.wait ?? 0) + jitter };
}
