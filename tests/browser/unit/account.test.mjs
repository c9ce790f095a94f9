import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROLES, browserName, rolesGivenBy, sentenceOf } from '../../../console/account.js';
import { addTexts } from '../../../console/language.js';
import { Colleagues } from '../../../console/colleagues.js';
import { ApiError } from '../../../console/http.js';
import { authorName } from '../../../console/people.js';
import { PAGES, hashOf, hashOfPage, routeOf } from '../../../console/route.js';
import { settle } from './wire.mjs';
import '../english.mjs';

test('refusals are told in words, with the time to wait', () => {
  const told = (...parts) => sentenceOf(new ApiError(...parts));
  assert.equal(told(401, 'wrong_credentials', 'raw'), 'The e-mail address or the password is wrong.');
  assert.equal(told(429, 'rate_limited', 'raw', 9_100), 'Too many attempts. Try again in 10 seconds.');
  assert.equal(told(429, 'rate_limited', 'raw', 200), 'Too many attempts. Try again in 1 second.');
  assert.equal(told(429, 'rate_limited', 'raw', 100_000), 'Too many attempts. Try again in 2 minutes.');
  assert.equal(told(429, 'rate_limited', 'raw'), 'Too many attempts. Try again in a minute.');
  assert.match(told(0, 'unreachable', ''), /cannot be reached/);
  assert.match(told(0, 'cookie_refused', ''), /by https/);
  assert.match(told(503, 'busy', 'raw'), /just now/);
  assert.match(told(503, 'uncertain', 'raw'), /may have done this/);
  assert.match(told(429, 'new_quota', 'raw', 9_000), /as much of this as it may/, 'a quota is no number of attempts');
  assert.match(told(429, 'too_many_sockets', 'raw'), /windows open/);
  assert.match(told(409, 'too_late', 'raw'), /on its way already/);
  assert.equal(told(422, 'weak_password', 'add a word'), 'Add a word.');
  assert.equal(told(418, 'new', ''), 'That did not work.');
});

test('an owner gives every role, an admin all but owner, others none', () => {
  const all = ROLES;
  assert.deepEqual(rolesGivenBy('owner'), all);
  assert.deepEqual(rolesGivenBy('admin'), all.slice(1));
  for (const role of [...all.slice(2), 'unheard_of', null]) assert.deepEqual(rolesGivenBy(role), []);
});

test('a browser is called by its name and its system', async () => {
  await addTexts('profile');
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
  const cases = {
    [chrome]: 'Chrome on Linux',
    [`${chrome} Edg/140.0.0.0`]: 'Edge on Linux',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1':
      'Safari on iPhone',
    'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36':
      'Samsung Internet on Android',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0': 'Firefox on Windows',
    'curl/8.9.1': 'curl/8.9.1',
    '': 'An unknown browser',
  };
  for (const [text, name] of Object.entries(cases)) assert.equal(browserName(text), name);
});

test('a route is read whole, and one that was cut is told apart from none', () => {
  const id = '0123456789abcdef'.repeat(2);
  assert.deepEqual(routeOf('#/invitation/00c0ffee00c0ffee/mj_invite_ab_CD-9'), {
    kind: 'invitation',
    tenant_id: '00c0ffee00c0ffee',
    token: 'mj_invite_ab_CD-9',
  });
  assert.deepEqual(routeOf('#/password/mj_reset_ab'), { kind: 'password', token: 'mj_reset_ab' });
  assert.deepEqual(routeOf(hashOf(id)), { kind: 'conversation', id });
  for (const cut of ['#/invitation', '#/invitation/00c0ffee00c0ffee', '#/invitation/00c0ffee00c0ffee/', '#/password/a b', '#/password/'])
    assert.equal(routeOf(cut).token, null, cut);
  for (const inbox of ['', '#', '#/']) assert.deepEqual(routeOf(inbox), { kind: 'inbox' });
  for (const page of PAGES) assert.deepEqual(routeOf(hashOfPage(page)), { kind: 'page', page });
  assert.deepEqual(routeOf(hashOfPage('inbox')), routeOf(hashOf(null)));
  for (const none of ['#log', '#/teams', '#/team/x', '#/conversations/', `#/conversations/${id}0`, '#/conversations/../x', '#/invitations'])
    assert.equal(routeOf(none), null, none);
});

test('colleagues are called by the names of the team, and who left by the beginning of the id', () => {
  const [ben, yara, gone] = ['b', 'c', 'd'].map((letter) => letter.repeat(32));
  const me = { agent: 'a'.repeat(32), name: 'Ana', colleagues: new Map([[ben, { name: 'Ben' }], [yara, { name: 'يارا' }]]) };
  const name = (id) => authorName({ kind: 'agent', id }, me);
  assert.equal(name(me.agent), 'You');
  assert.equal(name(ben), 'Ben');
  assert.equal(name(yara), '\u2068يارا\u2069', 'kept apart from a sentence of the other direction');
  assert.equal(name(gone), 'Agent dddddd');
  assert.equal(name('night_shift'), 'Night Shift', 'an agent of a program');
});

test('the team is read again for a stranger, once, and not for those who are known', async () => {
  const members = [{ agent: 'ana', name: 'Ana', role: 'owner', limit: null }, { agent: 'ben', name: 'Ben', role: 'agent', limit: { numbers: ['1'], teams: ['t2'] } }];
  let reads = 0;
  let known = new Map();
  const colleagues = new Colleagues({
    read: async () => {
      reads += 1;
      return { members, teams: [{ team_id: 't1', numbers: ['2'] }, { team_id: 't2', numbers: ['3'] }], former: [{ agent: 'old', name: 'Olga' }, { agent: 'erased', name: null }] };
    },
    loaded: (loaded) => (known = loaded),
  });
  await colleagues.load();
  assert.deepEqual([known.get('ana').numbers, known.get('ben').numbers], [null, ['1', '3']], 'who is limited sees the numbers of their teams, too');
  assert.deepEqual([known.get('old'), known.has('erased')], [{ name: 'Olga', role: null }, false], 'who left keeps the name');
  colleagues.ensure(['ana', undefined, null], known);
  await settle();
  assert.equal(reads, 1);
  members.push({ agent: 'nia', name: 'Nia', role: 'agent' });
  colleagues.ensure(['nia', 'a-program'], known);
  colleagues.ensure(['nia', 'a-program'], known);
  await settle();
  assert.equal(known.get('nia').name, 'Nia');
  colleagues.ensure(['a-program'], known);
  await settle();
  assert.equal(reads, 2);
});

test('names stay when the team cannot be read', async () => {
  const seen = [];
  const refused = async () => {
    throw new ApiError(503, 'unavailable', '');
  };
  await new Colleagues({ read: refused, loaded: (known) => seen.push(known) }).load();
  assert.deepEqual(seen, []);
});
