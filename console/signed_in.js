// Somebody who is signed in: asks until there is one with a team, gives the page a menu, and asks again when the session ends.

import { arrivalText, roleName, sentenceOf } from './account.js';
import { h } from './dom.js';
import { nodes, t } from './language.js';
import { personMenu } from './menu.js';
import { hashOf, hashOfPage, isSecret, routeOf } from './route.js';

export class SignedIn {
  #access;
  #account;
  #sheets;
  #desk;
  #say;
  #window;
  #person = null;
  #asking = false;
  #leaving = false;
  #taken = '';
  #place = null;
  /** Whether the address follows what is open. */
  #follows = false;

  /** `sheets` are `{signIn, signUp, links}`; `window` is the browser's. */
  constructor({ access, account, sheets, desk, say, window }) {
    this.#access = access;
    this.#account = account;
    this.#sheets = sheets;
    this.#desk = desk;
    this.#say = say;
    this.#window = window;
  }

  /** Whether the page is about to be loaded anew, and nothing keeps it back. */
  get isLeaving() {
    return this.#leaving;
  }

  // --- coming in ---------------------------------------------------------------------------------------------------

  /** The route of the address. A token leaves the address at once: it is not left in the history or on the screen. */
  takeRoute() {
    const route = routeOf(this.#window.location.hash);
    if (route?.kind === 'sign-in') this.#address('');
    if (route && isSecret(route)) {
      this.#taken = this.#window.location.hash;
      this.#address('');
    }
    return route;
  }

  /** Asks until somebody in a team is signed in; `person` is who was at the beginning, or null. */
  async enter(route, person) {
    const { signIn } = this.#sheets;
    let { who, told, why } = await this.#followed(route, person);
    if (who && why) this.#say(why, 'bad');
    for (;;) {
      who ??= await signIn.signIn({ told, why });
      if (who.tenant_id === null && who.tenants.length > 0) who = await this.#firstTenant(who);
      if (who.tenant_id !== null) break;
      who = await signIn.noTeam(who, () => this.#access.takeSession());
    }
    if (who.policy_due) await signIn.policy(who.policy_due);
    this.#person = who;
    return who;
  }

  // What comes of a link: who is signed in by it, or a sentence about it.
  async #followed(route, person) {
    const { links, signUp } = this.#sheets;
    switch (route?.kind) {
      case 'invitation':
        return { who: (await links.invitation(route)) ?? person, told: '' };
      case 'sign-up':
        return { who: (await signUp.complete(route)) ?? person, told: '' };
      case 'sign-up-invitation':
        await signUp.write(route);
        return { who: person, told: '' };
      case 'password': {
        const told = (await links.newPassword(route)) ?? '';
        // All sessions of that person have ended, and whoever else was signed in here did not ask for this page.
        return { who: told === '' ? person : null, told };
      }
      case 'email': {
        const told = (await links.email(route)) ?? '';
        return { who: told === '' ? person : await this.#access.takeSession(), told };
      }
      case 'company':
        if (person === null) await this.#sheets.signIn.company(route.tenant_id);
        return { who: person, told: '' };
      case 'sign-in':
        return { who: person, told: '', why: arrivalText(route.error) };
      default:
        return { who: person, told: '' };
    }
  }

  // Who was taken out of one team, and signed in for it, may be in another. That it cannot be asked for now does not mean that there is none.
  async #firstTenant(person) {
    const left = [...person.tenants];
    while (left.length > 0)
      try {
        return await this.#account.changeTenant(left[0].tenant_id);
      } catch (error) {
        if (['not_found', 'forbidden'].includes(error.code)) left.shift();
        else await this.#sheets.signIn.failed(error);
      }
    return { ...person, tenants: [] };
  }

  /** What the desk needs to know of the person. */
  get me() {
    const { user, role } = this.#person;
    return { agent: user.user_id, name: user.name, readOnly: role === 'read_only', colleagues: new Map() };
  }

  /** What the person's role allows. */
  get rights() {
    return this.#person?.rights ?? [];
  }

  /** Who is signed in. */
  get person() {
    return this.#person;
  }

  /** Puts the menu into the page, and follows links: `go(route)` leads to a place of the console. */
  show(place, go) {
    this.#place = place;
    this.#showMenu();
    this.follow((route) => (isSecret(route) || route.kind === 'operator' ? this.#window.location.reload() : go(route)));
  }

  /** Lets the address follow what is open, and `go(route)` follow the address. */
  follow(go) {
    this.#follows = true;
    this.#window.addEventListener('hashchange', () => {
      const route = routeOf(this.#window.location.hash);
      if (route) go(route);
    });
  }

  get #tenantName() {
    const { tenants, tenant_id } = this.#person;
    return tenants.find((one) => one.tenant_id === tenant_id)?.name ?? '';
  }

  #showMenu() {
    const entries = [
      [t('page.profile'), () => (this.#window.location.hash = hashOfPage('profile'))],
      [t('menu.sign_out'), () => this.#signOut()],
    ];
    const { user, role } = this.#person;
    const tenant = this.#tenantName;
    const what = nodes('menu.role_at', { role: roleName(role), tenant: h('bdi', null, tenant) });
    personMenu(this.#place, { user, what, entries });
  }

  /** Reads anew who is signed in, after something about the person has changed: that is done, whether this can be read or not. */
  async refresh() {
    let person;
    try {
      person = await this.#access.takeSession();
    } catch {
      return undefined;
    }
    if (person === null || !isSame(person, this.#person)) return this.leave();
    this.#person = person;
    this.#showMenu();
    const { name } = person.user;
    if (name !== this.#desk.state.me.name) this.#desk.dispatch({ type: 'signed_in', me: { ...this.#desk.state.me, name } });
    return undefined;
  }

  /** Shows the open conversation in the address, so that it can be sent to a colleague, and found again by going back. */
  showAddress(id) {
    const { history, location } = this.#window;
    if (!this.#follows || location.hash === hashOf(id)) return;
    const from = routeOf(location.hash)?.kind;
    const below = from === 'conversation' ? history.state?.below : from === 'inbox' ? 0 : null;
    history.pushState({ below: typeof below === 'number' ? below + 1 : null }, '', this.#at(hashOf(id)));
  }

  /** Shows that none is open: by going back to the list, if that is below the conversations that were opened from it. */
  leaveAddress() {
    const { history, location } = this.#window;
    if (!this.#follows || routeOf(location.hash)?.kind !== 'conversation') return;
    if (history.state?.below) history.go(-history.state.below);
    else this.#address(hashOf(null));
  }

  #at(hash) {
    const { pathname, search } = this.#window.location;
    return `${pathname}${search}${hash}`;
  }

  #address(hash) {
    this.#window.history.replaceState(null, '', this.#at(hash));
  }

  // --- going out ---------------------------------------------------------------------------------------------------

  async #signOut() {
    const waiting = this.#desk.socket.outbox.size;
    if (waiting > 0 && !(await this.#sheets.signIn.mayThrowAway(waiting))) return;
    try {
      await this.#account.signOut();
      this.leave();
    } catch (error) {
      this.#say(sentenceOf(error), 'bad');
    }
  }

  /** Loads the page anew where it is, as in another language; a link that was being followed is followed again. */
  again() {
    if (!this.#person && this.#taken) this.#address(this.#taken);
    this.#leaving = true;
    this.#window.location.reload();
  }

  /** Loads the page anew, so that nothing of what it knows stays. */
  leave() {
    this.#leaving = true;
    this.#address('');
    this.#window.location.reload();
  }

  /** The session is over: asks for the account, and goes on where the same person left off. Drafts stay in memory. */
  async lost() {
    if (!this.#person || this.#leaving) return;
    this.#desk.socket.stop('closing.signed_out');
    if (this.#asking) return;
    this.#asking = true;
    const before = this.#person;
    const person = await this.#sheets.signIn.signIn({
      why: t('sign_in.lost', { tenant: this.#tenantName }),
      email: before.user.email,
      tenant_id: before.tenant_id,
    });
    this.#asking = false;
    if (isSame(person, before)) {
      this.#person = person;
      this.#desk.socket.start();
    } else {
      this.leave();
    }
  }
}

function isSame(one, other) {
  return one.user.user_id === other.user.user_id && one.tenant_id === other.tenant_id && one.role === other.role;
}
