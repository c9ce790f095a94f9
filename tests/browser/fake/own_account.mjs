// One's own account on the fake gateway, and what mails do: the second factor, the profile, signing up, forgotten passwords.

import { Refusal, hex, ok } from './people.mjs';

const NEXT = 20;
/** What the app of everybody who has a second factor shows. */
export const CODE = '123456';

export class OwnAccount {
  /** The mails that went out: `{to, link}`. */
  mails = [];
  /** Who may sign up, and what one has to agree to. */
  rules = { mode: 'open', policy: { version: '2026-05-04', url: 'https://example.com/privacy' }, least_age: 16, privacy_contact: 'privacy@example.com' };
  /** Calls that this gateway does not know yet. */
  missing = new Set();
  #people;
  #tokens = new Map();
  #signIns = new Map();

  constructor(people) {
    this.#people = people;
  }

  /** What `GET /v1/session` tells of it. */
  shown(user) {
    const due = this.rules.policy && user.policy?.version !== this.rules.policy.version;
    return { has_second_factor: Boolean(user.factor?.isOn), policy_due: due && user.policy ? this.rules.policy : null };
  }

  /** Gives somebody a second factor. */
  protect(user) {
    user.factor = { isOn: true, codes: ['otter-lamp-1', 'otter-lamp-2'] };
  }

  /** Refuses a sign-in without the code that it needs. A recovery code works once. */
  checkCode(user, code) {
    if (!user.factor?.isOn) return;
    if (!code) throw new Refusal(401, 'second_factor_required');
    const { codes } = user.factor;
    if (code !== CODE && !codes.includes(code)) {
      this.#wrote(user, 'wrong_code');
      throw new Refusal(401, 'wrong_code');
    }
    user.factor.codes = codes.filter((one) => one !== code);
  }

  signedIn(user, headers) {
    this.#wrote(user, 'signed_in', headers['user-agent']);
  }

  #wrote(user, outcome, browser = '') {
    const all = this.#signIns.get(user.id) ?? [];
    this.#signIns.set(user.id, [{ at: Date.now(), outcome, address: '127.0.0.1', browser, is_new_device: all.length === 0 }, ...all]);
  }

  #mail(to, path, value) {
    const token = `mj_${hex(4)}_${hex(16)}`;
    this.#tokens.set(token, value);
    this.mails.push({ to, link: `#/${path}/${token}` });
    return ok({}, 202);
  }

  /** An operator's invitation to sign up; its token. */
  inviteToSignUp() {
    const token = `mj_${hex(4)}_${hex(16)}`;
    this.#tokens.set(token, { invited: true });
    return token;
  }

  #take(token) {
    const found = this.#tokens.get(token);
    if (!found) throw new Refusal(404, 'not_found', 'this link is unknown, was used, or is over');
    return found;
  }

  // --- the calls ---------------------------------------------------------------------------------------------------

  answer(method, path, body, headers) {
    const call = `${method} ${path.join('/')}`;
    if (this.missing.has(call)) throw new Refusal(404, 'not_found', 'there is no such path');
    const open = OPEN[call];
    if (open) return this[open](body, headers);
    const own = OWN[call];
    if (!own) return null;
    const session = this.#people.session(method, headers);
    return this[own](this.#people.users.get(session.user), body, { session, headers });
  }

  signUpRules() {
    return ok({ ...this.rules });
  }

  signUp(form, headers) {
    this.#people.ownPage(headers);
    if (this.rules.mode === 'closed') throw new Refusal(403, 'forbidden');
    if (!/^\+\d{8,15}$/.test(form.phone.replace(/[ -]/g, ''))) throw new Refusal(400, 'invalid_request', '`phone` is no phone number');
    if (this.rules.mode === 'invitation') this.#take(form.invitation);
    return this.#mail(form.email, 'sign-up', { form });
  }

  lookSignUp({ token }) {
    const { name, email, business } = this.#take(token).form;
    return ok({ name, email, business });
  }

  completeSignUp({ token, password }, headers) {
    const { form } = this.#take(token);
    this.#people.strong(password);
    this.#tokens.delete(token);
    const user = this.#people.user(form.name, form.email, password);
    Object.assign(user, { phone: form.phone, policy: { version: form.policy_version, accepted: Date.now() } });
    return this.#people.opened(user, this.#people.team(form.business, [[user, 'owner']]), headers);
  }

  forgotten({ email }, headers) {
    this.#people.ownPage(headers);
    const user = [...this.#people.users.values()].find((one) => one.email === email);
    if (user) this.mails.push({ to: email, link: `#/password/${this.#people.reset(user)}` });
    return ok({}, 202);
  }

  confirmEmail({ token }, headers) {
    this.#people.ownPage(headers);
    const { user, email } = this.#take(token);
    this.#tokens.delete(token);
    user.email = email;
    return ok({ email });
  }

  profile({ id, name, email, phone, created, policy }) {
    return ok({ user_id: id, name, email, phone, created, policy });
  }

  correct(user, { name = user.name, phone = user.phone }) {
    if (!name.trim()) throw new Refusal(400, 'invalid_request', '`name` is empty');
    Object.assign(user, { name, phone });
    return this.profile(user);
  }

  accept(user, { version }) {
    user.policy = { version, accepted: Date.now() };
    return ok({});
  }

  changeEmail(user, { email, ...proof }) {
    this.#people.prove(user, proof);
    return this.#mail(email, 'email', { user, email });
  }

  export(user) {
    return ok({ user: { name: user.name, email: user.email }, sign_ins: this.#signIns.get(user.id) ?? [] });
  }

  close(user, proof) {
    for (const team of this.#people.teams.values()) {
      const owners = [...team.members].filter(([, { role }]) => role === 'owner');
      if (owners.length === 1 && owners[0][0] === user.id) throw new Refusal(409, 'last_owner');
    }
    this.#people.prove(user, proof);
    for (const team of this.#people.teams.values()) team.members.delete(user.id);
    this.#people.users.delete(user.id);
    this.#people.end((one) => one.user === user.id);
    return ok({});
  }

  signIns(user, { after = 0 }) {
    const all = this.#signIns.get(user.id) ?? [];
    const from = Number(after);
    return ok({ sign_ins: all.slice(from, from + NEXT), next: all.length > from + NEXT ? String(from + NEXT) : null });
  }

  beginFactor(user, { password }) {
    this.#people.check(user, password);
    user.factor = { isOn: false, codes: [] };
    const secret = 'JBSWY3DPEHPK3PXP';
    return ok({ secret, uri: `otpauth://totp/Mesej:${user.email}?secret=${secret}&issuer=Mesej`, qr: { size: 29, path: QR } });
  }

  // All sessions end, and a new one opens.
  confirmFactor(user, { code }, { session, headers }) {
    if (code !== CODE) throw new Refusal(401, 'wrong_code');
    user.factor.isOn = true;
    this.#people.end((one) => one.user === user.id);
    const opened = this.#people.opened(user, session.tenant, headers);
    return { ...opened, json: { ...opened.json, ...this.#newCodes(user).json } };
  }

  newCodes(user, proof) {
    this.#people.prove(user, proof);
    return this.#newCodes(user);
  }

  #newCodes(user) {
    user.factor.codes = Array.from({ length: 10 }, () => `${hex(3)}-${hex(3)}`);
    return ok({ recovery_codes: user.factor.codes });
  }

  connections(user, body, { session }) {
    const connections = [...(user.connections ?? [])].map(([tenant_id, since]) => ({ tenant_id, name: this.#people.teams.get(tenant_id)?.name ?? null, since }));
    return ok({ issuer: this.#people.teams.get(session.tenant)?.issuer ?? null, connections });
  }

  connect(user, proof, { session }) {
    this.#people.prove(user, proof);
    const { issuer } = this.#people.teams.get(session.tenant);
    if (!issuer) throw new Refusal(404, 'not_found');
    user.connections = new Map([...(user.connections ?? []), [session.tenant, Date.now()]]);
    return ok({ url: issuer });
  }

  disconnect(user, { tenant_id }, { session }) {
    return ok({ disconnected: Number(user.connections?.delete(tenant_id ?? session.tenant) ?? false) });
  }

  endFactor(user, proof) {
    this.#people.prove(user, proof);
    user.factor = null;
    return ok({});
  }
}

/** A picture that looks like a code: three corners and a chequered field. */
const QR = `${['4 4', '18 4', '4 18'].map((at) => `M${at}h7v7h-7zm1 1v5h5v-5zm1 1h3v3h-3z`).join('')}${Array.from({ length: 60 }, (_, i) => `M${12 + (i % 12)} ${12 + ((i * 5) % 13)}h1v1h-1z`).join('')}`;

const OPEN = {
  'GET sign-up': 'signUpRules',
  'POST sign-up': 'signUp',
  'POST sign-up/look': 'lookSignUp',
  'POST sign-up/complete': 'completeSignUp',
  'POST password/forgotten': 'forgotten',
  'POST profile/email/confirm': 'confirmEmail',
};

const OWN = {
  'GET profile': 'profile',
  'PUT profile': 'correct',
  'PUT profile/policy': 'accept',
  'PUT profile/email': 'changeEmail',
  'GET profile/export': 'export',
  'DELETE profile': 'close',
  'GET sign-ins': 'signIns',
  'GET session/provider': 'connections',
  'POST session/provider': 'connect',
  'DELETE session/provider': 'disconnect',
  'POST session/second-factor': 'beginFactor',
  'PUT session/second-factor': 'confirmFactor',
  'DELETE session/second-factor': 'endFactor',
  'POST session/recovery-codes': 'newCodes',
};
