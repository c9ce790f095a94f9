import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folded, matches } from '../../../console/search.js';

test('a text is compared without accents, capitals and joined letters', () => {
  assert.equal(folded('Tomás ŁĘCKI Straße ﬁn'), 'tomas lecki strasse fin');
  assert.ok(matches('lecki', [undefined, 'Tomás Łęcki']));
  assert.ok(!matches('lecko', ['Tomás Łęcki']));
});

test('a phone is found however it is written, and only by digits', () => {
  for (const query of ['+62 813', '0062813', '813-555', '(6281)', '62813 5550 1234'])
    assert.ok(matches(query, [], '6281355501234'), query);
  assert.ok(!matches('+', [], '6281355501234'));
  assert.ok(!matches('63', [], '6281355501234'));
  assert.ok(!matches('81a3', [], '6281355501234'));
});

test('an empty query finds everybody', () => {
  assert.ok(matches('  ', [], undefined));
});
