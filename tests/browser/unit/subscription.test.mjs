import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subscriptionText } from '../../../console/subscription.js';
import '../english.mjs';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;

test('each state that needs somebody has its words, and the others have none', () => {
  const of = (state, more) => subscriptionText({ state, trial_ends: null, paid_until: null, ...more }, NOW);
  assert.equal(of('trial', { trial_ends: NOW + 2.5 * DAY }), 'Your trial ends in 3 days.');
  assert.equal(of('trial', { trial_ends: NOW + 1 }), 'Your trial ends in 1 day.');
  assert.equal(of('trial', { trial_ends: NOW - 1 }), 'Your trial has ended.');
  assert.match(of('past_due'), /payment .* missing/);
  assert.match(of('cancelled', { paid_until: NOW + DAY }), /goes on until/);
  assert.match(of('cancelled', { paid_until: NOW - DAY }), /nothing is sent/);
  for (const state of ['none', 'active', 'something_new']) assert.equal(of(state), null);
  assert.equal(subscriptionText(null, NOW), null);
  assert.equal(subscriptionText(undefined, NOW), null);
});
