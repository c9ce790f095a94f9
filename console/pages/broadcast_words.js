// Words about broadcasts that several of their parts show.

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
