// Broadcasts: how one stands, in numbers and in words. No DOM in here.

import { has, number, t } from './language.js';
import { sentenceFor } from './meta_errors.js';

/** What recipients come to, those that went best first. */
export const OUTCOMES = ['read', 'delivered', 'sent', 'held', 'queued', 'planned', 'unknown', 'failed', 'expired', 'cancelled', 'erased', 'suppressed'];

/** Where nothing happens any more by itself but what customers' phones tell. */
export const isOver = ({ state }) => state === 'done' || state === 'cancelled';

/** Whether it is written yet: it goes nowhere before somebody launches it. */
export const isWritten = ({ state }) => ['draft', 'planning', 'ready'].includes(state);

/** What can be done with one where it stands. */
export function doesOf({ state, counts, retried_by: retried }) {
  const does = {
    draft: ['remove'],
    planning: ['cancel'],
    ready: ['remove'],
    scheduled: ['cancel'],
    running: ['pause', 'cancel'],
    paused: ['resume', 'cancel'],
  };
  const mayRetry = (state === 'done' || state === 'cancelled') && (counts?.outcomes?.failed ?? 0) > 0 && !retried;
  return does[state] ?? (mayRetry ? ['retry', 'remove'] : ['remove']);
}

const sumOf = (counts = {}) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** The same broadcast with what an event of kind `broadcast` tells of it. */
export function withEvent(broadcast, { counts }) {
  const messages = counts.submitted - sumOf(counts.suppressed);
  const left = Math.max(0, (broadcast.plan?.recipients ?? 0) - counts.submitted) + (counts.outcomes.queued ?? 0);
  return { ...broadcast, counts: { ...broadcast.counts, ...counts, messages, left } };
}

/** How many recipients came to what: `[outcome, count]`, in the order of `OUTCOMES`, without those that none came to. */
export function countsOf(broadcast) {
  const { plan, counts } = broadcast;
  if (!plan) return [];
  const found = { ...counts?.outcomes };
  const waiting = plan.recipients - (counts?.submitted ?? 0);
  // Of one that is done everybody had a turn: what is not known of any more was kept for its time.
  const rest = { cancelled: 'cancelled', done: 'erased' }[broadcast.state] ?? 'planned';
  found[rest] = (found[rest] ?? 0) + Math.max(0, waiting);
  found.suppressed = plan.total - plan.recipients + sumOf(counts?.suppressed);
  return OUTCOMES.filter((outcome) => found[outcome] > 0).map((outcome) => [outcome, found[outcome]]);
}

/**
 * How far messages came, each step with those that came further: `{messages, sent, delivered, read, failed}`. `messages` are those whose turn
 * came, `failed` are also those that expired.
 */
export function reachOf({ counts }) {
  const { read = 0, delivered = 0, sent = 0, held = 0, failed = 0, expired = 0 } = counts?.outcomes ?? {};
  return { messages: counts?.messages ?? 0, sent: sent + held + delivered + read, delivered: delivered + read, read, failed: failed + expired };
}

/** How much of it is done, from 0 to 1: whose turn came and whose message waits no more. */
export function shareOf(broadcast) {
  const { plan, counts } = broadcast;
  if (broadcast.state === 'done') return 1;
  if (!plan || plan.recipients === 0 || !counts) return 0;
  return Math.min(1, Math.max(0, 1 - counts.left / plan.recipients));
}

const byCount = (counts) => Object.entries(counts).filter(([, count]) => count > 0).sort(([, one], [, other]) => other - one);

/** Why nothing is sent to some: `[reason, count]`, the most frequent first; as planned, and as found when their turn came. */
export function suppressedOf({ plan, counts }) {
  const all = { ...plan?.suppressed };
  for (const [reason, count] of Object.entries(counts?.suppressed ?? {})) all[reason] = (all[reason] ?? 0) + count;
  return byCount(all);
}

/** A reason why nothing is sent to somebody, in words. */
export const reasonText = (reason) => (has(`broadcasts.why.${reason}`) ? t(`broadcasts.why.${reason}`) : reason.replaceAll('_', ' '));

/** What failed by Meta's code: `[code, count]`, the most frequent first; `0` without a code, `other` for further codes. */
export function failuresOf({ counts }) {
  return byCount({ ...counts?.failed_by_code, other: counts?.failed_by_other_codes ?? 0 });
}

/** What a code means, and what helps, in a sentence. */
export function adviceOf(code) {
  const own = `broadcasts.advice.${code}`;
  if (has(own)) return t(own);
  return code === '0' || code === 'other' ? t('broadcasts.advice.none') : sentenceFor({ code });
}

/** What the customers did: `[what, count]`. */
export function reactionsOf({ counts }) {
  return ['replied', 'clicked', 'opted_out'].map((what) => [what, counts?.reactions?.[what] ?? 0]);
}

/** What is wrong with one, and what helps, in words; nothing if nothing is. */
export function problemText({ problem }) {
  if (!problem) return '';
  return has(`broadcasts.problem.${problem.code}`) ? t(`broadcasts.problem.${problem.code}`) : problem.message;
}

/** What keeps one from going faster, in words. */
export function limitText({ limited_by: limit, rate }, numberRate) {
  if (limit === 'broadcast_rate') return t('broadcasts.limited.broadcast_rate', { count: rate });
  if (limit === 'number_rate') return numberRate ? t('broadcasts.limited.number_rate', { count: numberRate }) : t('broadcasts.limited.number');
  if (has(`broadcasts.limited.${limit}`)) return t(`broadcasts.limited.${limit}`);
  return has(`pause.${limit}`) ? t(`pause.${limit}`) : t('broadcasts.limited.other');
}

/** @type {[string, number][]} */
const SPANS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** A span in one unit, as people say it: "40 seconds", "12 minutes", "1.5 hours". */
export function spanText(seconds) {
  const [unit, of] = SPANS.find(([, size]) => seconds >= size) ?? ['second', 1];
  const whole = Math.max(1, seconds / of);
  // Days and hours to a half: nobody plans by less.
  const value = unit === 'day' || unit === 'hour' ? Math.round(whole * 2) / 2 : Math.round(whole);
  return number(value, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 1 });
}

/** An amount in a currency: to a hundredth, a small one as exactly as it is. */
export function moneyText(amount, currency) {
  const value = Number(amount);
  return number(value, { style: 'currency', currency, maximumFractionDigits: value !== 0 && Math.abs(value) < 1 ? 6 : 2 });
}

/** What WhatsApp said so far that it charges for, beside what was reckoned. */
export function costText({ told, estimate, currency }) {
  return t('broadcasts.cost_of', { told: moneyText(told, currency), estimate: moneyText(estimate, currency) });
}

/** How many seconds so many messages take at a rate; null where the rate is not known. */
export function lastsFor(recipients, ...rates) {
  const known = rates.filter((rate) => rate > 0);
  return known.length > 0 ? Math.ceil(recipients / Math.min(...known)) : null;
}

// --- what the page has seen ----------------------------------------------------------------------------------------

/** As many samples are kept: beyond, every second one goes. */
const MOST_SAMPLES = 600;

/** What was seen so far, with how one stands now. Two looks in the same second are one. */
export function sampled(samples, broadcast, now) {
  if (!broadcast.counts) return samples;
  const { messages, ...reach } = reachOf(broadcast);
  const last = samples.at(-1);
  const before = last && now - last.at < 1_000 ? samples.slice(0, -1) : samples;
  const next = [...before, { at: last && before !== samples ? last.at : now, ...reach }];
  return next.length > MOST_SAMPLES ? next.filter((_, i) => i % 2 === 0 || i === next.length - 1) : next;
}

/** The lines of a chart: what each is of. */
export const LINES = ['sent', 'delivered', 'read', 'failed'];

/** Points of each line in a field of this size: `{most, lines: {sent: 'x,y x,y', …}}`. */
export function linesOf(samples, width, height) {
  const [first, last] = [samples[0].at, samples.at(-1).at];
  const least = Math.min(...samples.map(({ failed, read }) => Math.min(failed, read)));
  const most = Math.max(least + 1, ...samples.flatMap((one) => LINES.map((name) => one[name])));
  const x = (at) => (last > first ? ((at - first) / (last - first)) * width : 0);
  const y = (count) => height - ((count - least) / (most - least)) * height;
  const round = (value) => Math.round(value * 10) / 10;
  const line = (name) => samples.map((one) => `${round(x(one.at))},${round(y(one[name]))}`).join(' ');
  return { least, most, lines: Object.fromEntries(LINES.map((name) => [name, line(name)])) };
}
