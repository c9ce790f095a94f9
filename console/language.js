// The language of the page: its texts, and how it writes numbers and lists. The texts of a language are one file in
// `messages/`, which is loaded when it is chosen. No DOM in here.

/** Each language by its own name, so that whoever reads only that one finds it. */
export const LANGUAGES = { en: 'English', ms: 'Bahasa Melayu', es: 'Español', ar: 'العربية' };

const RIGHT_TO_LEFT = ['ar'];
const TEXTS = {};
const HOLE = /\{(\w+)\}/g;
const RTL_LETTERS = /[\u0590-\u08ff\ufb1d-\ufefc]/;

let current;

function use(language, locale) {
  current = { language, locale, texts: TEXTS[language] ?? {}, rules: new Intl.PluralRules(locale), formats: new Map() };
}

// Until a language is chosen a text is its key.
use('en', 'en');

/**
 * Chooses the language; resolves once its texts are there. `wanted` are the browser's languages: one of them may say
 * more about numbers and times than the language alone, such as `en-GB`.
 */
export async function setLanguage(language, wanted = []) {
  if (!Object.hasOwn(LANGUAGES, language)) return setLanguage('en', wanted);
  try {
    TEXTS[language] ??= (await import(`./messages/${language}.js`)).default;
  } catch (error) {
    // A page in English is better than none.
    if (language === 'en') throw error;
    return setLanguage('en', wanted);
  }
  use(language, wanted.find((tag) => baseOf(tag) === language) ?? language);
  return undefined;
}

/** Reads texts that only some pages need. */
export async function addTexts(name) {
  const { language, texts } = current;
  Object.assign(texts, (await import(`./messages/${language}/${name}.js`)).default);
}

/** The first of the wanted languages that there are texts for; English if there is none. */
export function bestLanguage(wanted) {
  return wanted.map(baseOf).find((language) => Object.hasOwn(LANGUAGES, language)) ?? 'en';
}

function baseOf(tag) {
  const [base] = tag.toLowerCase().split('-');
  return base;
}

/** The language that is chosen. */
export function language() {
  return current.language;
}

/** Where its lines begin: `ltr` or `rtl`. */
export function direction(of = current.language) {
  return RIGHT_TO_LEFT.includes(of) ? 'rtl' : 'ltr';
}

/**
 * The text of a key, with `values` in its `{holes}`. A text that has plural forms takes the one for `values.count`.
 * Numbers are written as the language writes them; text from elsewhere cannot turn the sentence around it.
 */
export function t(key, /** @type {Record<string, any>} */ values = {}) {
  return form(key, values).replace(HOLE, (hole, name) => (name in values ? inText(values[name]) : hole));
}

/** The same for a sentence with elements in it: the list of its texts and of the nodes that stand in the holes. */
export function nodes(key, /** @type {Record<string, any>} */ values = {}) {
  const parts = form(key, values).split(HOLE);
  return parts
    .map((part, i) => {
      if (i % 2 === 0) return part;
      const value = values[part];
      return typeof value === 'number' || typeof value === 'string' ? inText(value) : value;
    })
    .filter((part) => part !== '');
}

/** Whether there is a text of this key: for codes that the server sends, which may be newer than the page. */
export function has(key) {
  return Object.hasOwn(current.texts, key);
}

function form(key, /** @type {Record<string, any>} */ { count }) {
  const text = current.texts[key] ?? key;
  if (typeof text === 'string') return text;
  return text[current.rules.select(count ?? 0)] ?? text.other;
}

function inText(value) {
  return typeof value === 'number' ? number(value) : isolated(String(value));
}

/** A text of another direction than the page's, kept apart from the sentence that it stands in by Unicode's isolates. */
export function isolated(text) {
  const foreign = direction() === 'rtl' ? /[^\s\p{P}]/u.test(text) : RTL_LETTERS.test(text);
  return foreign && !text.startsWith('\u2068') ? `\u2068${text}\u2069` : text;
}

// --- numbers, lists and times --------------------------------------------------------------------------------------

function kept(name, make) {
  if (!current.formats.has(name)) current.formats.set(name, make(current.locale));
  return current.formats.get(name);
}

/** A number as the language writes it. `options` are those of `Intl.NumberFormat`. */
export function number(value, options = {}) {
  return kept(`number ${JSON.stringify(options)}`, (locale) => new Intl.NumberFormat(locale, options)).format(value);
}

/** "Ana, Ben and Chi". */
export function list(texts) {
  return kept('list', (locale) => new Intl.ListFormat(locale)).format(texts);
}

/** Facts one after another: "a, b, c". */
export function facts(texts) {
  return kept('facts', (locale) => new Intl.ListFormat(locale, { type: 'unit' })).format(texts);
}

/** A moment, in milliseconds since 1970. `options` are those of `Intl.DateTimeFormat`. */
export function dateTime(at, options) {
  return kept(`time ${JSON.stringify(options)}`, (locale) => new Intl.DateTimeFormat(locale, options)).format(at);
}

/** A span from now on or back: "in 3 days", "yesterday". `unit` is one of `Intl.RelativeTimeFormat`. */
export function relative(amount, unit, /** @type {Intl.RelativeTimeFormatOptions} */ options = { numeric: 'auto' }) {
  return kept(`span ${JSON.stringify(options)}`, (locale) => new Intl.RelativeTimeFormat(locale, options)).format(amount, unit);
}
