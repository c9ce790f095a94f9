// Each language has every text, and no view has one of its own.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { LANGUAGES } from '../../../console/language.js';

const CONSOLE = new URL('../../../console/', import.meta.url);
/** Texts that are read only where they are needed. */
const MORE = ['operator', 'manage', 'audit', 'broadcasts', 'profile', 'media', 'canned', 'contacts', 'templates', 'told'];
const fileOf = async (path) => (await import(new URL(`messages/${path}.js`, CONSOLE))).default;
const textsOf = async (language) => Object.assign({}, await fileOf(language), ...(await Promise.all(MORE.map((name) => fileOf(`${language}/${name}`)))));
const english = await textsOf('en');
const forms = (text) => (typeof text === 'string' ? [text] : Object.values(text));
const holes = (text) => [...new Set(forms(text).flatMap((one) => one.match(/\{\w+\}/g) ?? []))].sort();

for (const language of Object.keys(LANGUAGES))
  test(`${language} has every text, hole and plural form`, async () => {
    const texts = await textsOf(language);
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(english).sort());
    const plurals = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const [key, text] of Object.entries(texts)) {
      assert.deepEqual(holes(text), holes(english[key]), key);
      assert.ok(forms(text).every((one) => one.trim() !== ''), `${key} is empty`);
      assert.equal(typeof text, typeof english[key], `${key} has plural forms in one language and none in the other`);
      if (typeof text !== 'string') assert.deepEqual(Object.keys(text).sort(), plurals, key);
    }
  });

test('the languages say things in words of their own', async () => {
  for (const language of Object.keys(LANGUAGES).filter((one) => one !== 'en')) {
    const texts = await textsOf(language);
    const same = Object.keys(texts).filter((key) => JSON.stringify(texts[key]) === JSON.stringify(english[key]));
    const share = same.length / Object.keys(texts).length;
    assert.ok(share < 0.08, `${language}: ${same.join(', ')}`);
  }
});

/** What the gateway does with a message to a minor. */
const NOTHING_IS_SENT = { en: /nothing is sent/i, ms: /tiada apa-apa dihantar/i, es: /no se le envía nada/i, ar: /لا يُرسل .*شيء/ };

test('beside the mark of a minor stands what the gateway does: nothing is sent', async () => {
  for (const language of Object.keys(LANGUAGES)) {
    const texts = await textsOf(language);
    for (const key of ['contact.minor_hint', 'send_refusal.contact_is_minor']) assert.match(texts[key], NOTHING_IS_SENT[language], key);
  }
});

/** What begins like a sentence or a name, and is none for people: keys, names of programs, what goes over the wire. */
const NO_TEXT =
  /^(Alt(\+\w?)?|Arrow\w+|Android|Bearer|Chrome|ChromeOS|Ctrl(\+Enter)?|Edge|End|Enter|Esc|Escape|Files|Firefox|Home|Linux|Mac|Mesej|Opera|Page\w+|Safari|Samsung Internet|Tab|Windows|[A-Z]\w*Error)?$/;

/** Texts in a module that nobody could translate: literals that begin like a sentence, and words between tags. */
function textsIn(source) {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
  const literals = [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"/g)].map((found) => found[1] ?? found[2]);
  const opened = [...code.matchAll(/`([^`$]*)/g)].map((found) => found[1]);
  const sentences = [...literals, ...opened].filter((text) => /^\s*[A-Z][a-z]+/.test(text) && !/^[A-Z][a-z]+[A-Z]/.test(text));
  const between = [...code.matchAll(/<\/?\w[^<>`]*?>([^<>`{}$]*[A-Za-z]{2,}[^<>`{}$]*)<\/?\w/g)].map((found) => found[1]);
  return [...sentences, ...between].map((text) => text.trim()).filter((text) => !NO_TEXT.test(text));
}

test('the scan finds texts where views have them', () => {
  assert.deepEqual(textsIn("h('p', { title: 'Press here' }, 'Hello')"), ['Press here', 'Hello']);
  assert.deepEqual(textsIn('h("p", null, `Hello, ${name}`)'), ['Hello,']);
  assert.deepEqual(textsIn('html`<p class="quiet">two words</p>`'), ['two words']);
  assert.deepEqual(textsIn("// It's 'Nothing'\nt('any.save'); key === 'Enter'"), []);
});

test('no module has a text of its own', async () => {
  const folders = ['', 'pages/'];
  for (const folder of folders)
    for (const name of await readdir(new URL(folder, CONSOLE))) {
      if (!name.endsWith('.js') || name === 'language.js') continue;
      assert.deepEqual(textsIn(await readFile(new URL(folder + name, CONSOLE), 'utf8')), [], folder + name);
    }
});

test('the page itself has none either, but for what is said without scripts', async () => {
  const page = await readFile(new URL('index.html', CONSOLE), 'utf8');
  const visible = page
    .replace(/<(title|noscript|script|svg)[\s\S]*?<\/\1>/g, '')
    .replace(/<!--[\s\S]*?-->/g, '');
  const between = [...visible.matchAll(/>([^<]*[A-Za-z]{2,}[^<]*)</g)].map((found) => found[1].trim());
  assert.deepEqual(between, ['mesej']);
  assert.deepEqual([...visible.matchAll(/(?:aria-label|placeholder|title|alt)="([^"]*[A-Za-z][^"]*)"/g)].filter(([all]) => !all.startsWith('data')).map(([, text]) => text).filter((text) => !/^\w+\.\w+$/.test(text)), []);
  for (const [, key] of visible.matchAll(/data-t(?:-\w+)?="([^"]+)"/g)) assert.ok(key in english, key);
});

test('styles name no side: what is left in one language is right in another', async () => {
  const sided = /(?:margin|padding|border|inset)-(?:left|right|top|bottom)\b|^\s*(?:left|right|top|bottom)\s*:|float:\s*(?:left|right)|text-align:\s*(?:left|right)/gm;
  for (const name of await readdir(CONSOLE)) {
    if (!name.endsWith('.css')) continue;
    const found = (await readFile(new URL(name, CONSOLE), 'utf8')).replaceAll('safe-area-inset-bottom', '').match(sided) ?? [];
    assert.deepEqual(found, [], name);
  }
});

test('every key that a view asks for is there', async () => {
  for (const folder of ['', 'pages/'])
    for (const name of await readdir(new URL(folder, CONSOLE))) {
      if (!name.endsWith('.js')) continue;
      const source = await readFile(new URL(folder + name, CONSOLE), 'utf8');
      for (const [, key] of source.matchAll(/\b(?:t|nodes)\(\s*'([^']+)'/g)) assert.ok(key in english, `${folder}${name}: ${key}`);
    }
});
