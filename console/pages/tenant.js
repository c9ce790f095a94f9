// One tenant, for operators: its facts, numbers, keys, retention and quotas, and the invitation of its first owner.

import { ROLES, roleName } from '../account.js';
import { nodes, t } from '../language.js';
import { exact } from '../time.js';
import { html, useState } from '../view.js';
import { Retention } from './business.js';
import { Key, isOver, sortedKeys } from './keys.js';
import { Number_ } from './numbers.js';
import { Choice, Copied, Field, Form, Loading, useChange, useLoaded } from './parts.js';
import { Quotas, quotaName } from './usage.js';

export default function Tenant({ page, context }) {
  const { ask, mayChange } = context;
  const id = page.split('/').at(-1);
  const at = `/v1/admin/tenants/${id}`;
  const loaded = useLoaded(() => ask('GET', at));
  const { data } = loaded;
  return html`
    <header class="page-head">
      <h1 tabindex="-1" id="page-title">${data ? html`<bdi>${data.name}</bdi>` : t('tenants.one')}</h1>
      <a class="plain" href="#/operator/tenants">${t('tenants.all')}</a>
    </header>
    <${Loading} loaded=${loaded} />
    ${data &&
    html`
      <${Facts} tenant=${data} />
      ${mayChange && html`<${Invite} at=${at} ...${context} />`}
      <${Numbers} at=${at} ask=${ask} />
      <${Keys} at=${at} ...${context} />
      <${Kept} at=${at} ...${context} />
      <${Quotas} ask=${ask} path=${`${at}/quotas`} below=${mayChange && ((quotas) => html`<${Limit} at=${at} quotas=${quotas} ...${context} />`)} />
    `}
  `;
}

function Facts({ tenant }) {
  const { tenant_id: id, region, privacy_contact: contact, created } = tenant;
  return html`
    <section class="card" aria-labelledby="about-title">
      <h2 id="about-title">${t('business.about')}</h2>
      <dl class="facts">
        <dt>${t('business.id')}</dt>
        <dd class="mono">${id}</dd>
        <dt>${t('business.region')}</dt>
        <dd>${region ?? '–'}</dd>
        <dt>${t('business.contact')}</dt>
        <dd>${contact ?? '–'}</dd>
        <dt>${t('business.since')}</dt>
        <dd>${exact(created)}</dd>
      </dl>
    </section>
  `;
}

/** An invitation: how a tenant gets its first owner. */
function Invite({ at, ask, copy }) {
  const [made, setMade] = useState(null);
  const invite = async (given) => setMade(await ask('POST', `${at}/invitations`, given));
  return html`
    <section class="card" aria-labelledby="invite-title">
      <h2 id="invite-title">${t('team.invite')}</h2>
      <${Form} label=${t('team.make_link')} busy=${t('team.making_link')} run=${invite}>
        <${Field} label=${t('team.email')} kind="email" name="email" required maxlength="254" autocomplete="off" spellcheck="false" />
        <${Choice} label=${t('team.role')} name="role" chosen="owner" options=${ROLES.map((role) => [role, roleName(role)])} />
      <//>
      ${made &&
      html`
        <p role="status">${nodes(made.mailed ? 'team.mailed' : 'team.link_about', { email: html`<bdi>${made.email}</bdi>`, when: exact(made.expires) })}</p>
        <${Copied} label=${t('team.link')} text=${made.link} copy=${copy} />
      `}
    </section>
  `;
}

function Numbers({ at, ask }) {
  const loaded = useLoaded(async () => (await ask('GET', `${at}/numbers`)).numbers);
  return html`
    <h2>${t('page.numbers')}</h2>
    <${Loading} loaded=${loaded} />
    ${loaded.data?.length === 0 && html`<p class="page-empty">${t('tenants.no_number')}</p>`}
    ${loaded.data?.map((one) => html`<${Number_} key=${one.phone_number_id} number=${one} ask=${ask} at=${`${at}/numbers`} />`)}
  `;
}

function Keys({ at, ask, say, mayChange }) {
  const loaded = useLoaded(async () => (await ask('GET', `${at}/keys`)).keys);
  const { run, problem } = useChange(say);
  const revoke = (key) =>
    run(async () => {
      await ask('DELETE', `${at}/keys/${encodeURIComponent(key.key_id)}`);
      await loaded.load();
    }, t('api_keys.revoked', { name: key.name }));
  const now = Date.now();
  return html`
    <section class="card" aria-labelledby="keys-title">
      <h2 id="keys-title">${t('page.keys')}</h2>
      <${Loading} loaded=${loaded} />
      <p class="page-problem" role="alert">${problem}</p>
      ${loaded.data?.length === 0 && html`<p class="page-empty">${t('api_keys.none')}</p>`}
      <ul class="account-rows">
        ${sortedKeys(loaded.data ?? [], now).map((key) => html`<${Key} key=${key.key_id} one=${key} isOver=${isOver(key, now)} revoke=${mayChange && revoke} />`)}
      </ul>
    </section>
  `;
}

function Kept({ at, ask, mayChange }) {
  const loaded = useLoaded(async () => {
    const { retention_days: days, change } = await ask('GET', `${at}/retention`);
    return { days, change };
  });
  return html`
    <${Loading} loaded=${loaded} />
    ${loaded.data && html`<${Retention} ask=${ask} at=${at} mayChange=${mayChange} retention=${loaded.data} load=${loaded.load} />`}
  `;
}

/** Sets one limit. */
function Limit({ at, quotas, ask, say }) {
  const set = async ({ quota, limit }) => {
    await ask('PUT', `${at}/quotas`, { [quota]: limit === undefined ? null : Number(limit) });
    say(t('tenants.limit_set'), 'good');
    await quotas.load();
  };
  return html`
    <${Form} label=${t('tenants.set_limit')} run=${set}>
      <${Choice} label=${t('tenants.quota')} name="quota" options=${quotas.data.map(({ name }) => [name, quotaName(name)])} />
      <${Field} label=${t('tenants.limit')} kind="number" name="limit" min="0" hint=${t('tenants.limit_hint')} />
    <//>
  `;
}
