// Signs people in to a running gateway by a public OpenID Connect provider, with a browser's cookies and redirects.

import assert from "node:assert/strict";
import Provider from "oidc-provider";

const { BASE_URL, ADMIN_TOKEN } = process.env;
const PASSWORD = "kopi tubruk di pasar minggu";

/** What the provider knows of its people. */
const people = {
  ana: { email: "ana@example.com", name: "Ana K", groups: ["desk"] },
  ben: { email: "ben@example.com", name: "Ben", groups: ["cooks"] },
};

/** Calls the gateway as an operator. */
async function operator(method, path, body) {
  const answer = await fetch(`${BASE_URL}/v1/admin${path}`, {
    method,
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  assert(answer.ok, `${method} ${path}: ${await answer.clone().text()}`);
  return answer.json();
}

/** A provider that people sign in to with any password, at an address of its own. */
async function provider(callback) {
  const { createServer } = await import("node:http");
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const made = new Provider(issuer, {
    clients: [{ client_id: "mesej", client_secret: "the client's own secret", redirect_uris: [callback] }],
    claims: { email: ["email"], profile: ["name"], groups: ["groups"] },
    scopes: ["openid", "email", "profile", "groups"],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ["a key for tests"] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  });
  server.on("request", made.callback());
  return { issuer, close: () => server.close() };
}

/** A browser: it keeps each server's cookies and follows redirects by hand. */
class Browser {
  jars = new Map();
  visited = [];

  async go(url, options = {}) {
    const { origin, pathname } = new URL(url);
    const jar = this.jars.get(origin) ?? new Map();
    this.jars.set(origin, jar);
    const cookies = [...jar].filter(([, { path }]) => pathname.startsWith(path));
    // As a browser would say it where the console's own button was pressed.
    const site = url === start ? { "Sec-Fetch-Site": "same-origin" } : {};
    const headers = { ...site, ...options.headers, Cookie: cookies.map(([name, { value }]) => `${name}=${value}`).join("; ") };
    const answer = await fetch(url, { ...options, headers, redirect: "manual" });
    for (const set of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = set.split(";").map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf("="));
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? "/";
      const isOver = attributes.some((one) => /^max-age=0$/i.test(one) || /^expires=thu, 01 jan 1970/i.test(one));
      if (isOver) jar.delete(name);
      else jar.set(name, { value: pair.slice(name.length + 1), path });
    }
    return answer;
  }

  /** Follows redirects, signs in and agrees at the provider, until the console is reached: its address. */
  async signIn(url, login) {
    for (let step = 0; step < 20; step += 1) {
      this.visited.push(url);
      if (url.startsWith(`${BASE_URL}/`) && new URL(url).pathname === "/") return url;
      const answer = await this.go(url);
      const location = answer.headers.get("location");
      if (location) {
        url = new URL(location, url).href;
        continue;
      }
      const page = await answer.text();
      const action = page.match(/<form[^>]* action="([^"]+)"/)?.[1];
      const prompt = page.match(/name="prompt" value="([^"]+)"/)?.[1];
      assert(action, `no form at ${new URL(url).pathname} (${answer.status}): ${page.slice(0, 300)}`);
      const form = new URLSearchParams({ prompt, login, password: "x" });
      const sent = await this.go(new URL(action, url).href, { method: "POST", body: form });
      url = new URL(sent.headers.get("location"), action).href;
    }
    throw new Error(`no end: ${this.visited.join("\n")}`);
  }

  async call(method, path, body) {
    const headers = { "Content-Type": "application/json", Origin: BASE_URL };
    if (method !== "GET") headers["X-CSRF-Token"] = (await this.session()).csrf_token;
    return this.go(`${BASE_URL}${path}`, { method, headers, body: body && JSON.stringify(body) });
  }

  async session() {
    const answer = await this.go(`${BASE_URL}/v1/session`);
    return answer.ok ? answer.json() : null;
  }
}

async function ready() {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await fetch(`${BASE_URL}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("the gateway did not start");
}

await ready();
const { tenant_id: tenant } = await operator("POST", "/tenants", { name: "Kopi" });
const start = `${BASE_URL}/v1/sign-in/${tenant}`;
const { issuer, close } = await provider(`${start}/callback`);
const setting = {
  issuer,
  client_id: "mesej",
  client_secret: "the client's own secret",
  scopes: ["groups"],
  roles_claim: "groups",
  roles: { desk: "agent", leads: "supervisor" },
  new_people: "provisioned",
};
const set = await operator("PUT", `/tenants/${tenant}/sign-in-provider`, setting);
assert.equal(set.sign_in_url, start);

// Somebody new, who is known again; another group there is another role here.
const ana = new Browser();
assert.equal(await ana.signIn(start, "ana"), `${BASE_URL}/`);
const first = await ana.session();
assert.deepEqual([first.user.name, first.user.email, first.role], ["Ana K", "ana@example.com", "agent"]);
assert.equal(first.signed_in_by, "provider");
people.ana.groups = ["desk", "leads"];
const again = new Browser();
assert.equal(await again.signIn(start, "ana"), `${BASE_URL}/`);
const second = await again.session();
assert.deepEqual([second.user.user_id, second.role], [first.user.user_id, "supervisor"]);
assert.equal(await ana.session(), null);

// What came back comes back once, and in no other browser.
const back = again.visited.find((url) => url.includes("/callback?"));
for (const browser of [again, new Browser()]) {
  const answer = await browser.go(back);
  assert.equal(answer.headers.get("location"), "/#/sign-in?error=sign_in_expired");
}

// No group with a role.
const ben = new Browser();
assert.equal(await ben.signIn(start, "ben"), `${BASE_URL}/#/sign-in?error=no_role`);
assert.equal(await ben.session(), null);

// A member with a password connects the account, and signs in by it.
people.ben.groups = ["desk"];
await operator("PUT", `/tenants/${tenant}/sign-in-provider`, { ...setting, new_people: "refused" });
const invited = await operator("POST", `/tenants/${tenant}/invitations`, { email: "ben@example.com", role: "agent" });
const member = new Browser();
const accepted = await member.go(`${BASE_URL}/v1/invitations/accept`, {
  method: "POST",
  headers: { "Content-Type": "application/json", Origin: BASE_URL },
  body: JSON.stringify({ tenant_id: tenant, token: invited.token, name: "Ben", is_of_age: true, password: PASSWORD }),
});
assert.equal(accepted.status, 201, await accepted.clone().text());
assert.equal(await new Browser().signIn(start, "ben"), `${BASE_URL}/#/sign-in?error=not_connected`);
const way = await member.call("POST", "/v1/session/provider", { password: PASSWORD });
assert.equal(way.status, 200, await way.clone().text());
assert.equal(await member.signIn((await way.json()).url, "ben"), `${BASE_URL}/`);
const byProvider = new Browser();
assert.equal(await byProvider.signIn(start, "ben"), `${BASE_URL}/`);
assert.equal((await byProvider.session()).user.user_id, (await member.session()).user.user_id);

// Without the provider its sessions are over, and the password still works.
await operator("DELETE", `/tenants/${tenant}/sign-in-provider`);
assert.equal(await byProvider.session(), null);
assert.equal((await member.session()).signed_in_by, "password");
close();
console.log("signed in by oidc-provider: new people, roles, replays, connected accounts");
