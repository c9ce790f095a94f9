import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Access } from '../../../console/access.js';
import { Account } from '../../../console/account.js';

const person = (changes = {}) => ({
  user: { user_id: 'u1', name: 'Ana', email: 'ana@example.com' },
  tenant_id: 't1',
  role: 'agent',
  tenants: [],
  csrf_token: 'c1',
  ...changes,
});
const refusal = (status, code, more = {}) => [status, { error: { code, message: code, ...more } }];

/** An access on answers by call: `{'GET /v1/session': [200, {…}]}`; a function is asked each time. */
function rig(given) {
  const answers = { ...('GET /v1/session' in given ? entry({ has_session: true }) : {}), ...given };
  const calls = [];
  const told = [];
  const fetch = async (path, { method, headers, body, credentials }) => {
    calls.push({ call: `${method} ${path}`, headers, body: body && JSON.parse(body), credentials });
    const answer = answers[`${method} ${path}`];
    const [status, json] = (typeof answer === 'function' ? await answer(headers) : answer) ?? refusal(404, 'not_found');
    return { ok: status < 300, status, statusText: '', text: async () => JSON.stringify(json) };
  };
  const access = new Access({ fetch, onLost: () => told.push('lost'), onOther: () => told.push('other') });
  return { access, calls, told, answers, of: (call) => calls.filter((one) => one.call === call) };
}

const fails = (promise, code) => assert.rejects(promise, (error) => error.code === code);

const entry = (changes = {}) => ({ 'GET /v1/sign-up': [200, { mode: 'closed', demo: false, has_session: false, ...changes }] });

test('a page of the demo that names an agent has the key, which goes with every call, and no cookie does', async () => {
  const { access, calls } = rig({ ...entry({ demo: true, has_session: true }), 'GET /demo/session': [200, { api_key: 'k' }], 'GET /v1/x': [200, {}] });
  assert.deepEqual(await access.begin({ isAgent: true }), { hasKey: true, isDemo: true, person: null });
  await access.asked('GET', '/v1/x');
  assert.equal(calls[2].headers.authorization, 'Bearer k');
  assert.equal(calls[2].credentials, 'omit');
  assert.equal(access.isSession, false);
});

test('a demo that started anew is asked for its new key, once', async () => {
  let key = 'k1';
  const { access, of } = rig({
    ...entry({ demo: true }),
    'GET /demo/session': () => [200, { api_key: key }],
    'GET /v1/x': ({ authorization }) => (authorization === 'Bearer k2' ? [200, { fine: true }] : refusal(401, 'unauthorized')),
  });
  await access.begin({ isAgent: true });
  key = 'k2';
  assert.deepEqual(await access.asked('GET', '/v1/x'), { fine: true });
  key = 'k3';
  assert.equal(of('GET /demo/session').length, 2);
});

test('the cookie says who is signed in, in the demo, too', async () => {
  for (const demo of [false, true]) {
    const signed = rig({ ...entry({ demo, has_session: true }), 'GET /v1/session': [200, person()] });
    assert.deepEqual(await signed.access.begin(), { hasKey: false, isDemo: demo, person: person() });
    assert.deepEqual(signed.calls.map((one) => one.credentials), ['same-origin', 'same-origin']);
  }
  const over = rig({ ...entry({ has_session: true }), 'GET /v1/session': refusal(401, 'unauthorized') });
  assert.deepEqual(await over.access.begin(), { hasKey: false, isDemo: false, person: null });
  assert.deepEqual(over.told, []);
});

test('for a browser without a cookie nothing is asked that would be refused', async () => {
  const { access, calls } = rig(entry());
  assert.deepEqual(await access.begin({ isAgent: true }), { hasKey: false, isDemo: false, person: null });
  assert.deepEqual(calls.map(({ call }) => call), ['GET /v1/sign-up']);
});

test('a server that is not there is not taken for one where nobody is signed in', async () => {
  const { access, of } = rig({ 'GET /v1/sign-up': refusal(503, 'unavailable') });
  await fails(access.begin(), 'unavailable');
  assert.equal(of('GET /v1/session').length, 0);
});

test('every call of a session carries its token', async () => {
  const { access, of } = rig({ 'GET /v1/session': [200, person()], 'GET /v1/x': [200, {}], 'POST /v1/x': [200, {}] });
  await access.begin();
  await access.asked('GET', '/v1/x');
  await access.asked('POST', '/v1/x', { a: 1 });
  assert.equal(of('GET /v1/x')[0].headers['x-csrf-token'], 'c1');
  assert.deepEqual(of('POST /v1/x')[0].headers, { 'x-csrf-token': 'c1', 'content-type': 'application/json' });
});

test('a call after the session has ended tells of it', async () => {
  const { access, told } = rig({ 'GET /v1/session': [200, person()], 'GET /v1/x': refusal(401, 'unauthorized') });
  await access.begin();
  await fails(access.asked('GET', '/v1/x'), 'unauthorized');
  assert.deepEqual(told, ['lost']);
});

test('a wrong password is no lost session', async () => {
  const { access, told } = rig({ 'GET /v1/session': [200, person()], 'PUT /v1/session/password': refusal(401, 'wrong_credentials') });
  await access.begin();
  await fails(new Account(access).changePassword('a', 'b'), 'wrong_credentials');
  assert.deepEqual(told, []);
});

test('a token of an older session of the same person is replaced, and the call made again', async () => {
  const { access, answers, told } = rig({
    'GET /v1/session': [200, person()],
    'POST /v1/x': (headers) => (headers['x-csrf-token'] === 'c2' ? [200, { fine: true }] : refusal(403, 'bad_origin')),
  });
  await access.begin();
  answers['GET /v1/session'] = [200, person({ csrf_token: 'c2' })];
  assert.deepEqual(await access.asked('POST', '/v1/x'), { fine: true });
  assert.deepEqual(told, []);
});

test('a call that was refused for the session before is made again, and asks nobody to sign in', async () => {
  let session = 'c1';
  let answered;
  const held = new Promise((resolve) => (answered = resolve));
  const { access, answers, told, of } = rig({
    'GET /v1/session': [200, person()],
    'POST /v1/x': (headers) => held.then(() => (headers['x-csrf-token'] === session ? [200, { fine: true }] : refusal(401, 'unauthorized'))),
  });
  await access.begin();
  session = 'c2';
  answers['GET /v1/session'] = [200, person({ csrf_token: 'c2' })];
  const late = access.asked('POST', '/v1/x');
  await access.takeSession();
  answered();
  assert.deepEqual(await late, { fine: true });
  assert.deepEqual(told, []);
  session = 'c3';
  await fails(access.asked('POST', '/v1/x'), 'unauthorized');
  assert.deepEqual(told, ['lost']);
  assert.equal(of('POST /v1/x').length, 3);
});

test('a session that ended between two tries is told as that', async () => {
  const { access, answers, told } = rig({
    'GET /v1/session': [200, person()],
    'POST /v1/x': (headers) => (headers['x-csrf-token'] === 'c1' ? refusal(403, 'bad_origin') : refusal(401, 'unauthorized')),
  });
  await access.begin();
  answers['GET /v1/session'] = [200, person({ csrf_token: 'c2' })];
  await fails(access.asked('POST', '/v1/x'), 'unauthorized');
  assert.deepEqual(told, ['lost']);
});

test('rows of another session’s tenant are not taken for those of the page', async () => {
  const { access, answers, told } = rig({
    'GET /v1/session': [200, person()],
    'GET /v1/team': (headers) => (headers['x-csrf-token'] === 'c2' ? [200, { members: ['of t2'] }] : refusal(403, 'bad_origin')),
  });
  await access.begin();
  answers['GET /v1/session'] = [200, person({ csrf_token: 'c2', tenant_id: 't2' })];
  await fails(access.asked('GET', '/v1/team'), 'bad_origin');
  assert.deepEqual(told, ['other']);
});

test('a call is not made for somebody else, or for another tenant, who took over the cookie', async () => {
  const others = [person({ csrf_token: 'c2', user: { user_id: 'u2' } }), person({ csrf_token: 'c2', tenant_id: 't2' })];
  for (const other of others) {
    const { access, answers, told, of } = rig({ 'GET /v1/session': [200, person()], 'POST /v1/x': refusal(403, 'bad_origin') });
    await access.begin();
    answers['GET /v1/session'] = [200, other];
    await fails(access.asked('POST', '/v1/x'), 'bad_origin');
    assert.deepEqual(told, ['other']);
    assert.equal(of('POST /v1/x').length, 1);
  }
});

test('a page that is refused for its address is told so, and not asked forever', async () => {
  const { access, of } = rig({ 'GET /v1/session': [200, person()], 'POST /v1/x': refusal(403, 'bad_origin') });
  await access.begin();
  await fails(access.asked('POST', '/v1/x'), 'bad_origin');
  assert.equal(of('POST /v1/x').length, 2);
});

test('signing in is believed only when the browser kept the cookie', async () => {
  const { access, answers } = rig({ 'POST /v1/session': [201, person()], 'GET /v1/session': refusal(401, 'unauthorized') });
  const account = new Account(access);
  const given = { email: 'ana@example.com', password: 'p' };
  await fails(account.signIn(given), 'cookie_refused');
  answers['GET /v1/session'] = [200, person()];
  assert.deepEqual(await account.signIn(given), person());
});

test('a link that leads nowhere is told apart from all else that is not there', async () => {
  const { access, answers } = rig({});
  const account = new Account(access);
  await fails(account.look({ tenant_id: 't', token: 'x' }), 'link_over');
  await fails(account.newPassword('x', 'p'), 'link_over');
  answers['POST /v1/invitations/accept'] = refusal(422, 'weak_password');
  await fails(account.accept({ tenant_id: 't', token: 'x' }, { password: 'p' }), 'weak_password');
});
