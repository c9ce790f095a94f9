// Each part of the page has its texts when it is shown: those of a first load, or those that are read with the part.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import '../english.mjs';
import { has, t } from '../../../console/language.js';
import { onDemand } from '../../../console/on_demand.js';

const CONSOLE = new URL('../../../console/', import.meta.url);
const codeOf = async (path) => (await readFile(new URL(path, CONSOLE), 'utf8')).replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
const keysIn = async (file) => Object.keys((await import(new URL(`messages/${file}.js`, CONSOLE))).default);
const FIRST = await keysIn('en');
const LATER = new Map();
for (const name of await readdir(new URL('messages/en/', CONSOLE))) LATER.set(name.replace('.js', ''), await keysIn(`en/${name.replace('.js', '')}`));
const ALL = new Set([...FIRST, ...[...LATER.values()].flat()]);
const GROUPS = new Set([...ALL].map((key) => key.split('.')[0]));

/** The modules that are there once `path` is, without what they import later. */
async function closure(path, known = new Set()) {
  if (known.has(path)) return known;
  known.add(path);
  const code = await codeOf(path);
  for (const [, to] of code.matchAll(/(?:^|\n|;|\})\s*(?:import|export)\b[^;'"(]*?['"](\.[^'"]+)['"]/g)) {
    const next = new URL(to, new URL(path, CONSOLE)).href.slice(CONSOLE.href.length);
    if (!next.startsWith('vendor/')) await closure(next, known);
  }
  return known;
}

/** The keys that a module names, and the beginnings of those that it puts together. */
async function named(path) {
  const code = await codeOf(path);
  const keys = [...code.matchAll(/'([a-z_]+(?:\.[a-z0-9_]+)+)'/g)].map(([, key]) => key);
  const begun = [...code.matchAll(/\b(?:t|nodes)\(`([a-z_]+\.[a-z0-9_.]*)\$\{/g)].map(([, start]) => start);
  return { keys: keys.filter((key) => GROUPS.has(key.split('.')[0])), begun };
}

/** What is named like a text, and is a place in a template or a message. */
const NO_KEYS = /^(template\.components|body\.\d|button\.\d|voice\.ogg$)/;

/** What a module that many share names in a function that only a part calls which reads those texts. */
const ASKED_LATER = {
  'account.js': /^(password|browser)\./,
  'canned.js': /^canned\.(limit|forbidden)$/,
  'templates.js': /^fill\./,
  'pages/limit_fields.js': /^(limit|teams)\./,
  'pages/parts.js': /^password\.now$/,
};

const listIn = (text = '') => [...text.matchAll(/'(\w+)'/g)].map(([, name]) => name);

/** The parts that are read later, and the texts that are read with them. */
async function parts() {
  const found = [];
  const pages = await codeOf('pages.js');
  const usual = listIn(/texts = (\[[^\]]*\])/.exec(pages)[1]);
  for (const [, path, texts] of pages.matchAll(/readPage\(\(\) => import\('\.\/([^']+)'\)(?:, (\[[^\]]*\]))?/g)) found.push({ path, texts: texts ? listIn(texts) : usual });
  const operator = await codeOf('operator.js');
  const theirs = listIn(/(\[[^\]]*\])\.map\(addTexts\)/.exec(operator)[1]);
  for (const [, path] of operator.matchAll(/import\('\.\/([^']+)'\)/g)) found.push({ path, texts: theirs });
  found.push({ path: 'operator.js', texts: theirs });
  const contacts = found.find(({ path }) => path === 'pages/contacts.js').texts;
  for (const [, path] of (await codeOf('pages/contacts.js')).matchAll(/import\('\.\/([^']+)'\)/g)) found.push({ path: `pages/${path}`, texts: contacts });
  const [, ...readings] = (await codeOf('app.js')).split(/onDemand\(/);
  for (const reading of readings) {
    const whole = reading.slice(0, reading.search(/\);\n(?=[\n\S])/));
    // Who waits for the calls about files has their texts, too.
    const texts = [...listIn(/texts: (\[[^\]]*\])/.exec(whole)?.[1]), ...(whole.includes('mediaApi()') ? ['media'] : [])];
    for (const [, path] of whole.matchAll(/import\('\.\/([^']+)'\)/g)) found.push({ path, texts });
  }
  return found;
}

test('every key that a module names is there', async () => {
  for (const folder of ['', 'pages/'])
    for (const name of await readdir(new URL(folder, CONSOLE))) {
      if (!name.endsWith('.js')) continue;
      const { keys, begun } = await named(folder + name);
      for (const key of keys) assert.ok(ALL.has(key) || NO_KEYS.test(key), `${folder}${name}: ${key}`);
      for (const start of begun) assert.ok([...ALL].some((key) => key.startsWith(start)), `${folder}${name}: ${start}…`);
    }
});

test('every part names only texts that are read with it', async () => {
  const first = await closure('app.js');
  const missing = [];
  const check = async (paths, texts, whose) => {
    const there = new Set([...FIRST, ...texts.flatMap((name) => LATER.get(name))]);
    for (const path of paths) {
      const { keys, begun } = await named(path);
      for (const key of keys) if (ALL.has(key) && !there.has(key) && !ASKED_LATER[path]?.test(key)) missing.push(`${path}, read for ${whose}: ${key}`);
      for (const start of begun) if (![...there].some((key) => key.startsWith(start)) && !ASKED_LATER[path]?.test(start)) missing.push(`${path}, read for ${whose}: ${start}…`);
    }
  };
  await check(first, [], 'a first load');
  const later = await parts();
  assert.ok(later.length > 20, `${later.length} parts are found`);
  for (const { path, texts } of later) await check([...(await closure(path))].filter((one) => !first.has(one)), texts, path);
  assert.deepEqual(missing, []);
});

test('no module asks for a text while it is read: its texts may come after it', async () => {
  for (const folder of ['', 'pages/'])
    for (const name of await readdir(new URL(folder, CONSOLE))) {
      if (!name.endsWith('.js')) continue;
      const code = await codeOf(folder + name);
      const early = code.split('\n').filter((line) => /^(?:export )?const \w+ = (?!.*=>).*\b(?:t|nodes)\('/.test(line));
      assert.deepEqual(early, [], folder + name);
    }
});

test('a part that is made has its texts', async () => {
  assert.equal(has('canned.new'), false, 'it is no text of a first load');
  const open = onDemand(() => Promise.resolve({ Part: class { label = t('canned.new'); } }), { texts: ['canned'], make: ({ Part }) => new Part() });
  assert.equal((await open()).label, 'New canned reply');
  assert.equal(await open(), await open(), 'it is made once');
});

test('a part that could not be made is made again by whoever asks next', async () => {
  let tries = 0;
  const open = onDemand(
    async () => {
      tries += 1;
      if (tries === 1) throw new Error('away');
      return tries;
    },
    { make: (read) => read * 10 },
  );
  await assert.rejects(open(), /away/);
  assert.equal(await open(), 20);
});
