// Words about broadcasts that several of their parts show.

import { DAYS } from '../broadcast_draft.js';
import { dateTime, number, t } from '../language.js';
import { authorName } from '../people.js';

/** Whom one is for. */
export function audienceText({ audience, upload }, { lists, segments }) {
  if (audience.type === 'list') return t('broadcasts.to_list', { name: lists.find((one) => one.list_id === audience.list_id)?.name ?? audience.list_id });
  if (audience.type === 'segment') return t('broadcasts.to_segment', { name: segments.find((one) => one.segment_id === audience.segment_id)?.name ?? audience.segment_id });
  if (audience.type === 'retry') return t('broadcasts.to_retry');
  return upload ? t('broadcasts.to_file', { count: upload.rows }) : t('broadcasts.to_no_file');
}

/** Who did something. */
export function byText(author, context) {
  return authorName(author, { agent: context.person()?.user?.user_id, colleagues: context.colleagues() });
}

/** A rate in words. */
export function rateText(rate) {
  return t('broadcasts.per_second', { count: rate });
}

/** A moment, short enough for a table. */
export function shortTime(at) {
  return dateTime(at, { dateStyle: 'medium', timeStyle: 'short' });
}

/** A part of a whole, in percent; nothing of nothing is nothing. */
export function percentText(count, of) {
  return of > 0 ? number(count / of, { style: 'percent', maximumFractionDigits: count > 0 && count < of / 100 ? 1 : 0 }) : '';
}

/** A day of the week, in words. */
export function dayText(day) {
  // A Monday, and the days behind it.
  return dateTime(Date.UTC(2026, 10, 30 + DAYS.indexOf(day)), { weekday: 'long', timeZone: 'UTC' });
}

/** A time zone as people read it. */
export const zoneText = (zone) => zone.replaceAll('_', ' ');

/** What clocks on walls show, wherever these hang. */
export function wallText(local) {
  return dateTime(Date.parse(`${local}Z`), { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
}

/** When one begins, and when it begins no more by itself. */
export function beginsText({ at, not_after: late, at_local: local, not_after_local: localLate }) {
  if (local) return `${t('broadcasts.begins_local', { when: wallText(local) })} · ${t('broadcasts.not_after', { when: wallText(localLate) })}`;
  return at ? `${shortTime(at)} · ${t('broadcasts.not_after', { when: shortTime(late) })}` : t('broadcasts.at_launch');
}

/** When one may be sent; nothing where it may at any hour. */
export function hoursText({ hours }) {
  if (!hours?.days) return '';
  const whose = hours.zone === 'recipient' ? t('broadcasts.zone_recipient') : zoneText(hours.zone);
  const texts = DAYS.filter((day) => hours.days[day]?.length > 0).map((day) => [dayText(day), hours.days[day].map(([opens, closes]) => `${opens}–${closes}`).join(', ')]);
  const isSame = texts.length === 7 && texts.every(([, text]) => text === texts[0][1]);
  return `${isSame ? t('broadcasts.each_day', { hours: texts[0][1] }) : texts.map(([day, text]) => `${day} ${text}`).join(' · ')} (${whose})`;
}
