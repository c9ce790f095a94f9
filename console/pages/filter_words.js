// What a filter means, in the page's language: the gateway says it in English.

import { attributeKey, kindOf, needsValue, rowsOf } from '../filter_text.js';
import { language, t } from '../language.js';
import { valueText } from '../contacts.js';
import { operatorText } from './contact_filters.js';
import { numberText } from './limit_fields.js';

/** What a row's field is called. */
export function fieldName(field, attributes) {
  const key = attributeKey(field);
  return key === null ? t(`filter.field.${field}`) : (attributes.find((one) => one.key === key)?.name ?? key);
}

/** How a row compares: of times a while is counted back from now, and a day is a day. */
export function comparisonText({ field, value }, operator, attributes) {
  if (kindOf(field, attributes) !== 'time') return operatorText(operator);
  if (/^(\d+[hdw])?$/.test(value)) return t(operator === '<' ? 'filter.op.within' : 'filter.op.longer_ago');
  return t(operator === '<' ? 'filter.op.before' : 'filter.op.after');
}

function valueName({ field, value }, { attributes, lists, numbers }, colleagues) {
  if (field === 'list') return lists.find((one) => one.list_id === value)?.name ?? value;
  if (field === 'number') return numberText(numbers.find((one) => one.phone_number_id === value) ?? { phone_number_id: value, display_phone_number: '' });
  if (field === 'owner') return { me: t('filter.me'), none: t('contact.nobody') }[value] ?? colleagues.get(value)?.name ?? t('contact.left');
  const [, count, unit] = /^(\d+)([hdw])$/.exec(value) ?? [];
  const kind = kindOf(field, attributes);
  if (kind === 'time' && count) return t('filter.while', { count: Number(count), unit: t(`filter.unit.${unit}`) });
  if (kind === 'time' || kind === 'date') return valueText('date', value);
  if (kind === 'number') return valueText('number', Number(value));
  if (kind === 'boolean') return valueText('boolean', value === 'true');
  return value;
}

/** The words for a filter: those of the page where rows show it, else the gateway's. */
export function filterWords(filter, said, definitions, colleagues) {
  if (language() === 'en' || !filter) return said;
  const read = rowsOf(filter, definitions.attributes);
  if (!read || read.rows.length === 0) return said;
  const conditions = read.rows.map((row) => [fieldName(row.field, definitions.attributes), comparisonText(row, row.operator, definitions.attributes), needsValue(row) ? valueName(row, definitions, colleagues) : ''].filter(Boolean).join(' '));
  return conditions.length === 1 ? conditions[0] : t('segments.means', { join: t(`segments.join_${read.join}`), conditions: conditions.join(' · ') });
}

/** What is wrong with a filter: the gateway's reason is in English. */
export function wrongText(message) {
  return language() === 'en' ? t('segments.wrong', { message }) : t('segments.wrong_here');
}
