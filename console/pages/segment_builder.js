// A filter as rows: a field, how it is compared, and with what.

import { FIELDS, attributeField, attributeKey, kindOf, needsValue, operatorsOf } from '../filter_text.js';
import { t } from '../language.js';
import { html, useRef } from '../view.js';
import { optionsOf } from './contact_filters.js';
import { comparisonText, fieldName } from './filter_words.js';
import { useLabels } from './label_field.js';
import { numberText } from './limit_fields.js';

/** @import { Row } from '../filter_text.js' */

/** What a new row begins with. */
export const NEW_ROW = Object.freeze({ field: 'label', operator: '=', value: '' });

/**
 * `onChange({rows, join})` gets what they become.
 *
 * @param {{rows: Row[], join: 'and' | 'or', onChange: (next: {rows: Row[], join: 'and' | 'or'}) => void, definitions: any, colleagues: Map<string, any>, contacts: any}} properties
 */
export function Builder({ rows, join, onChange, definitions, colleagues, contacts }) {
  const add = useRef(null);
  const put = (i, row) => onChange({ rows: rows.with(i, row), join });
  const remove = (i) => {
    onChange({ rows: rows.toSpliced(i, 1), join });
    add.current.focus();
  };
  return html`
    <fieldset class="field whole builder">
      <legend>${t('segments.filter')}</legend>
      ${rows.length > 1 &&
      html`
        <select class="builder-join" aria-label=${t('segments.join')} onchange=${(event) => onChange({ rows, join: event.currentTarget.value })}>
          ${['and', 'or'].map((one) => html`<option key=${one} value=${one} selected=${one === join}>${t(`segments.join_${one}`)}</option>`)}
        </select>
      `}
      <div class="builder-rows">${rows.map((row, i) => html`<${Condition} key=${i} ...${{ row, definitions, colleagues, contacts }} at=${i + 1} onChange=${(next) => put(i, next)} onRemove=${() => remove(i)} />`)}</div>
      <button type="button" class="plain" ref=${add} onclick=${() => onChange({ rows: [...rows, NEW_ROW], join })}>${t('segments.add_condition')}</button>
    </fieldset>
  `;
}

function Condition({ row, at, definitions, colleagues, contacts, onChange, onRemove }) {
  const { attributes } = definitions;
  const { field, operator } = row;
  const key = attributeKey(field);
  const known = [...FIELDS.map((one) => [one, fieldName(one, attributes)]), ...attributes.map((one) => [attributeField(one.key), one.name])];
  const fields = known.some(([one]) => one === field) ? known : [...known, [field, key ?? field]];
  const choose = (next) => {
    const kept = operatorsOf(next, attributes);
    onChange({ field: next, operator: kept[0], value: startOf(next, attributes, definitions) });
  };
  return html`
    <div class="builder-row" role="group" aria-label=${t('segments.condition', { number: at })}>
      <select aria-label=${t('segments.field')} onchange=${(event) => choose(event.currentTarget.value)}>
        ${fields.map(([value, text]) => html`<option key=${value} value=${value} selected=${value === field}>${text}</option>`)}
      </select>
      <select aria-label=${t('segments.operator')} onchange=${(event) => onChange({ ...row, operator: event.currentTarget.value })}>
        ${operatorsOf(field, attributes).map((one) => html`<option key=${one} value=${one} selected=${one === operator}>${comparisonText(row, one, attributes)}</option>`)}
      </select>
      ${needsValue(row) && html`<${Value} key=${field} ...${{ row, definitions, colleagues, contacts }} set=${(value) => onChange({ ...row, value })} />`}
      <button type="button" class="plain" aria-label=${t('segments.remove_condition', { number: at })} onclick=${onRemove}>×</button>
    </div>
  `;
}

/** What stands in a new condition about a field: the first of what there is to choose from. */
function startOf(field, attributes, { lists, numbers }) {
  if (field === 'owner') return 'me';
  if (field === 'list') return lists[0]?.list_id ?? '';
  if (field === 'number') return numbers[0]?.phone_number_id ?? '';
  if (kindOf(field, attributes) === 'time') return '30d';
  if (kindOf(field, attributes) === 'boolean') return 'true';
  return attributes.find((one) => one.key === attributeKey(field))?.choices?.[0] ?? '';
}

/** The choices for a value; null where it is written. */
function choicesOf({ field, value }, { attributes, lists, numbers }, colleagues) {
  const offered = {
    list: () => lists.map((one) => [one.list_id, one.name]),
    number: () => numbers.map((one) => [one.phone_number_id, numberText(one)]),
    owner: () => [['me', t('filter.me')], ['none', t('contact.nobody')], ...[...colleagues].filter(([, { role }]) => role !== null).map(([id, { name }]) => [id, name])],
  }[field]?.();
  const attribute = attributes.find((one) => one.key === attributeKey(field));
  const options = offered ?? (['boolean', 'choice'].includes(attribute?.type) ? optionsOf(attribute) : null);
  // What is not there any more stays what it was.
  return options && (options.some(([one]) => one === value) ? options : [...options, [value, value]]);
}

function Value({ row, definitions, colleagues, contacts, set }) {
  const { field, value } = row;
  const { list, learn, options: labels } = useLabels(contacts);
  const label = t('segments.value');
  const choices = choicesOf(row, definitions, colleagues);
  if (choices) return html`<select aria-label=${label} onchange=${(event) => set(event.currentTarget.value)}>${choices.map(([one, text]) => html`<option key=${one} value=${one} selected=${one === value}>${text}</option>`)}</select>`;
  const written = (event) => set(event.currentTarget.value);
  const kind = kindOf(field, definitions.attributes);
  if (kind === 'time') return html`<${When} value=${value} set=${set} />`;
  const isLabel = field === 'label';
  return html`
    <input
      type=${kind === 'number' || kind === 'date' ? kind : 'text'}
      step=${kind === 'number' ? 'any' : null}
      aria-label=${label}
      value=${value}
      oninput=${written}
      list=${isLabel ? list : null}
      onfocus=${isLabel ? learn : null}
      autocomplete="off"
      maxlength="256"
      dir=${kind === 'text' ? 'auto' : null}
    />
    ${isLabel && labels}
  `;
}

const UNITS = ['h', 'd', 'w'];

/** A while such as `30d`, or a day as it was written. */
function When({ value, set }) {
  const [, count, unit] = /^(\d+)([hdw])$/.exec(value) ?? [];
  if (count === undefined && value !== '') return html`<input type="date" aria-label=${t('segments.value')} value=${value} oninput=${(event) => set(event.currentTarget.value)} />`;
  return html`
    <input type="number" min="1" max="9999" aria-label=${t('segments.value')} value=${count ?? ''} oninput=${({ currentTarget: { value: written } }) => set(written === '' ? '' : `${Number(written)}${unit ?? 'd'}`)} />
    <select aria-label=${t('segments.unit')} onchange=${(event) => set(`${count ?? 30}${event.currentTarget.value}`)}>
      ${UNITS.map((one) => html`<option key=${one} value=${one} selected=${one === (unit ?? 'd')}>${t(`filter.unit.${one}`)}</option>`)}
    </select>
  `;
}
