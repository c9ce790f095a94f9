// Times as people read them. Pure: the present is always passed in, as milliseconds since 1970.

import { dateTime, relative, t } from './language.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WINDOW = 24 * HOUR;

/** The hour and minute: "14:05". */
export function clock(at) {
  return dateTime(at, { timeStyle: 'short' });
}

/** Day, hour, minute, second: for the details of a message. */
export function exact(at) {
  return dateTime(at, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** A day: "30 Nov 2026". */
export function day(at) {
  return dateTime(at, { dateStyle: 'medium' });
}

/** Whole days between two moments, counted in the reader's calendar. */
function daysBetween(at, now) {
  const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(at)) / DAY);
}

/** The name of a day, for the line between two days. */
export function dayName(at, now) {
  const days = daysBetween(at, now);
  if (days === 0 || days === 1) return capital(relative(-days, 'day'));
  if (days > 1 && days < 7) return dateTime(at, { weekday: 'long' });
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear
    ? dateTime(at, { weekday: 'long', day: 'numeric', month: 'long' })
    : dateTime(at, { day: 'numeric', month: 'long', year: 'numeric' });
}

// A line of its own begins like a sentence, which the languages write each in its own way.
function capital(text) {
  return `${text[0].toLocaleUpperCase()}${text.slice(1)}`;
}

/** A key that is the same for all moments of one day. */
export function dayKey(at) {
  return new Date(at).toDateString();
}

/** How long ago, short enough for a list row. */
export function ago(at, now) {
  const passed = now - at;
  if (passed < MINUTE) return t('time.now');
  if (passed < HOUR) return t('time.minutes', { minutes: Math.floor(passed / MINUTE) });
  const days = daysBetween(at, now);
  if (days === 0) return clock(at);
  if (days === 1) return capital(relative(-1, 'day'));
  if (days < 7) return dateTime(at, { weekday: 'short' });
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return dateTime(at, { day: 'numeric', month: 'short', ...(!isThisYear && { year: 'numeric' }) });
}

/** How long ago, in words: "4 s ago"; on which day, where that is another one. */
export function agoInWords(at, now) {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 1) return t('time.just_now');
  if (seconds < 60) return t('time.seconds_ago', { seconds });
  if (seconds < 3600) return t('time.minutes_ago', { minutes: Math.floor(seconds / 60) });
  return moment(at, now);
}

/** A moment of today by its time, and any other by its day, too. Unlike a distance it stays as it is while it is read out. */
export function moment(at, now) {
  return daysBetween(at, now) === 0 ? t('time.at', { when: clock(at) }) : t('time.on', { when: exact(at) });
}

/** A span until something happens: "4 s", "12 min", or the clock time when it is further off. */
export function until(at, now) {
  const left = at - now;
  if (left <= 0) return t('time.now');
  if (left < MINUTE) return t('time.in_seconds', { seconds: Math.ceil(left / 1000) });
  if (left < HOUR) return t('time.in_minutes', { minutes: Math.ceil(left / MINUTE) });
  return moment(at, now);
}

/**
 * The 24 hours after the customer's last message, in which WhatsApp takes free-form messages.
 * `tone` is `wide` above six hours, `narrow` below, `last` in the last one, `closed` after it.
 */
export function serviceWindow(lastInbound, now, group) {
  if (group) return { open: true, left: Infinity, tone: 'wide', text: '' };
  const left = lastInbound === undefined ? 0 : lastInbound + WINDOW - now;
  if (left <= 0) return { open: false, left: 0, tone: 'closed', text: t('window.closed') };
  const tone = left > 6 * HOUR ? 'wide' : left > HOUR ? 'narrow' : 'last';
  const text =
    left >= HOUR
      ? t('window.hours', { hours: Math.floor(left / HOUR) })
      : t('window.minutes', { minutes: Math.max(1, Math.floor(left / MINUTE)) });
  return { open: true, left, tone, text };
}
