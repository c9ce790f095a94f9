// Debian's Chromium under Playwright's hand: nothing is downloaded, nothing is called home.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { slowDown } from './slow.mjs';

const CLOSED_WITHIN_MS = 10_000;
/** Long, for a machine that is busy: it costs nothing where all is well. */
const ACTION_WITHIN_MS = 60_000;
const LOADED_WITHIN_MS = 120_000;
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a profile of its own: `{context, close}`; `args` are some beside those of every one. */
export async function launch({ args = [], ...options } = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'mesej-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [...ARGS, ...args],
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    ...options,
  });
  context.setDefaultTimeout(ACTION_WITHIN_MS);
  context.setDefaultNavigationTimeout(LOADED_WITHIN_MS);
  await slowDown(context);
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { context, close };
}

/** A page, and everything that went wrong on it: errors, warnings of the policy, requests that failed. */
export async function openPage(context, url) {
  const page = await context.newPage();
  const wrong = [];
  closeInTime(page);
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (line) => ['error', 'warning'].includes(line.type()) && wrong.push(`console: ${line.text()}`));
  page.on('dialog', (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(url);
  return { page, wrong };
}

/** Closes the page without waiting for ever: Chromium closes one now and then, and never says so. */
function closeInTime(page) {
  const close = page.close.bind(page);
  page.close = (options) => {
    const closed = close(options);
    // What is said after that is said to nobody.
    closed.catch(() => {});
    return Promise.race([closed, setTimeout(CLOSED_WITHIN_MS, undefined, { ref: false })]);
  };
}
