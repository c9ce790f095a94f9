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
  team: () => import('./pages/team.js'),
  business: () => import('./pages/business.js'),
  numbers: () => import('./pages/numbers.js'),
  keys: () => import('./pages/keys.js'),
  'canned-replies': () => import('./pages/canned_replies.js'),
  usage: () => import('./pages/usage.js'),
  audit: () => import('./pages/audit.js'),
  profile: () => import('./pages/profile.js'),
};

/** Texts that one page needs beside those of all. */
const TEXTS = { 'canned-replies': ['canned', 'media'] };

export class Pages {
  #frame;
  #place;
  #context;
  #load;
  #allows;
  #turn = 0;
  /** What is shown: `inbox`, or one of the pages. */
  current = 'inbox';

  /**
   * `context` is what pages work with; `rights` of somebody who is signed in decide which ones there are. `load(page)` gives the
   * module of a page, `allows(page, rights)` whether it may be opened.
   */
  constructor({ frame, place, context, load = (page) => readPage(MODULES[page], ['manage', 'profile', ...(TEXTS[page] ?? [])]), allows = mayOpen }) {
    this.#frame = frame;
    this.#place = place;
    this.#context = context;
    this.#load = load;
    this.#allows = allows;
  }

  /** Shows a page, or the inbox. The focus goes to the heading. */
  async show(page) {
    if (page === this.current) return;
    this.#turn += 1;
    const turn = this.#turn;
    this.current = page;
    this.#frame.dataset.page = page;
    this.#place.hidden = page === 'inbox';
    // What the page before had loaded is gone with it.
    render(null, this.#place);
    if (page === 'inbox') return;
    const load = this.#allows(page, this.#context.rights()) ? () => this.#load(page) : () => readPage(() => ({ default: Refused }), []);
    const view = await load().catch(() => ({ default: Lost }));
    if (turn !== this.#turn) return;
    render(html`<${view.default} key=${page} page=${page} context=${this.#context} />`, this.#place);
    this.#place.scrollTop = 0;
    this.focus();
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
