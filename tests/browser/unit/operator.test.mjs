import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperatorAccess } from '../../../console/operator_access.js';
import { partsOf, samplesOf, sumOf } from '../../../console/pages/metrics_text.js';
import { replayAll } from '../../../console/pages/quarantine.js';
import { tenantsPath } from '../../../console/pages/tenants.js';
import { routeOf } from '../../../console/route.js';

/** A fetch that answers by path, and keeps what was asked. */
function answering(answers) {
  const asked = [];
  const fetch = async (path, options) => {
    asked.push({ path, ...options });
    const { status = 200, json = {}, text = JSON.stringify(json) } = answers[path];
    return { ok: status < 400, status, statusText: '', text: async () => text };
  };
  return { fetch, asked };
}

const LIST = '/v1/admin/operators';
const OPERATORS = [{ operator_id: 'abc123', name: 'Vera', role: 'viewer' }];

test('a token tells whose it is, and goes with every call but no cookie does', async () => {
  const { fetch, asked } = answering({ [LIST]: { json: { operators: OPERATORS } }, '/v1/admin/tenants': { json: { tenants: [] } } });
  const access = new OperatorAccess({ fetch, onLost: () => assert.fail('not lost') });
  assert.deepEqual(await access.signIn('mj_op_abc123_secret_sum'), { id: 'abc123', name: 'Vera', role: 'viewer' });
  await access.ask('GET', '/v1/admin/tenants');
  assert.deepEqual(asked.map(({ headers, credentials }) => [headers.authorization, credentials]), Array(2).fill(['Bearer mj_op_abc123_secret_sum', 'omit']));
});

test('the token of the settings may change things; one that the list does not name only looks', async () => {
  const { fetch } = answering({ [LIST]: { json: { operators: OPERATORS } } });
  const access = new OperatorAccess({ fetch, onLost: () => {} });
  assert.equal((await access.signIn('a-token-of-the-settings')).role, 'admin');
  assert.equal((await access.signIn('mj_op_other_secret_sum')).role, 'viewer');
});

test('a wrong token is no lost one, and one that ends later is', async () => {
  const answers = { [LIST]: { status: 401, json: { error: { code: 'unauthorized' } } } };
  let lost = 0;
  const access = new OperatorAccess({ fetch: answering(answers).fetch, onLost: () => (lost += 1) });
  await assert.rejects(access.signIn('wrong'), { status: 401 });
  await assert.rejects(access.signIn('no header\ncarries this'), { status: 401 });
  assert.equal(lost, 0);
  await assert.rejects(access.ask('GET', LIST), { status: 401 });
  assert.equal(lost, 1);
});

test('a gateway that is not ready still says why', async () => {
  const { fetch, asked } = answering({ '/readyz': { status: 503, json: { status: 'store' } }, '/metrics': { text: 'mesej_build_info{version="1.2"} 1\n' } });
  const { ready, metrics } = await new OperatorAccess({ fetch, onLost: () => {} }).health();
  assert.equal(ready.status, 'store');
  assert.equal(samplesOf(metrics)[0].labels.version, '1.2');
  assert.ok(asked.every(({ headers }) => headers === undefined), 'the token goes only where it is needed');
  const closed = answering({ '/readyz': {}, '/metrics': { status: 404 } });
  await assert.rejects(new OperatorAccess({ fetch: closed.fetch, onLost: () => {} }).health(), { status: 404 });
});

test('metrics are summed by their labels, and one that is not told is no zero', () => {
  const samples = samplesOf('# HELP x y\n# TYPE x gauge\nx{a="1",b="q\\"r"} 2\nx{a="2",b="s"} 3.5\nx{a="2",b="t"} 0\nplain 7 1700000000\n');
  assert.equal(sumOf(samples, 'x'), 5.5);
  assert.equal(sumOf(samples, 'x', { a: '1' }), 2);
  assert.equal(sumOf(samples, 'plain'), 7);
  assert.equal(sumOf(samples, 'none'), null);
  assert.deepEqual(partsOf(samples, 'x', 'a'), [['1', 2], ['2', 3.5]]);
});

test('tenants are asked for in parts, by what is written', () => {
  assert.equal(tenantsPath(''), '/v1/admin/tenants?limit=50');
  assert.equal(tenantsPath('maju & co', 'abc'), '/v1/admin/tenants?limit=50&search=maju+%26+co&cursor=abc');
});

test('all that was put aside is replayed part by part, and no further once nobody looks', async () => {
  const next = { all: true, after: 'x', until: 1 };
  const answers = [{ replayed: 1000, more: true, next }, { replayed: 5, more: false }];
  const asked = [];
  const told = [];
  const post = async (body) => (asked.push(body), answers[asked.length - 1]);
  assert.equal(await replayAll(post, (count) => told.push(count), () => true), 1005);
  assert.deepEqual([asked, told], [[{ all: true }, next], [1000, 1005]]);
  asked.length = 0;
  assert.equal(await replayAll(post, () => {}, () => asked.length === 0), 1000);
});

test('addresses of operators are routes of their own', () => {
  assert.deepEqual(routeOf('#/operator'), { kind: 'operator', page: 'operator/tenants' });
  assert.deepEqual(routeOf('#/operator/health'), { kind: 'operator', page: 'operator/health' });
  assert.deepEqual(routeOf('#/operator/tenants/00ff'), { kind: 'operator', page: 'operator/tenants/00ff' });
  assert.equal(routeOf('#/operator/tenants/..'), null);
  assert.equal(routeOf('#/operator/other'), null);
});
