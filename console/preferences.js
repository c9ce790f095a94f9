// What a person prefers: a language, a theme, keys of one letter, notifications. Each is one cookie, and there is none for what goes
// without saying; beside these and the gateway's own cookies nothing is kept in the browser.

import { LANGUAGES, bestLanguage, direction, language, setLanguage, t } from './language.js';

/** The cookies of what a person chose; each is there only where something else was chosen than goes without saying. */
export const CHOICES = ['language', 'theme', 'letters', 'notices'];
/** The gateway's own cookies: of who is signed in, and of who is on the way to a company's identity provider and back. */
export const SESSION = '__Host-mesej';
export const ON_THE_WAY = '__Host-mesej-sign-in';

/** The themes that a person may choose, beside that of the system. */
export const THEMES = ['light', 'dark'];

const YEAR = 31_536_000;

/** The value of a cookie in the text of all of them, or null. */
export function cookieIn(cookies, name) {
  const found = cookies.split('; ').find((cookie) => cookie.startsWith(`${name}=`));
  return found ? found.slice(name.length + 1) : null;
}

export class Preferences {
  #document;
  #navigator;
  #location;

  /** The browser's own objects. */
  constructor({ document, navigator, location }) {
    this.#document = document;
    this.#navigator = navigator;
    this.#location = location;
  }

  /** The language that was chosen; null for that of the browser. */
  get language() {
    const chosen = cookieIn(this.#document.cookie, 'language');
    return Object.hasOwn(LANGUAGES, chosen) ? chosen : null;
  }

  /** The theme that was chosen; null for that of the system. */
  get theme() {
    const chosen = cookieIn(this.#document.cookie, 'theme');
    return THEMES.includes(chosen) ? chosen : null;
  }

  /** Whether letters alone are keys, as `/` is. */
  get letters() {
    return cookieIn(this.#document.cookie, 'letters') !== 'off';
  }

  set letters(areKeys) {
    this.#keep('letters', areKeys ? null : 'off');
  }

  /** Whether the person wants to be told of new messages while the page is not looked at. */
  get notices() {
    return cookieIn(this.#document.cookie, 'notices') === 'on';
  }

  set notices(areWanted) {
    this.#keep('notices', areWanted ? 'on' : null);
  }

  /** Shows the page in the language and the theme of the person. */
  async show() {
    this.#showTheme();
    const wanted = this.#navigator.languages;
    await setLanguage(this.language ?? bestLanguage(wanted), wanted);
    const root = this.#document.documentElement;
    root.lang = language();
    root.dir = direction();
    for (const [data, put] of FIXED_TEXTS)
      for (const node of this.#document.querySelectorAll(`[${data}]`)) put(node, t(node.getAttribute(data)));
  }

  /** Keeps a language for the next start of the page, which is in it as a whole then; null for that of the browser. */
  keepLanguage(chosen) {
    this.#keep('language', chosen);
  }

  /** Changes the theme at once; null for that of the system. */
  chooseTheme(chosen) {
    this.#keep('theme', chosen);
    this.#showTheme();
  }

  #showTheme() {
    const { dataset } = this.#document.documentElement;
    if (this.theme) dataset.theme = this.theme;
    else delete dataset.theme;
  }

  #keep(name, value) {
    const secure = this.#location.protocol === 'https:' ? '; Secure' : '';
    const lasts = value === null ? 0 : YEAR;
    this.#document.cookie = `${name}=${value ?? ''}; Path=/; SameSite=Lax; Max-Age=${lasts}${secure}`;
  }
}

// Texts of `index.html`: the attribute that names one, and where it goes.
/** @type {[string, (node: Element, text: string) => void][]} */
const FIXED_TEXTS = [
  ['data-t', (node, text) => (node.textContent = text)],
  ['data-t-label', (node, text) => node.setAttribute('aria-label', text)],
  ['data-t-title', (node, text) => node.setAttribute('title', text)],
  ['data-t-placeholder', (node, text) => node.setAttribute('placeholder', text)],
];
