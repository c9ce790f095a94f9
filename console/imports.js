// Imports of contacts: what the columns of a file mean, and how an import stands. No DOM in here.

import { has, t } from './language.js';

/** What a column may be, beside the attributes of the business. */
export const FIELDS = ['phone', 'name', 'label', 'list', 'owner', 'opted_out', 'opted_out_at', 'is_minor'];
/** Of these there is one column at most. */
const ONCE = ['phone', 'name', 'owner', 'opted_out', 'opted_out_at', 'is_minor'];

const TYPES = { csv: 'text/csv', tsv: 'text/csv', txt: 'text/csv', ndjson: 'application/x-ndjson', jsonl: 'application/x-ndjson', json: 'application/x-ndjson' };

/** The type under which a file is uploaded; null for one that is no table. */
export function typeOf(name) {
  return TYPES[name.split('.').at(-1).toLowerCase()] ?? null;
}

/** What is wrong with a mapping, in words; an empty text if nothing is. */
export function mappingProblem(mapping) {
  const fields = Object.values(mapping).filter((field) => field !== 'skip');
  if (!fields.includes('phone')) return t('imports.no_phone');
  const twice = fields.find((field, i) => (ONCE.includes(field) || field.startsWith('attribute.')) && fields.indexOf(field) !== i);
  return twice === undefined ? '' : t('imports.twice', { field: fieldText(twice) });
}

/** A column that becomes an attribute of its own: its kind and name. */
const NEW = /^attribute\.new(?:\.(number|date|boolean))?:(.*)$/s;

/** What a field is called. */
export function fieldText(field, attributes = []) {
  const [isNew, kind = 'text', name] = NEW.exec(field) ?? [];
  if (isNew !== undefined) return t('imports.new_attribute_named', { name, kind: t(`attribute.${kind}`) });
  if (field.startsWith('attribute.')) {
    const key = field.slice('attribute.'.length);
    return attributes.find((one) => one.key === key)?.name ?? key;
  }
  return has(`imports.field.${field}`) ? t(`imports.field.${field}`) : field;
}

/**
 * The choices for a column: `[field, label]`. What the file suggests is one of them, also where nobody has defined it; `makes` is the name
 * of the attribute that may be made of it, or null where the gateway makes none.
 */
export function fieldOptions(suggested, attributes, makes = null) {
  const known = [...FIELDS, ...attributes.map(({ key }) => `attribute.${key}`)];
  const made = makes === null ? [] : ['', '.number', '.date', '.boolean'].map((kind) => `attribute.new${kind}:${makes}`);
  const all = known.includes(suggested) || made.includes(suggested) || suggested === 'skip' ? known : [...known, suggested];
  const newText = (field) => t('imports.new_attribute', { kind: t(`attribute.${NEW.exec(field)?.[1] ?? 'text'}`) });
  return [['skip', t('imports.field.skip')], ...all.map((field) => [field, fieldText(field, attributes)]), ...made.map((field) => [field, newText(field)])];
}

/** The name of a file without its ending. */
export function baseOf(name) {
  return name.replace(/\.[^.]{1,6}$/, '');
}

/** As many reasons are told. */
const MOST_REASONS = 5;

/** Why rows were refused, the most frequent first: `[reason in words, how often]`. */
export function reasonsOf({ reasons = {} }) {
  return Object.entries(reasons)
    .sort(([, one], [, other]) => other - one)
    .slice(0, MOST_REASONS)
    .map(([code, count]) => [has(`imports.reason.${code}`) ? t(`imports.reason.${code}`) : code, count]);
}

/** How much of a file is read, from 0 to 1. */
export function progressOf({ state, bytes, bytes_read: read = 0 }) {
  if (state === 'done') return 1;
  return bytes > 0 ? Math.min(1, read / bytes) : 0;
}

/** Whether something still happens to an import by itself. */
export function isRunning({ state }) {
  return state === 'running' || state === 'queued';
}

/** Labels that are written in one line, with commas between them. */
export function labelsOf(text = '') {
  return [...new Set(text.split(/[,،;]/).map((one) => one.trim()))].filter(Boolean);
}
