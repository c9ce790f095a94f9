// All tenants of the gateway, for operators.

import { t } from '../language.js';
import { day } from '../time.js';
import { html, useState } from '../view.js';
import { Field, Form, Head, Loading, useFocus, useLoaded } from './parts.js';

const PART = 50;

/** The tenants of which name or id has all the words, by name. */
export function foundTenants(tenants, text) {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return tenants
    .filter(({ name, tenant_id: id }) => words.every((word) => `${name} ${id}`.toLocaleLowerCase().includes(word)))
    .toSorted((one, other) => one.name.localeCompare(other.name) || (one.tenant_id < other.tenant_id ? -1 : 1));
}

export default function Tenants({ page, context }) {
  const { ask, say, mayChange } = context;
  const loaded = useLoaded(async () => (await ask('GET', '/v1/admin/tenants')).tenants);
  const [text, setText] = useState('');
  const [most, setMost] = useState(PART);
  const [isWriting, setWriting] = useState(false);
  const found = foundTenants(loaded.data ?? [], text);
  const create = async ({ name }) => {
    const { tenant_id: id } = await ask('POST', '/v1/admin/tenants', { name });
    say(t('tenants.created', { name }), 'good');
    location.hash = `#/operator/tenants/${id}`;
  };
  return html`
    <${Head} page=${page}>
      ${mayChange && !isWriting && html`<button type="button" class="primary" onclick=${() => setWriting(true)}>${t('tenants.add')}</button>`}
    <//>
    ${isWriting && html`<${Write} create=${create} onCancel=${() => setWriting(false)} />`}
    <${Loading} loaded=${loaded} />
    ${loaded.data &&
    html`
      <section class="card" aria-label=${t('page.operator/tenants')}>
        <${Field}
          label=${t('tenants.search')}
          kind="search"
          autocomplete="off"
          oninput=${(event) => (setText(event.currentTarget.value), setMost(PART))}
        />
        <p role="status" class="quiet">${t('tenants.found', { count: found.length })}</p>
        <ul class="account-rows">
          ${found.slice(0, most).map((one) => html`<${Row} key=${one.tenant_id} one=${one} />`)}
        </ul>
        ${found.length > most && html`<p><button type="button" class="plain" onclick=${() => setMost(most + PART)}>${t('tenants.more')}</button></p>`}
      </section>
    `}
  `;
}

function Row({ one }) {
  const { tenant_id: id, name, region, retention_days: days, created } = one;
  return html`
    <li data-tenant=${id}>
      <div class="account-who">
        <a href=${`#/operator/tenants/${id}`}><bdi>${name}</bdi></a>
        <span class="quiet">${[id, region, t('tenants.kept', { count: days }), t('tenants.since', { when: day(created) })].filter(Boolean).join(' · ')}</span>
      </div>
    </li>
  `;
}

function Write({ create, onCancel }) {
  const focus = useFocus();
  return html`
    <section class="card" aria-labelledby="tenant-title">
      <h2 id="tenant-title">${t('tenants.add')}</h2>
      <${Form} label=${t('tenants.create')} run=${create} onCancel=${onCancel}>
        <${Field} label=${t('business.name')} name="name" required maxlength="100" autocomplete="off" inputRef=${focus} />
      <//>
    </section>
  `;
}
