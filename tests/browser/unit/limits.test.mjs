import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addTexts } from '../../../console/language.js';
import { isLimitable, limitOf, limitText } from '../../../console/pages/limit_fields.js';

const SCOPE = {
  teams: [{ team_id: 't1', name: 'Penang', members: [], numbers: ['1'] }],
  numbers: [{ phone_number_id: '1', display_phone_number: '+60 1' }, { phone_number_id: '2' }],
};

test('all numbers are no limit, and none chosen is an empty one', () => {
  assert.equal(limitOf({ sees: 'all', limit_numbers: ['1'] }), null);
  assert.deepEqual(limitOf({ sees: 'some' }), { numbers: [], teams: [] });
  assert.deepEqual(limitOf({ sees: 'some', limit_numbers: ['1'], limit_teams: ['t1'] }), { numbers: ['1'], teams: ['t1'] });
});

test('a limit is told by names, and one that names nothing any more as that', async () => {
  await addTexts('manage');
  assert.equal(limitText({ numbers: ['2'], teams: ['t1'] }, SCOPE), 'sees Penang and 2');
  assert.equal(limitText({ numbers: [], teams: ['gone'] }, SCOPE), 'sees no number');
});

test('owners and admins have no limit', () => {
  assert.deepEqual(['owner', 'admin', 'supervisor', 'agent', 'read_only'].filter(isLimitable), ['supervisor', 'agent', 'read_only']);
});
