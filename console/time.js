// Times as people read them. Pure: the present is always passed in, as milliseconds since 1970.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WINDOW = 24 * HOUR;

const formats = new Map();

function format(name, options) {
  if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat(undefined, options));
  return formats.get(name);
}

/** The hour and minute: "14:05". */
export function clock(at) {
  return format('clock', { hour: '2-digit', minute: '2-digit' }).format(at);
}

/** Day, hour, minute, second: for the details of a message. */
export function exact(at) {
  return format('exact', { dateStyle: 'medium', timeStyle: 'medium' }).format(at);
}

/** Whole days between two moments, counted in the reader's calendar. */
function daysBetween(at, now) {
  const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(at)) / DAY);
}

/** The name of a day, for the line between two days. */
export function dayName(at, now) {
  const days = daysBetween(at, now);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return format('weekday', { weekday: 'long' }).format(at);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear
    ? format('date', { weekday: 'long', day: 'numeric', month: 'long' }).format(at)
    : format('dated', { day: 'numeric', month: 'long', year: 'numeric' }).format(at);
}

/** A key that is the same for all moments of one day. */
export function dayKey(at) {
  return new Date(at).toDateString();
}

/** How long ago, short enough for a list row. */
export function ago(at, now) {
  const passed = now - at;
  if (passed < MINUTE) return 'now';
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min`;
  const days = daysBetween(at, now);
  if (days === 0) return clock(at);
  if (days === 1) return 'Yesterday';
  if (days < 7) return format('weekdayShort', { weekday: 'short' }).format(at);
  return format('short', { day: 'numeric', month: 'short' }).format(at);
}

/** How long ago, in words: "4 s ago". */
export function agoInWords(at, now) {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 1) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `at ${clock(at)}`;
}

/** A span until something happens: "4 s", "12 min", or the clock time when it is further off. */
export function until(at, now) {
  const left = at - now;
  if (left <= 0) return 'now';
  if (left < MINUTE) return `in ${Math.ceil(left / 1000)} s`;
  if (left < HOUR) return `in ${Math.ceil(left / MINUTE)} min`;
  return `at ${daysBetween(now, at) === 0 ? clock(at) : exact(at)}`;
}

/**
 * The 24 hours after the customer's last message, in which WhatsApp takes free-form messages.
 * `tone` is `wide` above six hours, `narrow` below, `last` in the last one, `closed` after it.
 */
export function serviceWindow(lastInbound, now, group) {
  if (group) return { open: true, left: Infinity, tone: 'wide', text: '' };
  const left = lastInbound === undefined ? 0 : lastInbound + WINDOW - now;
  if (left <= 0) return { open: false, left: 0, tone: 'closed', text: 'Window closed' };
  const tone = left > 6 * HOUR ? 'wide' : left > HOUR ? 'narrow' : 'last';
  const text =
    left >= HOUR ? `${Math.floor(left / HOUR)} h left` : `${Math.max(1, Math.floor(left / MINUTE))} min left`;
  return { open: true, left, tone, text };
}
