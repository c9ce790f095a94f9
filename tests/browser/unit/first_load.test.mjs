// What a browser loads before it shows anything, and that it stays small.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

const CONSOLE = new URL('../../../console/', import.meta.url);
const MOST = 150 * 1024;

/** The files that the page asks for, and those that they import: not what is imported later. */
async function firstLoad(language) {
  const page = await readFile(new URL('index.html', CONSOLE), 'utf8');
  const wanted = [...page.matchAll(/(?:href|src)="\/console\/([^"]+)"/g)].map(([, name]) => new URL(name, CONSOLE).href);
  wanted.push(new URL(`messages/${language}.js`, CONSOLE).href);
  const files = new Map([[new URL('index.html', CONSOLE).href, page]]);
  for (let name = wanted.pop(); name; name = wanted.pop()) {
    if (files.has(name)) continue;
    const text = await readFile(new URL(name), 'utf8');
    files.set(name, text);
    if (!name.endsWith('.js')) continue;
    for (const [, to] of text.matchAll(/(?:^|\n|;|\})\s*(?:import|export)\b[^;'"(]*?['"](\.[^'"]+)['"]/g)) wanted.push(new URL(to, name).href);
  }
  return files;
}

const sizeOf = (files) => [...files.values()].reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);

for (const language of ['en', 'ms', 'es', 'ar'])
  test(`a first load in ${language} is at most 150 KiB compressed`, async () => {
    const files = await firstLoad(language);
    const names = [...files.keys()].map((name) => name.slice(CONSOLE.href.length));
    for (const name of ['app.js', 'vendor/preact.js', 'base.css', `messages/${language}/inbox.js`]) assert.ok(names.includes(name), `${name} is loaded first`);
    assert.ok(!names.some((name) => name.startsWith('pages/') || name.startsWith('operator')), `pages are loaded when they are opened: ${names}`);
    assert.ok(sizeOf(files) <= MOST, `${sizeOf(files)} bytes`);
  });

test('sizes are sizes: the largest language is larger than English alone', async () => {
  assert.ok(sizeOf(await firstLoad('ar')) > sizeOf(await firstLoad('en')));
});
