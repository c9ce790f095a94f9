// How far an outbound message has come: times merged by rank, never by arrival.
//
// The same rule as the gateway's: every time is kept at its earliest value and the state shown is computed from all of
// them. So statuses may come twice, late or in any order, over the socket or by REST, and the ticks never go backwards.

const STATES = ['claimed', 'unknown', 'held', 'sent', 'delivered', 'read', 'played', 'failed', 'expired', 'cancelled'];

// The state to show is the first of these that was reached: failure counts only while nothing proves delivery.
const BY_STRENGTH = [
  'played',
  'read',
  'delivered',
  'failed',
  'sent',
  'held',
  'expired',
  'cancelled',
  'unknown',
  'claimed',
];

/** The state that a set of times amounts to; `queued` when nothing was reached. */
export function stateOf(times) {
  return BY_STRENGTH.find((state) => times[state] !== undefined) ?? 'queued';
}

/** Joins two sets of times. Commutative, associative, idempotent. */
export function mergeTimes(one = {}, other = {}) {
  const times = {};
  for (const state of STATES) {
    const known = [one[state], other[state]].filter((time) => typeof time === 'number');
    if (known.length > 0) times[state] = Math.min(...known);
  }
  return times;
}

/** Joins what is known of a delivery with what a status event or a REST answer says about it. */
export function mergeDelivery(known, news) {
  const times = mergeTimes(known?.times, news.times);
  const state = stateOf(times);
  const merged = { ...known, ...news, times, state };
  merged.attempts = Math.max(known?.attempts ?? 0, news.attempts ?? 0);
  // When it is tried again is true for the newest report alone.
  if (news.due === undefined) delete merged.due;
  // An older report may come after the newer one that cleared its error.
  if (isProvenSent(state)) delete merged.error;
  return merged;
}

/** Whether Meta is known to have taken it, and no failure is. */
export function isProvenSent(state) {
  return state === 'sent' || state === 'delivered' || state === 'read' || state === 'played';
}

/** Whether nothing more will happen to it by itself, except a better status for a sent one. */
export function isSettled(state) {
  return !['queued', 'claimed', 'unknown', 'held'].includes(state);
}
