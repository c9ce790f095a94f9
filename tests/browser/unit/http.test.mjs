import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sentenceOf } from '../../../console/account.js';
import { LONG, call } from '../../../console/http.js';
import { Profile } from '../../../console/profile.js';

const late = () => new DOMException('The operation was aborted due to timeout.', 'TimeoutError');
const fails = (promise, code) => assert.rejects(promise, (error) => error.status === 0 && error.code === code && !/operation/.test(sentenceOf(error)));
/** An answer whose body breaks off. */
const broken = (ok) => async () => ({ ok, status: ok ? 200 : 503, text: async () => Promise.reject(late()), blob: async () => Promise.reject(late()) });

test('a network that fails is told as one that cannot be reached', async () => {
  const refused = async () => Promise.reject(new TypeError('fetch failed'));
  for (const method of ['GET', 'PUT']) await fails(call(refused, method, '/v1/x'), 'unreachable');
});

test('what was not answered in time may have been done, unless it only reads', async () => {
  const slow = async () => Promise.reject(late());
  await fails(call(slow, 'POST', '/v1/numbers'), 'no_answer');
  await fails(call(slow, 'GET', '/v1/numbers'), 'unreachable');
});

test('a body that breaks off is a call without an answer, in the language of the page', async () => {
  await fails(call(broken(true), 'GET', '/v1/x'), 'unreachable');
  await fails(call(broken(true), 'GET', '/v1/x', { as: 'blob' }), 'unreachable');
  await fails(call(broken(true), 'PUT', '/v1/x'), 'no_answer');
});

test('what is told only once is waited for longer than other calls', async (context) => {
  const waits = [];
  context.mock.method(AbortSignal, 'timeout', (wait) => (waits.push(wait), new AbortController().signal));
  const answers = async () => ({ ok: true, status: 200, text: async () => '{"recovery_codes":[]}' });
  const profile = new Profile({ asked: (method, path, body, how) => call(answers, method, path, { body, ...how }) });
  await profile.read();
  await profile.confirmFactor('123456');
  await profile.newCodes('p', '123456');
  assert.deepEqual(waits.slice(1), [LONG, LONG]);
  assert.ok(waits[0] < LONG && LONG > 60_000, 'two questions to Meta of 30 seconds each');
});

test('a file is given as it comes', async () => {
  const blob = new Blob(['a,b']);
  assert.equal(await call(async () => ({ ok: true, status: 200, blob: async () => blob }), 'GET', '/v1/usage', { as: 'blob' }), blob);
  const refused = async () => ({ ok: false, status: 403, text: async () => '{"error":{"code":"forbidden"}}' });
  await assert.rejects(call(refused, 'GET', '/v1/usage', { as: 'blob' }), (error) => error.code === 'forbidden');
});
