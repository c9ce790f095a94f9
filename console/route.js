// What the address asks for, behind its `#`: that part never leaves the browser. Pure.

const ID = '[0-9a-f]{32}';

/** The pages beside the inbox. */
export const PAGES = ['contacts', 'broadcasts', 'team', 'business', 'numbers', 'keys', 'canned-replies', 'templates', 'usage', 'audit', 'profile'];

/** The kinds of route that have a token. */
const TOKENS = ['invitation', 'password', 'sign-up', 'sign-up-invitation', 'email'];

/** The pages of operators. */
export const OPERATOR_PAGES = ['operator/tenants', 'operator/health', 'operator/quarantine'];

/** @type {[RegExp, (found: string[]) => any][]} */
const ROUTES = [
  [/^#\/invitation\/([0-9a-f]{1,32})\/([\w-]{1,200})$/, ([, tenant_id, token]) => ({ kind: 'invitation', tenant_id, token })],
  [/^#\/(password|sign-up|sign-up-invitation|email)\/([\w-]{1,200})$/, ([, kind, token]) => ({ kind, token })],
  [new RegExp(`^#/conversations/(${ID})$`), ([, id]) => ({ kind: 'conversation', id })],
  [new RegExp(`^#/(${PAGES.join('|')})$`), ([, page]) => ({ kind: 'page', page })],
  [new RegExp(`^#/broadcasts/(${ID}|new)$`), ([, part]) => ({ kind: 'page', page: 'broadcasts', part })],
  [new RegExp(`^#/templates/(${ID})$`), ([, part]) => ({ kind: 'page', page: 'templates', part })],
  [new RegExp(`^#/contacts/(${ID}|(?:list|segment)/[\\w-]{1,64}|lists|segments|attributes|imports|duplicates)$`), ([, part]) => ({ kind: 'page', page: 'contacts', part })],
  [/^#\/sign-in\?error=([a-z_]{1,64})$/, ([, error]) => ({ kind: 'sign-in', error })],
  [/^#\/sign-in\/company(?:\/([0-9a-f]{1,32}))?$/, ([, tenant_id = null]) => ({ kind: 'company', tenant_id })],
  [/^#\/operator$/, () => ({ kind: 'operator', page: OPERATOR_PAGES[0] })],
  [new RegExp(`^#/(${OPERATOR_PAGES.join('|')}|operator/tenants/[0-9a-f]{1,32})$`), ([, page]) => ({ kind: 'operator', page })],
  [/^(#\/?)?$/, () => ({ kind: 'inbox' })],
];

/**
 * The route that a fragment names: an `invitation`, a new `password` or `email`, a `sign-up` or a `sign-up-invitation`, each with its
 * token; a `conversation`, a `page` and a `part` of it, the `inbox`, a page of an `operator`; `company`, for
 * signing in by a business's identity provider, and `sign-in`, with the `error` that came of it; null for all else.
 */
export function routeOf(hash) {
  for (const [form, route] of ROUTES) {
    const found = form.exec(hash);
    if (found) return route(found);
  }
  // A link that was cut on its way, by an e-mail program for example.
  const cut = /^#\/(invitation|password|sign-up|sign-up-invitation|email)(?![\w-])/.exec(hash);
  return cut ? { kind: cut[1], token: null } : null;
}

/** Whether a route has a token, which is not for the history or the screen. */
export function isSecret({ kind }) {
  return TOKENS.includes(kind);
}

/** The fragment of a conversation; of the inbox, for none. */
export function hashOf(id) {
  return id ? `#/conversations/${id}` : '#/';
}

/** The fragment of a page, or of a part of it. */
export function hashOfPage(page, part = null) {
  if (page === 'inbox') return '#/';
  return part === null ? `#/${page}` : `#/${page}/${part}`;
}
