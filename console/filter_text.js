// Filters as rows of field, operator and value, and as the text that the gateway reads: one way and back, where the text is that simple.
// Pure.

/** @typedef {{field: string, operator: string, value: string}} Row */
/** @typedef {{key: string, name: string, type: string, choices?: string[]}} Attribute */

const ATTRIBUTE = 'attribute.';
const SAME = ['=', '!='];
const ORDER = ['=', '!=', '>', '>=', '<', '<='];
const HAS = ['has', 'not has'];
/** What each field can be asked; `is` and `not` are of those that have no value. */
const OPERATORS = {
  label: SAME,
  list: SAME,
  owner: SAME,
  number: SAME,
  name: ['^=', '=', '!='],
  phone: ['^='],
  last_active: ['<', '>'],
  created: ['<', '>'],
  opted_out: ['is', 'not'],
  unreachable: ['is', 'not'],
  is_minor: ['is', 'not'],
  conversation: HAS,
};
const OPERATORS_OF_TYPE = { number: [...ORDER, ...HAS], date: [...ORDER, ...HAS], boolean: ['=', ...HAS], choice: [...SAME, ...HAS], text: ['=', '!=', '^=', ...HAS] };

/** The fields that a row can be about, but for attributes. */
export const FIELDS = Object.keys(OPERATORS);

/** The field of an attribute. */
export const attributeField = (key) => `${ATTRIBUTE}${key}`;

/** The key of the attribute that a field is; null for other fields. */
export const attributeKey = (field) => (field.startsWith(ATTRIBUTE) ? field.slice(ATTRIBUTE.length) : null);

/** What kind of value a field has: `text`, `number`, `date`, `boolean`, `choice`, `time`, or `none`. An attribute that nobody has defined is a text. */
export function kindOf(field, attributes) {
  const key = attributeKey(field);
  if (key !== null) {
    const type = attributes.find((one) => one.key === key)?.type;
    return Object.hasOwn(OPERATORS_OF_TYPE, type) ? type : 'text';
  }
  if (['last_active', 'created'].includes(field)) return 'time';
  return ['opted_out', 'unreachable', 'is_minor', 'conversation'].includes(field) ? 'none' : 'text';
}

/** The operators of a field, the usual one first. */
export function operatorsOf(field, attributes) {
  return Object.hasOwn(OPERATORS, field) ? OPERATORS[field] : OPERATORS_OF_TYPE[kindOf(field, attributes)];
}

/** Whether a condition needs a value. */
export function needsValue({ operator }) {
  return !['is', 'not', ...HAS].includes(operator);
}

const quoted = (text) => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** One row as a condition; null for one that has no value yet. */
function conditionOf(row, attributes) {
  const { field, operator } = row;
  if (operator === 'is') return field;
  if (operator === 'not') return `not ${field}`;
  if (HAS.includes(operator)) return `${operator} ${field}`;
  const value = row.value.trim();
  if (value === '') return null;
  const isBare = field === 'owner' ? ['me', 'none'].includes(value) : ['number', 'date', 'boolean', 'time'].includes(kindOf(field, attributes));
  return `${field} ${operator} ${isBare ? value : quoted(value)}`;
}

/**
 * The text of rows of which all hold (`and`) or any (`or`). Rows without a value are left out.
 *
 * @param {Row[]} rows
 * @param {'and' | 'or'} join
 * @param {Attribute[]} attributes
 */
export function textOf(rows, join, attributes) {
  return rows
    .map((row) => conditionOf(row, attributes))
    .filter((one) => one !== null)
    .join(` ${join} `);
}

const TOKEN = /\s*(?:("(?:[^"\\]|\\["\\])*")|([A-Za-z_][\w.-]*)|(-?\d[\w.-]*)|(<=|>=|!=|\^=|[=<>]))/y;

function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const [whole, textual, word, digits, operator] = TOKEN.exec(text) ?? [];
    if (whole === undefined) return null;
    if (textual !== undefined) tokens.push({ kind: 'text', value: textual.slice(1, -1).replace(/\\(["\\])/g, '$1') });
    else tokens.push({ kind: word !== undefined ? 'word' : digits !== undefined ? 'digits' : 'operator', value: word ?? digits ?? operator });
  }
  return tokens;
}

/**
 * The rows that a text means: `{rows, join}`; null for one that no rows can show, such as one with parentheses.
 *
 * @param {string} text
 * @param {Attribute[]} attributes
 * @returns {{rows: Row[], join: 'and' | 'or'} | null}
 */
export function rowsOf(text, attributes) {
  const tokens = tokensOf(text.trim());
  if (tokens === null) return null;
  const rows = [];
  const joins = new Set();
  let at = 0;
  const word = (wanted) => tokens[at]?.kind === 'word' && tokens[at].value === wanted && (at += 1) > 0;
  const condition = () => {
    const isNot = word('not');
    const isHas = word('has');
    const [named, operator, value] = tokens.slice(at, at + 3);
    if (named?.kind !== 'word') return null;
    const field = Object.hasOwn(OPERATORS, named.value) || named.value.startsWith(ATTRIBUTE) ? named.value : attributeField(named.value);
    const offered = operatorsOf(field, attributes);
    const valueless = isHas ? (isNot ? 'not has' : 'has') : isNot ? 'not' : 'is';
    if (offered.includes(valueless) && (isHas || kindOf(field, attributes) === 'none')) {
      at += 1;
      return { field, operator: valueless, value: '' };
    }
    if (isNot || isHas || operator?.kind !== 'operator' || !offered.includes(operator.value) || value === undefined) return null;
    at += 3;
    const row = { field, operator: operator.value, value: value.value };
    // What would be written otherwise is not what the text says.
    return conditionOf(row, attributes) === `${field} ${operator.value} ${value.kind === 'text' ? quoted(value.value) : value.value}` ? row : null;
  };
  while (at < tokens.length) {
    const row = condition();
    if (row === null) return null;
    rows.push(row);
    if (at === tokens.length) break;
    const join = tokens[at];
    if (join.kind !== 'word' || !['and', 'or'].includes(join.value) || at + 1 === tokens.length) return null;
    joins.add(join.value);
    at += 1;
  }
  if (joins.size > 1) return null;
  return { rows, join: joins.has('or') ? 'or' : 'and' };
}

/**
 * What a list is narrowed by, as one filter: null where it is looked through by a search, which no filter says.
 *
 * @param {Record<string, string>} filter
 * @param {{segment_id: string, filter: string}[]} segments
 */
export function filterOf({ search, label, list, owner, consent, number, segment, condition }, segments) {
  if (search.trim() !== '') return null;
  const rows = [
    ...Object.entries({ label, list, owner, number }).map(([field, one]) => ({ field, operator: '=', value: one })),
    ...(consent === '' ? [] : [{ field: 'opted_out', operator: consent === 'opted_out' ? 'is' : 'not', value: '' }]),
  ];
  const own = [textOf(rows, 'and', []), condition].filter(Boolean).join(' and ');
  if (segment === '') return own;
  // One that names customers is not told to everybody.
  const written = segments.find((one) => one.segment_id === segment)?.filter ?? null;
  if (written === null) return null;
  return [written.trim() === '' ? '' : `(${written})`, own].filter(Boolean).join(' and ');
}
