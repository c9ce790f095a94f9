// Months, filters and details of the audit log, as texts. Pure.

import { dateTime } from '../language.js';

/** The last months, newest first, as the gateway names them: "2026-11". Its months are those of UTC. */
export function lastMonths(now, count) {
  const today = new Date(now);
  return Array.from({ length: count }, (_, back) => new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - back, 1)).toISOString().slice(0, 7));
}

/** "November 2026". */
export function monthName(month) {
  return dateTime(Date.parse(`${month}-01T00:00:00Z`), { year: 'numeric', month: 'long', timeZone: 'UTC' });
}

/** The query of a filter, without what is empty. */
export function queryOf(filter) {
  const given = Object.entries(filter).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return `?${new URLSearchParams(given)}`;
}

/** Details in one line: "role: agent → admin, days: 90". */
export function detailText(details) {
  return Object.entries(details ?? {})
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${valueText(value)}`)
    .join(', ');
}

function valueText(value) {
  if (value === null) return '–';
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  if (typeof value === 'object') {
    if ('before' in value && 'after' in value) return `${valueText(value.before)} → ${valueText(value.after)}`;
    return detailText(value);
  }
  return String(value);
}
