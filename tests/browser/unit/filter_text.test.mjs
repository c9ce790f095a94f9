// Filters as rows and as text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterOf, rowsOf, textOf } from '../../../console/filter_text.js';
import { NO_FILTER } from '../../../console/contacts.js';
import { addTexts, setLanguage } from '../../../console/language.js';
import { filterWords, wrongText } from '../../../console/pages/filter_words.js';
import '../english.mjs';

const ATTRIBUTES = [
  { key: 'city', name: 'City', type: 'text' },
  { key: 'tier', name: 'Tier', type: 'number' },
  { key: 'since', name: 'Since', type: 'date' },
  { key: 'vip', name: 'VIP', type: 'boolean' },
  { key: 'name', name: 'Second name', type: 'text' },
];
const row = (field, operator, value = '') => ({ field, operator, value });

test('rows become a text, and the text the same rows', () => {
  const cases = [
    ['', []],
    ['label = "vip"', [row('label', '=', 'vip')]],
    ['label != "a \\"b\\" \\\\ c"', [row('label', '!=', 'a "b" \\ c')]],
    ['owner = me and owner != "u1"', [row('owner', '=', 'me'), row('owner', '!=', 'u1')]],
    ['not opted_out and is_minor', [row('opted_out', 'not'), row('is_minor', 'is')]],
    ['last_active < 30d and created > 2026-01-01', [row('last_active', '<', '30d'), row('created', '>', '2026-01-01')]],
    ['attribute.tier >= 2.5 and attribute.since < 2026-01-01 and attribute.vip = true', [row('attribute.tier', '>=', '2.5'), row('attribute.since', '<', '2026-01-01'), row('attribute.vip', '=', 'true')]],
    ['attribute.city ^= "Ja" and attribute.unheard = "2"', [row('attribute.city', '^=', 'Ja'), row('attribute.unheard', '=', '2')]],
    ['has attribute.city and not has attribute.tier and not has conversation', [row('attribute.city', 'has'), row('attribute.tier', 'not has'), row('conversation', 'not has')]],
    ['name ^= "an" and attribute.name = "x"', [row('name', '^=', 'an'), row('attribute.name', '=', 'x')]],
  ];
  for (const [text, rows] of cases) {
    assert.equal(textOf(rows, 'and', ATTRIBUTES), text);
    assert.deepEqual(rowsOf(text, ATTRIBUTES), { rows, join: 'and' }, text);
  }
  assert.deepEqual(rowsOf('label = "a" or label = "b"', ATTRIBUTES), { rows: [row('label', '=', 'a'), row('label', '=', 'b')], join: 'or' });
  assert.equal(textOf([row('label', '=', ' '), row('attribute.tier', '>=')], 'and', ATTRIBUTES), '', 'what has no value yet is left out');
});

test('an attribute may be written by its key alone', () => {
  assert.deepEqual(rowsOf('city = "Jakarta"', ATTRIBUTES)?.rows, [row('attribute.city', '=', 'Jakarta')]);
});

test('what rows cannot show is no rows', () => {
  for (const text of [
    '(label = "a")',
    'label = "a" and label = "b" or label = "c"',
    'not label = "a"',
    'not not opted_out',
    'label = "a" and',
    'and label = "a"',
    'label = vip',
    'label = "a',
    'label ^= "a"',
    'attribute.tier = "2"',
    'attribute.city = 2',
    'attribute.city < "x"',
    'opted_out = true',
    'has opted_out',
    'label',
    'label =',
    'label = "a" "b"',
    '🌱',
  ])
    assert.equal(rowsOf(text, ATTRIBUTES), null, text);
});

test('what a list is narrowed by is one filter', () => {
  const segments = [{ segment_id: 's1', filter: 'label = "a" or label = "b"' }, { segment_id: 's2', filter: '' }, { segment_id: 's3', filter: null }];
  const of = (filter) => filterOf({ ...NO_FILTER, ...filter }, segments);
  assert.equal(of({}), '');
  assert.equal(of({ label: 'vip', consent: 'allowed', owner: 'none', condition: 'attribute.tier >= 2' }), 'label = "vip" and owner = none and not opted_out and attribute.tier >= 2');
  assert.equal(of({ segment: 's1', list: 'l1' }), '(label = "a" or label = "b") and list = "l1"');
  assert.equal(of({ segment: 's1' }), '(label = "a" or label = "b")');
  assert.deepEqual([of({ segment: 's2' }), of({ segment: 'gone' }), of({ segment: 's3' }), of({ search: 'an' })], ['', null, null, null]);
});

test('in other languages a filter is said in the page’s words, where rows show it', async (context) => {
  context.after(() => setLanguage('en'));
  const definitions = { attributes: ATTRIBUTES, lists: [{ list_id: 'l1', name: 'Club' }], numbers: [{ phone_number_id: '7', display_phone_number: '+60 1' }] };
  const said = (filter) => filterWords(filter, 'gateway', definitions, new Map([['u1', { name: 'Ana' }]]));
  assert.equal(said('label = "vip"'), 'gateway');
  await setLanguage('es');
  await addTexts('contacts');
  const plain = (text) => text.replace(/[\u2066-\u2069]/g, '');
  assert.equal(plain(said('label = "vip"')), 'Etiqueta es vip');
  assert.equal(plain(said('list = "l1" or owner = "u1" or last_active < 30d')), 'Cualquiera de estas: Lista es Club · A cargo de es Ana · Última actividad en los últimos 30 días');
  assert.equal(plain(said('attribute.vip = true and not opted_out and number = "7"')), 'Todas estas: VIP es Sí · Sin publicidad no · Número al que escribe es +60 1');
  assert.deepEqual([said('(label = "vip")'), said(null)], ['gateway', 'gateway']);
  assert.match(wrongText('expected `=`'), /lugar marcado/);
});
