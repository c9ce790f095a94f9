// The gateway itself, for tests of what a stand-in could get wrong: started on a port of its own, with a store in memory.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve as absolute } from 'node:path';
import { eventually } from './hands.mjs';

export const ADMIN_TOKEN = 'long-operator-token-of-the-browser-tests';

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Starts `binary`; `{url, operator, mails, stop}`. `operator(method, path, body)` calls it with the settings' token; `mails()` are the texts of
 * all mails, oldest first. `more` are further settings; a demo keeps its store in a folder.
 */
export async function startGateway(binary, { command = 'serve', more = {} } = {}) {
  const port = await freePort();
  const url = `http://${command === 'demo' ? '127.0.0.1' : 'localhost'}:${port}`;
  const settings = {
    MESEJ_SERVER__LISTEN: `127.0.0.1:${port}`,
    MESEJ_SERVER__PUBLIC_URL: url,
    MESEJ_SERVER__ADMIN_TOKEN: ADMIN_TOKEN,
    ...(command === 'serve' && { MESEJ_STORE__BACKEND: 'memory' }),
    ...more,
  };
  // Mails are files in the folder that it runs in.
  const cwd = await mkdtemp(join(tmpdir(), 'mesej-gateway-'));
  const gateway = spawn(absolute(binary), [command], { cwd, env: { PATH: process.env.PATH, ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [gateway.stdout, gateway.stderr]) stream.on('data', (text) => (said = `${said}${text}`.slice(-4_000)));
  const over = new Promise((resolve) => gateway.once('exit', resolve));
  const stop = async () => {
    gateway.kill('SIGTERM');
    await over;
    await rm(cwd, { recursive: true, force: true });
  };
  const operator = async (method, path, body) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}/v1/admin/${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const isReady = async () => {
    if (gateway.exitCode !== null) return true;
    return (await fetch(`${url}/readyz`)).ok;
  };
  await eventually('the gateway is ready', isReady, 30_000);
  if (gateway.exitCode !== null) throw new Error(`the gateway ended: ${said}`);
  const mails = async () => {
    const folder = join(cwd, 'data', 'mail');
    const names = await readdir(folder).catch(() => []);
    const texts = await Promise.all(names.toSorted().map((name) => readFile(join(folder, name), 'utf8')));
    // Long lines are broken in mails, and go on where they broke.
    return texts.map((text) => text.replace(/=\r?\n/g, '').replace(/=3D/g, '='));
  };
  return { url, port, operator, mails, stop };
}

/** Starts the simulated Meta, whose webhooks go to a gateway; `{say, stop}`: `say(from, text)` has a customer write. */
export async function startMeta(binary, port, gateway) {
  const meta = spawn(absolute(binary), ['simulate', '--listen', `127.0.0.1:${port}`, '--webhook-url', `http://127.0.0.1:${gateway.port}/webhooks/whatsapp`], { stdio: 'ignore' });
  const over = new Promise((resolve) => meta.once('exit', resolve));
  const say = async (from, text) => {
    const response = await fetch(`http://127.0.0.1:${port}/_control/say`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ from, text }) });
    if (!response.ok) throw new Error(`say: ${response.status} ${await response.text()}`);
  };
  const stop = async () => {
    meta.kill('SIGTERM');
    await over;
  };
  await eventually('the simulated Meta is there', async () => meta.exitCode !== null || (await fetch(`http://127.0.0.1:${port}/_control/numbers`)).status > 0, 30_000);
  return { say, stop };
}

/** Where the gateway finds the simulated Meta at `port`, as settings. */
export const metaAt = (port) => ({
  MESEJ_WHATSAPP__BASE_URL: `http://127.0.0.1:${port}`,
  MESEJ_WHATSAPP__APPS: '[{name="main",app_secrets=["simulated-app-secret"],verify_token="simulated-verify-token"}]',
});
