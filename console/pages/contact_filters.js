// What the list of contacts is looked through by.

import { NO_FILTER, isFiltered } from '../contacts.js';
import { attributeField, needsValue, operatorsOf, textOf } from '../filter_text.js';
import { t } from '../language.js';
import { html, useLayoutEffect, useRef, useState } from '../view.js';
import { LabelField } from './label_field.js';
import { numberText } from './limit_fields.js';
import { Choice, Field, Press } from './parts.js';

const TYPING_RESTS = 300;

/** A text that counts once nobody types any more. */
function useTyped(value, onChange) {
  const [text, setText] = useState(value);
  const timer = useRef(null);
  // Before anything else can be typed: after the next frame it would take back what was.
  useLayoutEffect(() => {
    setText(value);
    return () => clearTimeout(timer.current);
  }, [value]);
  const typed = (event) => {
    const { value: written } = event.currentTarget;
    setText(written);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(written), TYPING_RESTS);
  };
  return [text, typed];
}

export function Filters({ filter, onChange, known, colleagues, contacts }) {
  // What is typed counts a moment later: something else may have been chosen meanwhile.
  const choose = (change) => onChange((before) => ({ ...before, ...change }));
  const picked = (name) => (event) => choose({ [name]: event.currentTarget.value });
  const [search, typeSearch] = useTyped(filter.search, (text) => choose({ search: text }));
  const [label, typeLabel] = useTyped(filter.label, (text) => choose({ label: text }));
  // What is asked of an attribute is one condition, written as the gateway reads it.
  const ask = (change) =>
    onChange((before) => {
      const { key, how, value } = { ...before, ...change };
      const row = { field: attributeField(key), operator: how, value };
      return { ...before, key, how, value, condition: key === '' ? '' : textOf([row], 'and', known.attributes) };
    });
  const [value, typeValue] = useTyped(filter.value, (text) => ask({ value: text }));
  const any = ['', t('contacts.any')];
  const owners = [...colleagues].filter(([, { role }]) => role !== null).map(([id, { name }]) => [id, name]);
  const attribute = known.attributes.find((one) => one.key === filter.key);
  const chosen = Object.entries(filter).filter(([name, one]) => !['search', 'sort', 'order', 'key', 'how', 'value'].includes(name) && one !== '').length;
  return html`
    <div class="filters contact-filters" role="search">
      <${Field} label=${t('contacts.search')} kind="search" value=${search} oninput=${typeSearch} autocomplete="off" spellcheck="false" dir="auto" hint=${t('contacts.search_hint')} />
      <${Choice}
        label=${t('contacts.sort')}
        chosen=${`${filter.sort} ${filter.order}`}
        options=${['created desc', 'activity desc', 'name asc', 'name desc', 'created asc'].map((one) => [one, t(`contacts.sort.${one.replace(' ', '_')}`)])}
        onchange=${(event) => {
          const [sort, order] = event.currentTarget.value.split(' ');
          choose({ sort, order });
        }}
      />
    </div>
    <details class="contact-more">
      <summary>${chosen === 0 ? t('contacts.filters') : t('contacts.filters_on', { count: chosen })}</summary>
      <div class="filters">
        <${LabelField} contacts=${contacts} label=${t('contacts.label')} value=${label} oninput=${typeLabel} />
        ${known.lists.length > 0 && html`<${Choice} label=${t('contacts.list')} chosen=${filter.list} options=${[any, ...known.lists.map((one) => [one.list_id, one.name])]} onchange=${picked('list')} />`}
        ${known.segments.length > 0 &&
        html`<${Choice} label=${t('contacts.segment')} chosen=${filter.segment} options=${[any, ...known.segments.map((one) => [one.segment_id, one.name])]} onchange=${picked('segment')} />`}
        ${owners.length > 0 && html`<${Choice} label=${t('contact.owner')} chosen=${filter.owner} options=${[any, ['none', t('contact.nobody')], ...owners]} onchange=${picked('owner')} />`}
        <${Choice}
          label=${t('contacts.marketing')}
          chosen=${filter.consent}
          options=${[any, ['allowed', t('contacts.allowed')], ['opted_out', t('contacts.opted_out')]]}
          onchange=${picked('consent')}
        />
        ${known.numbers.length > 1 &&
        html`<${Choice} label=${t('contacts.number')} chosen=${filter.number} options=${[any, ...known.numbers.map((one) => [one.phone_number_id, numberText(one)])]} onchange=${picked('number')} />`}
        ${known.attributes.length > 0 &&
        html`<${Choice}
          label=${t('contacts.attribute')}
          chosen=${filter.key}
          options=${[any, ...known.attributes.map((one) => [one.key, one.name])]}
          onchange=${({ currentTarget: { value: key } }) => ask({ key, how: key === '' ? '' : operatorsOf(attributeField(key), known.attributes)[0], value: '' })}
        />`}
        ${attribute &&
        html`<${Choice}
          label=${t('contacts.how_of', { name: attribute.name })}
          chosen=${filter.how}
          options=${operatorsOf(attributeField(attribute.key), known.attributes).map((one) => [one, operatorText(one)])}
          onchange=${(event) => ask({ how: event.currentTarget.value })}
        />`}
        ${attribute &&
        needsValue({ operator: filter.how }) &&
        (['boolean', 'choice'].includes(attribute.type)
          ? html`<${Choice} label=${t('contacts.value_of', { name: attribute.name })} chosen=${filter.value} options=${[any, ...optionsOf(attribute)]} onchange=${(event) => ask({ value: event.currentTarget.value })} />`
          : html`<${Field} label=${t('contacts.value_of', { name: attribute.name })} kind=${attribute.type === 'text' ? 'text' : attribute.type} value=${value} oninput=${typeValue} autocomplete="off" />`)}
        ${isFiltered(filter) && html`<${Press} label=${t('contacts.clear')} run=${() => onChange({ ...NO_FILTER, sort: filter.sort, order: filter.order })} />`}
      </div>
    </details>
  `;
}

const OPERATORS = { '=': 'is', '!=': 'differs', '^=': 'begins', '<': 'less', '<=': 'at_most', '>': 'more', '>=': 'at_least', is: 'yes', not: 'no', has: 'has', 'not has': 'has_not' };

/** An operator in words. */
export function operatorText(operator) {
  return t(`filter.op.${OPERATORS[operator]}`);
}

/** The values among which one of an attribute is chosen: `[value, label]`. */
export function optionsOf({ type, choices = [] }) {
  if (type === 'boolean') return [['true', t('attribute.yes')], ['false', t('attribute.no')]];
  return choices.map((one) => [one, one]);
}
