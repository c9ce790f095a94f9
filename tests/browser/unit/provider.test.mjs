import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrivalText, companyAddress } from '../../../console/account.js';
import { providerBody } from '../../../console/pages/provider.js';
import { routeOf } from '../../../console/route.js';
import '../english.mjs';

test('what is sent leaves out a secret that stays, and groups without a name', () => {
  const form = { issuer: 'https://a.example', client_id: 'mesej', new_people: 'refused' };
  assert.deepEqual(providerBody(form, [{ group: ' it ', role: 'admin' }, { group: ' ', role: 'owner' }], ['groups']), { ...form, roles: { it: 'admin' }, scopes: ['groups'] });
  assert.deepEqual(providerBody({ ...form, client_secret: 's', password: 'p' }, []), { ...form, client_secret: 's', password: 'p' });
});

test('each code that the way back may bring has words of its own', () => {
  const codes = ['no_sign_in_provider', 'provider_unavailable', 'refused_by_provider', 'sign_in_expired', 'provider_token_refused', 'no_role', 'not_connected', 'connected_to_another', 'no_email', 'limit_reached', 'rate_limited'];
  const texts = codes.map(arrivalText);
  assert.equal(new Set(texts).size, codes.length);
  assert.ok(!texts.includes(arrivalText('never_heard_of')));
  assert.ok(texts.every((text) => !/[{}]/.test(text)), 'no hole is left');
});

test('addresses of signing in by a company are read whole', () => {
  assert.deepEqual(routeOf('#/sign-in?error=no_role'), { kind: 'sign-in', error: 'no_role' });
  assert.equal(routeOf('#/sign-in?error=<b>'), null);
  assert.deepEqual(routeOf('#/sign-in/company'), { kind: 'company', tenant_id: null });
  assert.deepEqual(routeOf('#/sign-in/company/00ff'), { kind: 'company', tenant_id: '00ff' });
  assert.equal(companyAddress('00ff'), '/v1/sign-in/00ff');
});
