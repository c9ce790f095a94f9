// Imports of contacts: what the columns of a file mean, and how an import stands. No DOM in here.

import { has, t } from './language.js';

/** What a column may be, beside the attributes of the business. */
export const FIELDS = ['phone', 'name', 'label', 'list', 'owner', 'opted_out'];
/** Of these there is one column at most. */
const ONCE = ['phone', 'name', 'owner', 'opted_out'];

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

/** What a field is called. */
export function fieldText(field, attributes = []) {
  if (field.startsWith('attribute.')) {
    const key = field.slice('attribute.'.length);
    return attributes.find((one) => one.key === key)?.name ?? key;
  }
  return has(`imports.field.${field}`) ? t(`imports.field.${field}`) : field;
}

/** The choices for a column: `[field, label]`. What the file suggests is one of them, also where nobody has defined it. */
export function fieldOptions(suggested, attributes) {
  const known = [...FIELDS, ...attributes.map(({ key }) => `attribute.${key}`)];
  const all = known.includes(suggested) || suggested === 'skip' ? known : [...known, suggested];
  return [['skip', t('imports.field.skip')], ...all.map((field) => [field, fieldText(field, attributes)])];
}

/** How much of a file is read, from 0 to 1. */
export function progressOf({ state, bytes, bytes_read: read = 0 }) {
  if (state === 'done') return 1;
  return bytes > 0 ? Math.min(1, read / bytes) : 0;
}

/** Whether something still happens to an import by itself. */
export function isRunning({ state }) {
  return state === 'running';
}

/** Labels that are written in one line, with commas between them. */
export function labelsOf(text = '') {
  return [...new Set(text.split(/[,،;]/).map((one) => one.trim()))].filter(Boolean);
}
