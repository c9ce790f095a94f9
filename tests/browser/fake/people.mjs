// People on the fake gateway, as docs/api.md has them: sessions by cookie, teams, invitations. As strict as the real one.

import { randomBytes } from 'node:crypto';
import { RIGHTS } from './business.mjs';
import { OwnAccount } from './own_account.mjs';

const COOKIE = '__Host-mesej';
const ROLES = ['owner', 'admin', 'supervisor', 'agent', 'read_only'];
const DAY = 86_400_000;
const WEEK = 7 * DAY;
const MOST_WRONG = 4;

export const hex = (bytes) => randomBytes(bytes).toString('hex');
export const ok = (json, status = 200, headers = {}) => ({ status, json, headers });

export class Refusal extends Error {
  constructor(status, code, message = code, more = {}) {
    super(message);
    this.answer = { status, json: { error: { code, message, ...more } } };
  }
}

const managed = (mine, role) => mine === 'owner' || (mine === 'admin' && role !== 'owner');

export class People {
  users = new Map();
  teams = new Map();
  sessions = new Map();
  invitations = new Map();
  resets = new Map();
  /** What one does with one's own account. */
  own = new OwnAccount(this);
  /** The keys that somebody made and that still work. */
  keysOf = () => [];
  /** Called with the token of each session that ends. */
  onEnded = () => {};
  #wrong = 0;
  #url;

  constructor(url) {
    this.#url = url;
  }

  // --- what tests set up -------------------------------------------------------------------------------------------

  /** A user, in no team yet. */
  user(name, email, password) {
    const user = { id: hex(16), name, email, password, phone: '', created: Date.now() - 90 * DAY, factor: null, policy: null };
    this.users.set(user.id, user);
    return user;
  }

  /** A tenant with its members: `[[user, role]]`. */
  team(name, members = []) {
    const tenant = hex(8);
    const since = Date.now() - 30 * 86_400_000;
    this.teams.set(tenant, { name, members: new Map(members.map(([{ id }, role]) => [id, { role, since }])) });
    return tenant;
  }

  /** An invitation into a team; its token. */
  invite(tenant, email, role, by = null) {
    for (const [token, one] of this.invitations)
      if (one.tenant === tenant && one.email === email) this.invitations.delete(token);
    const token = `mj_invite_${hex(4)}_${hex(16)}`;
    const created = Date.now();
    this.invitations.set(token, { id: hex(4), tenant, email, role, by, created, expires: created + WEEK });
    return token;
  }

  /** A link to a new password; its token. */
  reset(user) {
    const token = `mj_reset_${hex(4)}_${hex(16)}`;
    this.resets.set(token, user.id);
    return token;
  }

  /** A session in some other browser. */
  open(user, tenant, browser = '') {
    const token = `mj_session_${hex(4)}_${hex(16)}`;
    const now = Date.now();
    const csrf = hex(16);
    this.sessions.set(token, { id: hex(4), token, user: user.id, tenant, csrf, browser, created: now, used: now });
    return token;
  }

  /** Ends the sessions that match. */
  end(matches) {
    const ended = [...this.sessions.values()].filter(matches);
    for (const { token } of ended) {
      this.sessions.delete(token);
      this.onEnded(token);
    }
    return ended.length;
  }

  // --- who calls ---------------------------------------------------------------------------------------------------

  /** Who may make a call in the tenant: `{user, tenant, role, token}`; refuses who may not. */
  seat(method, headers) {
    const session = this.session(method, headers);
    const role = this.roleOf(session);
    if (!role) throw new Refusal(401, 'unauthorized');
    return { user: this.users.get(session.user), tenant: session.tenant, role, token: session.token };
  }

  roleOf({ tenant, user }) {
    return this.teams.get(tenant)?.members.get(user)?.role ?? null;
  }

  #presented(headers) {
    const found = (headers.cookie ?? '').split('; ').map((pair) => pair.split('='));
    return this.sessions.get(found.find(([name]) => name === COOKIE)?.[1]);
  }

  session(method, headers) {
    const session = this.#presented(headers);
    if (!session) throw new Refusal(401, 'unauthorized', 'sign in first');
    session.used = Date.now();
    if (method === 'GET' && headers['x-csrf-token'] === undefined) return session;
    if (method !== 'GET') this.ownPage(headers);
    if (headers['x-csrf-token'] !== session.csrf) throw new Refusal(403, 'bad_origin', '`X-CSRF-Token` is missing');
    return session;
  }

  ownPage(headers) {
    const site = headers['sec-fetch-site'] ?? 'none';
    const own = [undefined, `http://${headers.host}`].includes(headers.origin);
    if (!own || !['none', 'same-origin'].includes(site)) throw new Refusal(403, 'bad_origin');
  }

  // --- the calls ---------------------------------------------------------------------------------------------------

  /** Answers a call about people, or gives null for one that is about something else. */
  answer(method, path, body, headers) {
    const [first, second, third] = path;
    const call = `${method} ${path.slice(0, first === 'team' && third ? 2 : 1).join('/')}`;
    const about = () => this.session(method, headers);
    switch (call) {
      case 'POST session':
        if (second) return this.own.answer(method, path, body, headers);
        return this.ownPage(headers) ?? this.#signIn(body, headers);
      case 'GET session':
        return second ? this.own.answer(method, path, body, headers) : ok(this.shown(about()));
      case 'DELETE session':
        return second ? this.own.answer(method, path, body, headers) : this.#signOut(about());
      case 'PUT session':
        if (second === 'second-factor') return this.own.answer(method, path, body, headers);
        return second === 'tenant' ? this.#changeTenant(about(), body, headers) : this.#changePassword(about(), body, headers);
      case 'PUT password':
        return this.ownPage(headers) ?? this.#newPassword(body);
      case 'GET sessions':
        return ok({ sessions: this.#listed(about()) });
      case 'DELETE sessions':
        return this.#endSession(about(), second);
      case 'POST invitations':
        this.ownPage(headers);
        return second === 'look' ? ok(this.#look(body)) : this.#accept(body, headers);
      case 'GET team':
        return second ? this.#invitations(about()) : ok({ members: this.#members(about()), former: this.teams.get(about().tenant).former ?? [] });
      case 'PUT team':
        return second === 'owner' ? this.#handOver(about(), body) : this.#setRole(about(), second, body);
      case 'DELETE team':
        return this.#remove(about(), second, body ?? {});
      case 'POST team':
        return this.#invite(about(), body);
      case 'DELETE team/invitations':
        return this.#withdraw(about(), third);
      default:
        return this.own.answer(method, path, body, headers);
    }
  }

  // A session that the browser has ends where it opens another one.
  opened(user, tenant, headers) {
    const before = this.#presented(headers);
    if (before) this.end((one) => one === before);
    const token = this.open(user, tenant, headers['user-agent']);
    return ok(this.shown(this.sessions.get(token)), 201, { 'set-cookie': cookie(token, 30 * 86_400) });
  }

  shown(session) {
    const { id: user_id, name, email } = this.users.get(session.user);
    const tenants = this.tenantsOf(session.user);
    const role = this.roleOf(session);
    return {
      user: { user_id, name, email },
      tenant_id: role ? session.tenant : null,
      role,
      rights: RIGHTS[role] ?? [],
      tenants,
      session_id: session.id,
      until: session.created + 30 * 86_400_000,
      csrf_token: session.csrf,
      ...this.own.shown(this.users.get(session.user)),
    };
  }

  tenantsOf(user) {
    return [...this.teams]
      .filter(([, { members }]) => members.has(user))
      .map(([tenant_id, { name, members }]) => ({ tenant_id, name, role: members.get(user).role }));
  }

  /** Refuses who does not show the password and, with a second factor, a code of it. */
  prove(user, { password, code }) {
    this.check(user, password);
    this.own.checkCode(user, code);
  }

  check(user, password) {
    if (this.#wrong >= MOST_WRONG) throw new Refusal(429, 'rate_limited', 'too many wrong passwords: wait', { retry_after_ms: 9_000 });
    if (user?.password === password) {
      this.#wrong = 0;
      return;
    }
    this.#wrong += 1;
    throw new Refusal(401, 'wrong_credentials');
  }

  strong(password) {
    if ([...password].length < 12) throw new Refusal(422, 'weak_password', 'use at least 12 characters');
    if (/^password/i.test(password)) throw new Refusal(422, 'weak_password', 'this is easy to guess: add another word or two');
  }

  #signIn({ email, password, code, tenant_id }, headers) {
    const user = [...this.users.values()].find((one) => one.email === email);
    this.check(user, password);
    this.own.checkCode(user, code);
    this.own.signedIn(user, headers);
    const tenants = this.tenantsOf(user.id).map((one) => one.tenant_id);
    return this.opened(user, tenants.find((one) => !tenant_id || one === tenant_id) ?? null, headers);
  }

  #signOut(session) {
    this.end((one) => one === session);
    return ok({}, 200, { 'set-cookie': cookie('', 0) });
  }

  #changeTenant(session, { tenant_id }, headers) {
    if (!this.tenantsOf(session.user).some((one) => one.tenant_id === tenant_id)) throw new Refusal(404, 'not_found');
    this.end((one) => one === session);
    return this.opened(this.users.get(session.user), tenant_id, headers);
  }

  #changePassword(session, { current, new: fresh, code }, headers) {
    const user = this.users.get(session.user);
    this.strong(fresh);
    this.prove(user, { password: current, code });
    user.password = fresh;
    this.end((one) => one.user === user.id);
    return this.opened(user, session.tenant, headers);
  }

  #newPassword({ token, password }) {
    const user = this.users.get(this.resets.get(token));
    if (!user) throw new Refusal(404, 'not_found');
    this.strong(password);
    this.resets.delete(token);
    user.password = password;
    this.end((one) => one.user === user.id);
    return ok({});
  }

  #listed(session) {
    return [...this.sessions.values()]
      .filter((one) => one.user === session.user)
      .map(({ id, tenant, created, used, browser, token }) => ({
        session_id: id,
        tenant_id: tenant,
        created,
        used,
        browser,
        address: '127.0.0.1',
        is_this: token === session.token,
      }));
  }

  #endSession(session, id) {
    const mine = (one) => one.user === session.user && (id === 'others' ? one !== session : one.id === id);
    const ended = this.end(mine);
    if (ended === 0 && id !== 'others') throw new Refusal(404, 'not_found');
    return ok({ ended_sessions: ended });
  }

  // --- the team ----------------------------------------------------------------------------------------------------

  #members({ tenant }) {
    return [...this.teams.get(tenant).members].map(([id, { role, since, limit = null }]) => {
      const { name, email } = this.users.get(id);
      return { user_id: id, agent: id, name, email, role, since, limit };
    });
  }

  #demand(session, role) {
    if (!ROLES.includes(role)) throw new Refusal(400, 'invalid_request', '`role` is none');
    if (!managed(this.roleOf(session), role)) throw new Refusal(403, 'forbidden');
  }

  // Who is an owner changes only by whoever proves to be the caller.
  #change(session, change, proof) {
    const team = this.teams.get(session.tenant);
    const members = new Map(team.members);
    change(members);
    const owners = (all) => [...all].filter(([, { role }]) => role === 'owner').map(([id]) => id).join();
    if (owners(members) === '') throw new Refusal(409, 'last_owner');
    if (owners(members) !== owners(team.members)) this.#prove(session, proof);
    team.members = members;
  }

  #prove(session, proof) {
    if (proof.password === undefined) throw new Refusal(400, 'invalid_request', '`password` is missing');
    this.prove(this.users.get(session.user), proof);
  }

  #setRole(session, id, { role, limit, ...proof }) {
    const before = this.teams.get(session.tenant).members.get(id);
    if (!before) throw new Refusal(404, 'not_found');
    this.#demand(session, before.role);
    this.#demand(session, role);
    this.#change(session, (members) => members.set(id, { ...before, role, ...(limit !== undefined && { limit }) }), proof);
    this.end((one) => one.user === id && one.tenant === session.tenant);
    return ok({ user_id: id, role });
  }

  #handOver(session, { user_id: id, ...proof }) {
    this.#demand(session, 'owner');
    this.#prove(session, proof);
    const { members } = this.teams.get(session.tenant);
    if (!members.has(id)) throw new Refusal(404, 'not_found');
    members.set(session.user, { ...members.get(session.user), role: 'admin' });
    members.set(id, { ...members.get(id), role: 'owner' });
    this.end((one) => one.user === id && one.tenant === session.tenant);
    return ok({ user_id: id });
  }

  #remove(session, id, proof) {
    const before = this.teams.get(session.tenant).members.get(id);
    if (!before) throw new Refusal(404, 'not_found');
    if (id !== session.user) this.#demand(session, before.role);
    this.#change(session, (members) => members.delete(id), proof);
    this.end((one) => one.user === id && one.tenant === session.tenant);
    return ok({ user_id: id, keys: this.keysOf(id) });
  }

  #invitations(session) {
    this.#demand(session, 'agent');
    const open = [...this.invitations.values()].filter((one) => one.tenant === session.tenant);
    return ok({ invitations: open.map(({ id, tenant: _, ...one }) => ({ invitation_id: id, ...one })) });
  }

  #invite(session, { email, role, limit = null, ...proof }) {
    this.#demand(session, role);
    if (role === 'owner') this.#prove(session, proof);
    if (this.#members(session).some((one) => one.email === email)) throw new Refusal(409, 'already_member');
    const token = this.invite(session.tenant, email, role, session.user);
    this.invitations.get(token).limit = limit;
    const { id, tenant, ...made } = this.invitations.get(token);
    return ok({ invitation_id: id, ...made, token, link: `${this.#url()}/#/invitation/${tenant}/${token}` }, 201);
  }

  #withdraw(session, id) {
    const [token, { role }] = [...this.invitations].find(([, one]) => one.id === id) ?? [null, {}];
    if (!token) throw new Refusal(404, 'not_found');
    this.#demand(session, role);
    this.invitations.delete(token);
    return ok({ invitation_id: id });
  }

  #invited({ tenant_id, token }) {
    const found = this.invitations.get(token);
    if (found?.tenant !== tenant_id) throw new Refusal(404, 'not_found', 'this link is unknown, was used, or is over');
    return { ...found, known: [...this.users.values()].find((one) => one.email === found.email) };
  }

  #look(body) {
    const { tenant, email, role, known } = this.#invited(body);
    return { tenant_id: tenant, tenant_name: this.teams.get(tenant).name, email, role, has_account: Boolean(known) };
  }

  #accept(body, headers) {
    const { tenant, email, role, known } = this.#invited(body);
    if (known) {
      this.check(known, body.password);
      this.own.checkCode(known, body.code);
    } else {
      if (!body.name) throw new Refusal(400, 'invalid_request', '`name` is missing: what colleagues see');
      if (body.is_of_age !== true) throw new Refusal(400, 'invalid_request', '`is_of_age` must be true');
      const version = this.own.signUpRules().json.policy?.version;
      if (body.policy_version !== version) throw new Refusal(400, 'invalid_request', '`policy_version` is another');
      this.strong(body.password);
    }
    const user = known ?? this.user(body.name, email, body.password);
    this.teams.get(tenant).members.set(user.id, { role, since: Date.now() });
    this.invitations.delete(body.token);
    return this.opened(user, tenant, headers);
  }
}

function cookie(token, lasts) {
  return `${COOKIE}=${token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${lasts}`;
}
