// People: signing in and out, one's own sessions and password, the team, links that let somebody in. No DOM in here.

import { ApiError } from './http.js';

/** What a member may be, most trusted first: what it is called, and what it allows. */
export const ROLES = {
  owner: { name: 'Owner', allows: 'everything, owners too' },
  admin: { name: 'Admin', allows: 'answers and manages the team' },
  supervisor: { name: 'Supervisor', allows: 'answers customers' },
  agent: { name: 'Agent', allows: 'answers customers' },
  read_only: { name: 'Read only', allows: 'reads and changes nothing' },
};

/** What a role is called. */
export function roleName(role) {
  return ROLES[role]?.name ?? role;
}

/** The roles that somebody may give and take. */
export function rolesGivenBy(role) {
  if (role === 'owner') return Object.keys(ROLES);
  return role === 'admin' ? Object.keys(ROLES).filter((one) => one !== 'owner') : [];
}

const SENTENCES = {
  wrong_credentials: 'The e-mail address or the password is wrong.',
  bad_origin: 'The gateway does not take this from this address. Open the page by the gateway’s own address.',
  cookie_refused: 'The browser does not keep the sign-in at this address. Open the page by https.',
  link_over: 'This link was used already, is over, or was taken back. Ask for a new one.',
  forbidden: 'Your role does not allow this.',
  last_owner: 'The team would have no owner. Make somebody else an owner first.',
  already_member: 'This person is in the team already.',
  not_found: 'This is not there any more.',
  unauthorized: 'You are signed out. Sign in again.',
};

/** A refusal in words. */
export function sentenceOf(error) {
  if (error.status === 0) return SENTENCES[error.code] ?? 'The server cannot be reached. Try again in a moment.';
  if (error.status === 429) return `Too many attempts. Try again ${error.wait === null ? 'in a minute' : `in ${waitText(error.wait)}`}.`;
  if (error.status >= 500) return 'The server cannot do that just now. Try again in a moment.';
  return SENTENCES[error.code] ?? sentence(error.message);
}

function sentence(text) {
  if (!text) return 'That did not work.';
  return `${text[0].toLocaleUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

function waitText(wait) {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  if (seconds < 90) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}

const BROWSERS = [
  ['Edge', /Edg(e|A|iOS)?\//],
  ['Opera', /OPR\//],
  ['Samsung Internet', /SamsungBrowser\//],
  ['Firefox', /Firefox\/|FxiOS\//],
  ['Chrome', /Chrome\/|CriOS\//],
  ['Safari', /Safari\//],
];
const SYSTEMS = [
  ['Android', /Android/],
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['Windows', /Windows/],
  ['Mac', /Macintosh|Mac OS X/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux/],
];

/** What a browser calls itself, short: "Firefox on Linux". */
export function browserName(text = '') {
  const find = (list) => list.find(([, pattern]) => pattern.test(text))?.[0];
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? (text.slice(0, 40) || 'An unknown browser');
}

export class Account {
  #access;

  constructor(access) {
    this.#access = access;
  }

  /** Signs in and gives who that is; works for `tenant_id` if it is given and possible. */
  async signIn({ email, password, tenant_id }) {
    await this.#access.open('POST', '/v1/session', { email, password, ...(tenant_id && { tenant_id }) });
    return this.#opened();
  }

  /** Signs out. A session that is over already is no mistake. */
  async signOut() {
    await this.#access.asked('DELETE', '/v1/session').catch((error) => {
      if (error.status !== 401) throw error;
    });
  }

  /** Works for another tenant from now on. */
  async changeTenant(tenant_id) {
    await this.#access.asked('PUT', '/v1/session/tenant', { tenant_id });
    return this.#opened();
  }

  /** Changes one's own password: all sessions end, and this page goes on in a new one. */
  async changePassword(current, fresh) {
    await this.#access.asked('PUT', '/v1/session/password', { current, new: fresh });
    return this.#opened();
  }

  /** Sets a new password by a link. */
  newPassword(token, password) {
    return this.#access.open('PUT', '/v1/password', { token, password }).catch(linkOver);
  }

  /** Whom a link invites, and into whose team. */
  look({ tenant_id, token }) {
    return this.#access.open('POST', '/v1/invitations/look', { tenant_id, token }).catch(linkOver);
  }

  /** Follows an invitation and gives who is signed in by it; `name` is for somebody new. */
  async accept({ tenant_id, token }, { name, password }) {
    const body = { tenant_id, token, password, ...(name && { name }) };
    await this.#access.open('POST', '/v1/invitations/accept', body).catch(linkOver);
    return this.#opened();
  }

  /** Where one is signed in, the latest use first. */
  async sessions() {
    const { sessions } = await this.#access.asked('GET', '/v1/sessions');
    return sessions.sort((one, other) => Number(other.is_this) - Number(one.is_this) || other.used - one.used);
  }

  /** Ends one session; `others` ends all but this one. */
  endSession(id) {
    return this.#access.asked('DELETE', `/v1/sessions/${encodeURIComponent(id)}`);
  }

  /** Who is in the team. */
  async team() {
    return (await this.#access.asked('GET', '/v1/team')).members;
  }

  /** Gives a member another role. */
  setRole(user_id, role) {
    return this.#access.asked('PUT', `/v1/team/${encodeURIComponent(user_id)}`, { role });
  }

  /** Takes a member out of the team. */
  removeMember(user_id) {
    return this.#access.asked('DELETE', `/v1/team/${encodeURIComponent(user_id)}`);
  }

  /** Invites somebody: the answer has the link, which is shown only there. */
  invite(email, role) {
    return this.#access.asked('POST', '/v1/team/invitations', { email, role });
  }

  /** Invitations that nobody has accepted yet. */
  async invitations() {
    return (await this.#access.asked('GET', '/v1/team/invitations')).invitations;
  }

  /** Takes an invitation back. */
  withdrawInvitation(id) {
    return this.#access.asked('DELETE', `/v1/team/invitations/${encodeURIComponent(id)}`);
  }

  // A browser that keeps no cookie at this address answers 201 with nobody signed in: over plain http it may.
  async #opened() {
    const person = await this.#access.takeSession();
    if (person === null) throw new ApiError(0, 'cookie_refused', 'the browser keeps no cookie here');
    return person;
  }
}

function linkOver(error) {
  throw error.status === 404 ? new ApiError(404, 'link_over', error.message) : error;
}
