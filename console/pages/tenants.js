// All tenants of the gateway, for operators.

import { sentenceOf } from '../account.js';
import { t } from '../language.js';
import { day } from '../time.js';
import { html, useRef, useState } from '../view.js';
import { Field, Form, Head, Loading, useFocus, useLoaded } from './parts.js';

const PART = 50;
/** Between two letters that somebody writes: the gateway is asked once for a word. */
const PAUSE = 200;

/** A page of the tenants of which name or id has all words, by name. */
export function tenantsPath(search, cursor) {
  const asked = { limit: String(PART), ...(search && { search }), ...(cursor && { cursor }) };
  return `/v1/admin/tenants?${new URLSearchParams(asked)}`;
}

export default function Tenants({ page, context }) {
  const { ask, say, mayChange } = context;
  const search = useRef('');
  const pause = useRef(undefined);
  const loaded = useLoaded(async () => {
    const first = await ask('GET', tenantsPath(search.current));
    setLater({ of: first, pages: [] });
    return first;
  });
  const [later, setLater] = useState({ of: null, pages: [] });
  const [problem, setProblem] = useState('');
  const [isWriting, setWriting] = useState(false);
  const seek = (text) => {
    search.current = text.trim();
    clearTimeout(pause.current);
    pause.current = setTimeout(loaded.load, PAUSE);
  };
  const pages = loaded.data ? [loaded.data, ...(later.of === loaded.data ? later.pages : [])] : [];
  const { next_cursor: next } = pages.at(-1) ?? {};
  const more = async () => {
    try {
      setProblem('');
      const following = await ask('GET', tenantsPath(search.current, next));
      setLater((before) => (before.of === loaded.data ? { ...before, pages: [...before.pages, following] } : before));
    } catch (error) {
      setProblem(sentenceOf(error));
    }
  };
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
        <${Field} label=${t('tenants.search')} kind="search" autocomplete="off" maxlength="200" oninput=${(event) => seek(event.currentTarget.value)} />
        <p role="status" class="quiet">${t('tenants.found', { count: loaded.data.found })}</p>
        <ul class="account-rows">
          ${pages.flatMap(({ tenants }) => tenants).map((one) => html`<${Row} key=${one.tenant_id} one=${one} />`)}
        </ul>
        <p class="page-problem" role="alert">${problem}</p>
        ${next && html`<p><button type="button" class="plain" onclick=${more}>${t('tenants.more')}</button></p>`}
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
