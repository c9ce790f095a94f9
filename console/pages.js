// The pages beside the inbox: each is a module that is loaded when it is first opened.

import { addTexts, t } from './language.js';
import { mayOpen } from './rail.js';
import { addStyle } from './style.js';
import { html, render } from './view.js';

/** The module of a page with its texts and styles: none of them is part of a first load. */
export async function readPage(module, texts = ['manage', 'profile'], styles = ['page']) {
  const [page] = await Promise.all([module(), ...texts.map(addTexts), ...styles.map(addStyle)]);
  return page;
}

const MODULES = {
  contacts: () => readPage(() => import('./pages/contacts.js'), ['contacts'], ['page', 'contacts']),
  broadcasts: () => readPage(() => import('./pages/broadcasts.js'), ['broadcasts', 'contacts', 'templates', 'media'], ['page', 'contacts', 'templates', 'broadcasts']),
  team: () => readPage(() => import('./pages/team.js')),
  business: () => readPage(() => import('./pages/business.js')),
  numbers: () => readPage(() => import('./pages/numbers.js'), ['manage', 'profile', 'told']),
  keys: () => readPage(() => import('./pages/keys.js')),
  'canned-replies': () => readPage(() => import('./pages/canned_replies.js'), ['manage', 'profile', 'canned', 'media']),
  templates: () => readPage(() => import('./pages/templates.js'), ['manage', 'profile', 'templates', 'media', 'told'], ['page', 'templates']),
  usage: () => readPage(() => import('./pages/usage.js')),
  audit: () => readPage(() => import('./pages/audit.js'), ['manage', 'profile', 'audit']),
  profile: () => readPage(() => import('./pages/profile.js')),
};

export class Pages {
  #frame;
  #place;
  #context;
  #load;
  #allows;
  #turn = 0;
  /** What is shown: `inbox`, or one of the pages, and which part of it. */
  current = 'inbox';
  #part = null;
  #view = null;

  /**
   * `context` is what pages work with; `rights` of somebody who is signed in decide which ones there are. `load(page)` gives the
   * module of a page, `allows(page, rights)` whether it may be opened.
   */
  constructor({ frame, place, context, load = (page) => MODULES[page](), allows = mayOpen }) {
    this.#frame = frame;
    this.#place = place;
    this.#context = context;
    this.#load = load;
    this.#allows = allows;
  }

  /** Shows a page, or the inbox. The focus goes to the heading; a page that is shown already says where it goes in another part. */
  async show(page, part = null) {
    if (page === this.current && part === this.#part) return;
    this.#part = part;
    if (page === this.current) {
      if (this.#view) this.#render();
      return;
    }
    this.#turn += 1;
    const turn = this.#turn;
    this.current = page;
    this.#view = null;
    this.#frame.dataset.page = page;
    this.#place.hidden = page === 'inbox';
    // What the page before had loaded is gone with it.
    render(null, this.#place);
    if (page === 'inbox') return;
    const load = this.#allows(page, this.#context.rights()) ? () => this.#load(page) : () => readPage(() => ({ default: Refused }), []);
    const view = await load().catch(() => ({ default: Lost }));
    if (turn !== this.#turn) return;
    this.#view = view.default;
    this.#render();
    this.#place.scrollTop = 0;
    this.focus();
  }

  #render() {
    render(html`<${this.#view} key=${this.current} page=${this.current} part=${this.#part} context=${this.#context} />`, this.#place);
  }

  /** Moves the focus to the heading. */
  focus() {
    this.#place.querySelector('h1')?.focus({ preventScroll: true });
  }
}

function Refused({ page }) {
  return html`<h1 tabindex="-1" id="page-title">${t(`page.${page}`)}</h1><p class="page-empty">${t('page.refused')}</p>`;
}

function Lost({ page }) {
  return html`<h1 tabindex="-1" id="page-title">${t(`page.${page}`)}</h1><p class="page-empty">${t('page.lost')}</p>`;
}
