// Sums and amounts of what a business uses. Pure.

import { number } from '../language.js';

/** The day of a moment, in UTC as the gateway counts: "2026-11-30". */
export function dayOf(at) {
  return new Date(at).toISOString().slice(0, 10);
}

/** The query of a range. */
export function usageQuery(range) {
  return `?${new URLSearchParams(range)}`;
}

/** All rows together: what came in, what went out, and by category what there is any of. */
export function totalsOf(rows) {
  const sums = { inbound: 0, outbound: 0, categories: {} };
  for (const { messages, categories } of rows) {
    sums.inbound += messages.inbound;
    sums.outbound += messages.outbound;
    for (const [name, count] of Object.entries(categories ?? {}))
      if (count > 0) sums.categories[name] = (sums.categories[name] ?? 0) + count;
  }
  return sums;
}

/** How high the bars of each row are, with `height` for the most. */
export function bars(rows, height) {
  const most = Math.max(1, ...rows.flatMap(({ messages }) => [messages.inbound, messages.outbound]));
  const of = (count) => (count / most) * height;
  return rows.map(({ messages }) => ({ inbound: of(messages.inbound), outbound: of(messages.outbound) }));
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

/** An amount of a quota: bytes in their units, all else as a number. */
export function amountText(name, amount) {
  if (amount === null || amount === undefined) return '–';
  if (!/bytes|storage/.test(name)) return number(amount);
  const power = amount < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(amount) / 3));
  return number(amount / 1000 ** power, { style: 'unit', unit: UNITS[power], unitDisplay: 'short', maximumFractionDigits: 1 });
}

const DAY = 86_400_000;
/** How many days the gateway tells of at once. */
const MOST_DAYS = { day: 92, hour: 31 };

/** A range that the gateway takes: the end that was not `chosen` follows the other. */
export function fitted({ from, to, by }, chosen) {
  const days = (Date.parse(to) - Date.parse(from)) / DAY + 1;
  const shown = Math.min(MOST_DAYS[by], Math.max(1, days));
  if (days === shown) return { from, to, by };
  if (chosen === 'from') return { from, to: dayOf(Date.parse(from) + (shown - 1) * DAY), by };
  return { from: dayOf(Date.parse(to) - (shown - 1) * DAY), to, by };
}
