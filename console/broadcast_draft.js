// A broadcast that is written: what is typed and chosen, as the gateway takes it, and back. No DOM in here.

import { filledTemplate, valuesOf, wrongIn } from './templates.js';

/** The steps in which one is written. */
export const STEPS = ['name', 'audience', 'template', 'schedule', 'review'];
/** How late it may begin, in minutes. */
export const LATE = [15, 60, 240, 1_440];
const USUAL_LATE = 60;
const MINUTE = 60_000;

/** What somebody who begins one has written. With one number there is nothing to choose. */
export function emptyDraft() {
  return { name: '', number: '', to: '', list: '', segment: '', retried: '', exclude: { lists: [], segments: [] }, sent: null, template: null, values: {}, isFilledHere: false, isNow: true, isLocal: false, at: '', late: USUAL_LATE, rate: '', ...emptyHours() };
}

/** The same of one that the gateway has. */
export function draftOf({ name, numbers, audience, exclude, template, rate, at, not_after: late, at_local: local, not_after_local: localLate, hours, upload }) {
  return {
    ...emptyDraft(),
    name,
    number: numbers[0] ?? '',
    to: audience.type === 'upload' && !upload ? '' : audience.type,
    list: audience.list_id ?? '',
    segment: audience.segment_id ?? '',
    retried: audience.broadcast_id ?? '',
    exclude: { lists: exclude?.lists ?? [], segments: exclude?.segments ?? [] },
    sent: template ?? null,
    isNow: !at && !local,
    isLocal: Boolean(local),
    at: local ?? (at ? localText(at) : ''),
    late: at && late ? Math.round((late - at) / MINUTE) : local && localLate ? (wallOf(localLate) - wallOf(local)) / MINUTE : USUAL_LATE,
    rate: rate ? String(rate) : '',
    ...hoursFrom(hours),
  };
}

/** What the gateway takes of it. */
export function definitionOf(draft) {
  const { name, number, exclude, isNow, isLocal, at, late, rate } = draft;
  const template = templateOf(draft);
  const begins = isNow ? NaN : isLocal ? wallOf(at) : timeOf(at);
  const hours = hoursOf(draft);
  return {
    name: name.trim(),
    ...(template && { template }),
    numbers: [number],
    audience: audienceOf(draft),
    exclude,
    ...(rate !== '' && { rate: Number(rate) }),
    ...(!Number.isNaN(begins) && (isLocal ? { at_local: wallText(begins), not_after_local: wallText(begins + late * MINUTE) } : { at: begins, not_after: begins + late * MINUTE })),
    ...(hours && { hours }),
  };
}

function audienceOf({ to, list, segment, retried }) {
  if (to === 'list') return { type: 'list', list_id: list };
  if (to === 'segment') return { type: 'segment', segment_id: segment };
  // Whom another one failed to reach stays so until somebody chooses others.
  return to === 'retry' ? { type: 'retry', broadcast_id: retried } : { type: 'upload' };
}

/** The template as it is sent: as the gateway has it, until something of it is changed here. */
export function templateOf({ sent, template, values, isFilledHere }) {
  return isFilledHere && template ? filledTemplate(template, parametersOf(values)).template : sent;
}

/** Whether two say the same, in whatever order. */
export function isSame(one, other) {
  return stable(one) === stable(other);
}

function stable(value) {
  return JSON.stringify(value, (_, part) => (part && typeof part === 'object' && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part));
}

/** A moment as a field for a local date and time has it. */
export function localText(at) {
  const moment = new Date(at);
  const two = (part) => String(part).padStart(2, '0');
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

/** The moment that such a field means; `NaN` for none. */
export function timeOf(text) {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text) ? new Date(text).getTime() : NaN;
}

/** What clocks on walls show, wherever these hang, as if they showed UTC; `NaN` for none. */
const wallOf = (text) => (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text) ? Date.parse(`${text.slice(0, 16)}Z`) : NaN);
const wallText = (at) => new Date(at).toISOString().slice(0, 16);

// --- sending hours ---------------------------------------------------------------------------------------------------

/** The days of a week, as the gateway names them. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `kept` are hours that a program wrote and that the fields here cannot say. */
function emptyHours() {
  return { hasHours: false, opens: '09:00', closes: '20:00', days: DAYS, isOneZone: false, zone: ownZone(), zoneAttribute: '', kept: null };
}

/** Whose clocks matter. */
export const needsZone = ({ hasHours, isNow, isLocal }) => hasHours || (!isNow && isLocal);

/** The hours that the gateway takes, if any. */
function hoursOf(draft) {
  const { hasHours, opens, closes, days, isOneZone, zone, zoneAttribute, kept } = draft;
  if (!needsZone(draft)) return null;
  return {
    ...(isOneZone ? { zone } : { zone: 'recipient', fallback_zone: zone, ...(zoneAttribute !== '' && { zone_attribute: zoneAttribute }) }),
    ...(hasHours && { days: kept ?? Object.fromEntries(days.map((day) => [day, [[opens, closes]]])) }),
  };
}

function hoursFrom(hours) {
  if (!hours) return {};
  const { zone, zone_attribute: zoneAttribute = '', fallback_zone: fallback, days } = hours;
  const whose = zone === 'recipient' ? { isOneZone: false, zone: fallback, zoneAttribute } : { isOneZone: true, zone };
  if (!days) return whose;
  const named = DAYS.filter((day) => days[day]?.length > 0);
  const ranges = new Set(named.map((day) => JSON.stringify(days[day])));
  const [[opens, closes]] = days[named[0]];
  const isPlain = ranges.size === 1 && days[named[0]].length === 1;
  return { ...whose, hasHours: true, ...(isPlain ? { opens, closes, days: named } : { kept: days }) };
}

// --- what fills the template ---------------------------------------------------------------------------------------

/** Fields whose text may be another one for each recipient. */
export const isVariable = ({ kind }) => kind === 'text' || kind === 'code';

/** What is sent where a value stands: a text, or where it comes from. */
function parameterOf(value) {
  if (value?.from === undefined) return value;
  if (value.from === 'text') return value.text;
  const { from, key, fallback } = value;
  return { from, ...(from !== 'name' && { key }), ...(fallback?.trim() && { fallback: fallback.trim() }) };
}

const parametersOf = (values) => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, parameterOf(value)]));

/** What fills a template that the gateway has, as it is written here. */
export function valuesFrom(template, sent) {
  const found = {};
  for (const [key, value] of Object.entries(valuesOf(template, sent?.components ?? []))) {
    if (typeof value === 'string') found[key] = { from: 'text', text: value };
    else if (value?.from) found[key] = { fallback: '', key: '', ...value };
    else if (value?.media_id) found[key] = value;
  }
  const place = sent?.components?.find(({ type }) => type === 'header')?.parameters?.[0]?.location;
  if (place) found.header = { ...place, latitude: String(place.latitude), longitude: String(place.longitude) };
  const offer = sent?.components?.find(({ type }) => type === 'limited_time_offer')?.parameters?.[0]?.limited_time_offer;
  if (offer) found.offer = localText(offer.expiration_time_ms);
  return found;
}

/** What is wrong with what fills a field: a key of a text, or null. */
export function wrongInValue(field, value) {
  if (!isVariable(field)) return wrongIn(field, value);
  if (!value || value.from === 'text') return wrongIn(field, value?.text);
  if (value.from !== 'name' && !value.key) return 'broadcasts.need.source';
  return value.fallback?.trim() ? wrongIn(field, value.fallback) : null;
}

/** Texts in the place of what comes from each recipient: what `nameOf(value)` says, where there is nothing to stand in for it. */
export function samplesOf(values, nameOf) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value?.from === undefined ? value : value.from === 'text' ? value.text : value.fallback?.trim() || nameOf(value)]));
}

// --- what is missing -----------------------------------------------------------------------------------------------

/**
 * What has to be written before a step is done: `[field, key of a text]`, or null. `known` is `{hasFile, ownRate}`: whether the gateway has
 * the file of recipients, and the number's rate.
 */
export function missingIn(step, draft, { hasFile = false, ownRate = 0 } = {}, now = 0) {
  switch (step) {
    case 'name':
      return draft.name.trim() === '' ? ['name', 'broadcasts.need.name'] : draft.number === '' ? ['number', 'broadcasts.need.number'] : null;
    case 'audience':
      if (draft.to === '') return ['to', 'broadcasts.need.audience'];
      if (draft.to === 'upload') return hasFile ? null : ['file', 'broadcasts.need.file'];
      return draft[draft.to] === '' ? [draft.to, `broadcasts.need.${draft.to}`] : null;
    case 'template':
      return templateOf(draft) ? null : ['template', 'broadcasts.need.template'];
    case 'schedule': {
      const rate = Number(draft.rate);
      if (draft.rate !== '' && (!Number.isInteger(rate) || rate < 1)) return ['rate', 'broadcasts.need.rate'];
      if (draft.rate !== '' && ownRate > 0 && rate > ownRate) return ['rate', 'broadcasts.need.rate_below'];
      if (draft.hasHours && !draft.kept && draft.days.length === 0) return ['days', 'broadcasts.need.days'];
      if (draft.hasHours && !draft.kept && (draft.opens === '' || draft.closes === '' || draft.opens === draft.closes)) return ['hours', 'broadcasts.need.hours'];
      if (draft.isNow) return null;
      // Where the day ends last it is half a day earlier than in UTC.
      const at = draft.isLocal ? wallOf(draft.at) + 12 * 60 * MINUTE : timeOf(draft.at);
      return Number.isNaN(at) ? ['at', 'broadcasts.need.time'] : at <= now ? ['at', 'broadcasts.need.future'] : null;
    }
    default:
      return null;
  }
}

/** The first step in which something is missing; the last one if nothing is. */
export function firstMissing(draft, known) {
  const step = STEPS.find((one) => missingIn(one, draft, known, -Infinity));
  return step ?? 'review';
}

// --- a file of recipients ------------------------------------------------------------------------------------------

const SEPARATORS = [',', ';', '\t'];

/** The columns that a file begins with, as far as they can be told from its beginning: for whoever names that of the phone. */
export function columnsIn(text) {
  const [line = ''] = text.replace(/^\uFEFF/, '').split(/\r?\n/).filter((one) => one.trim() !== '');
  if (line.trim().startsWith('{')) {
    try {
      return Object.keys(JSON.parse(line));
    } catch {
      return [];
    }
  }
  const count = (separator) => line.split(separator).length;
  const separator = SEPARATORS.toSorted((one, other) => count(other) - count(one))[0];
  const cells = line.match(new RegExp(`("(?:[^"]|"")*"|[^${separator}]*)(?:${separator}|$)`, 'g')) ?? [];
  const names = cells.map((cell) => cell.replace(new RegExp(`${separator}$`), '').trim().replace(/^"(.*)"$/s, '$1').replaceAll('""', '"').trim());
  return [...new Set(names.filter(Boolean))];
}

const ZEROS = [0x30, 0x660, 0x6f0];

/** The number that somebody typed, in whichever digits and groups; `NaN` for anything else. */
export function typedCount(text) {
  const digits = [...text.trim()].map((char) => {
    const zero = ZEROS.find((one) => char.codePointAt(0) >= one && char.codePointAt(0) < one + 10);
    return zero === undefined ? (/[\s.,٬'’]/.test(char) ? '' : 'x') : String(char.codePointAt(0) - zero);
  });
  const all = digits.join('');
  return /^\d+$/.test(all) ? Number(all) : NaN;
}
