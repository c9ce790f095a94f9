// People: signing in and out, one's own sessions and password, the team, links that let somebody in. No DOM in here.

import { ApiError, LONG } from './http.js';
import { has, t } from './language.js';

/** Which roles somebody gives and takes, by their own: the gateway's table, with which a test of it compares this. */
const GIVES = {
  owner: ['owner', 'admin', 'supervisor', 'agent', 'read_only'],
  admin: ['admin', 'supervisor', 'agent', 'read_only'],
};

/** What a member may be, most trusted first. */
export const ROLES = GIVES.owner;

/** What a role is called. */
export function roleName(role) {
  return ROLES.includes(role) ? t(`role.${role}`) : role;
}

/** What a role allows. */
export function roleAllows(role) {
  return t(`role.${role}.allows`);
}

/** The roles that somebody may give and take. */
export function rolesGivenBy(role) {
  return GIVES[role] ?? [];
}

/** A refusal in words: the page's own where it knows the code, which may hold those of the server, else those alone. */
export function sentenceOf(error) {
  const known = `refusal.${error.code}`;
  if (error.status === 429 && error.code === 'rate_limited') return tooMany(error.wait);
  if (error.code === 'nothing_chosen') return error.message;
  if (has(known)) return sentence(t(known, { message: error.message }));
  if (error.status === 0) return t('refusal.unreachable');
  if (error.status === 429) return t('refusal.quota');
  if (error.code === 'uncertain') return t('refusal.no_answer');
  if (error.status >= 500) return t('refusal.not_now');
  return sentence(error.message);
}

/** The same where the password that was asked for is that of whoever is signed in. */
export function ownRefusal(error) {
  return error.code === 'wrong_credentials' ? t('password.not_yours') : sentenceOf(error);
}

function sentence(text) {
  if (!text) return t('refusal.other');
  return `${text[0].toLocaleUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

function tooMany(wait) {
  const seconds = wait === null ? 60 : Math.max(1, Math.ceil(wait / 1000));
  if (seconds < 60) return t('refusal.wait_seconds', { count: seconds });
  return t('refusal.wait_minutes', { count: Math.ceil(seconds / 60) });
}

/** Why signing in by a company's identity provider came to nothing, by the code that the address brought. */
export function arrivalText(code) {
  if (['rate_limited', 'busy', 'unavailable'].includes(code)) return t('refusal.not_now');
  if (code === 'limit_reached') return t('company.full');
  return has(`refusal.${code}`) ? t(`refusal.${code}`) : t('refusal.other');
}

/** Where a browser goes to sign in by the identity provider of a business. */
export function companyAddress(tenant_id) {
  return `/v1/sign-in/${encodeURIComponent(tenant_id)}`;
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
  if (browser && system) return t('browser.on', { browser, system });
  return browser ?? system ?? (text.slice(0, 40) || t('browser.unknown'));
}

export class Account {
  #access;

  constructor(access) {
    this.#access = access;
  }

  /**
   * Signs in and gives who that is; works for `tenant_id` if it is given and possible. `code` is that of the second step, which is
   * refused as `second_factor_required` while it is missing.
   */
  async signIn({ email, password, code, tenant_id }) {
    const given = { email, password, ...(code && { code }), ...(tenant_id && { tenant_id }) };
    await this.#access.open('POST', '/v1/session', given);
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
  async changePassword(current, fresh, code) {
    await this.#access.asked('PUT', '/v1/session/password', { current, new: fresh, code }, { deadline: LONG });
    return this.#opened();
  }

  /** Sets a new password by a link. */
  newPassword(token, password) {
    return this.#access.open('PUT', '/v1/password', { token, password }).catch(linkOver);
  }

  /** Asks for a link to a new password, by mail. */
  forgotten(email) {
    return this.#access.open('POST', '/v1/password/forgotten', { email });
  }

  /** Who may sign up, and to what one has to agree. */
  signUpRules() {
    return this.#access.open('GET', '/v1/sign-up');
  }

  /** Begins to sign up: a mail goes out. */
  signUp(form) {
    return this.#access.open('POST', '/v1/sign-up', form).catch(linkOver);
  }

  /** Who began to sign up, by the link of the mail. */
  lookSignUp(token) {
    return this.#access.open('POST', '/v1/sign-up/look', { token }).catch(linkOver);
  }

  /** Completes signing up, and gives who is signed in by it. */
  async completeSignUp(token, password) {
    await this.#access.open('POST', '/v1/sign-up/complete', { token, password }).catch(linkOver);
    return this.#opened();
  }

  /** Takes a new e-mail address as confirmed, by the link of the mail to it. */
  confirmEmail(token) {
    return this.#access.open('POST', '/v1/profile/email/confirm', { token }).catch(linkOver);
  }

  /** Agrees to a version of the privacy policy. */
  acceptPolicy(version) {
    return this.#access.asked('PUT', '/v1/profile/policy', { version });
  }

  /** Whom a link invites, and into whose team. */
  look({ tenant_id, token }) {
    return this.#access.open('POST', '/v1/invitations/look', { tenant_id, token }).catch(linkOver);
  }

  /** Follows an invitation and gives who is signed in by it; `newcomer` (`{name, is_of_age, policy_version}`) is for somebody new. */
  async accept({ tenant_id, token }, { newcomer, password, code }) {
    const body = { tenant_id, token, password, ...newcomer, ...(code && { code }) };
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
    return (await this.people()).members;
  }

  /** Who is in the team, and who left it: `{members, former}`. */
  people() {
    return this.#access.asked('GET', '/v1/team');
  }

  /** The same with the teams that members are limited to, where there are any: `{members, former, teams}`. */
  async colleagues() {
    const people = await this.people();
    if (!people.members.some(({ limit }) => limit?.teams.length > 0)) return people;
    const { teams } = await this.#access.asked('GET', '/v1/teams');
    return { ...people, teams };
  }

  /** Gives a member another role, or another `limit`: what is undefined stays. `proof` is `{password, code}`, where it is asked for. */
  setRole(user_id, role, proof, limit) {
    return this.#access.asked('PUT', `/v1/team/${encodeURIComponent(user_id)}`, { role, ...proof, limit });
  }

  /** Takes a member out of the team; `assign_to` is who gets the member's conversations, if anybody. */
  removeMember(user_id, assign_to, proof) {
    const body = assign_to || proof?.password ? { assign_to, ...proof } : undefined;
    return this.#access.asked('DELETE', `/v1/team/${encodeURIComponent(user_id)}`, body);
  }

  /** Makes a member the owner in one's own place: one becomes an admin oneself. */
  handOver(user_id, { password, code }) {
    return this.#access.asked('PUT', '/v1/team/owner', { user_id, password, code });
  }

  /** Invites somebody: the answer has the link, which is shown only there. */
  invite(email, role, { password, code }, limit) {
    return this.#access.asked('POST', '/v1/team/invitations', { email, role, password, code, limit }, { deadline: LONG });
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
    if (person === null) throw new ApiError(0, 'cookie_refused', '');
    return person;
  }
}

function linkOver(error) {
  throw error.status === 404 ? new ApiError(404, 'link_over', error.message) : error;
}
