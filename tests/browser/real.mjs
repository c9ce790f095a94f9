// The gateway itself, for tests of what a stand-in could get wrong: started on a port of its own, with a store in memory.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve as absolute } from 'node:path';
import { eventually } from './hands.mjs';

export const ADMIN_TOKEN = 'long-operator-token-of-the-browser-tests';

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts `binary`; `{url, operator, stop}`. `operator(method, path, body)` calls it with the settings' token. */
export async function startGateway(binary) {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const settings = {
    MESEJ_SERVER__LISTEN: `127.0.0.1:${port}`,
    MESEJ_SERVER__PUBLIC_URL: url,
    MESEJ_SERVER__ADMIN_TOKEN: ADMIN_TOKEN,
    MESEJ_STORE__BACKEND: 'memory',
  };
  // Mails are files in the folder that it runs in.
  const cwd = await mkdtemp(join(tmpdir(), 'mesej-gateway-'));
  const gateway = spawn(absolute(binary), ['serve'], { cwd, env: { PATH: process.env.PATH, ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
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
  return { url, operator, stop };
}
