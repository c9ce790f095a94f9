import assert from 'node:assert/strict';
import test from 'node:test';
import { bestLanguage, direction, isolated, nodes, number, setLanguage, t } from '../../../console/language.js';
import '../english.mjs';

test('holes are filled, and one that nobody fills stays visible', () => {
  assert.equal(t('any.you', { name: 'Ana' }), 'Ana (you)');
  assert.equal(t('any.you'), '{name} (you)');
  const bold = { bold: true };
  assert.deepEqual(nodes('any.you', { name: bold }), [bold, ' (you)']);
});

test('numbers are written as the language writes them', async () => {
  assert.equal(t('any.you', { name: 1234567 }), '1,234,567 (you)');
  assert.equal(number(0.5, { style: 'percent' }), '50%');
  await setLanguage('nothing', ['nothing']);
  assert.equal(number(1234), '1,234');
});

test('a name of another direction is kept apart from its sentence', () => {
  assert.equal(isolated('Ana'), 'Ana');
  assert.equal(isolated('يارا'), '\u2068يارا\u2069');
  assert.equal(isolated(isolated('يارا')), '\u2068يارا\u2069');
});

test('the first language that there are texts for is taken', () => {
  assert.equal(bestLanguage(['constructor', '__proto__', 'hasOwnProperty']), 'en');
  assert.equal(bestLanguage(['de-AT', 'EN-gb']), 'en');
  assert.equal(bestLanguage([]), 'en');
  assert.equal(direction('ar'), 'rtl');
  assert.equal(direction(), 'ltr');
});
