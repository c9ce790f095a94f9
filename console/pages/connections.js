// Accounts at businesses' identity providers by which one signs in: listed, connected, disconnected.

import { t } from '../language.js';
import { day } from '../time.js';
import { html, useState } from '../view.js';
import { Loading, Press, useChange, useLoaded } from './parts.js';
import { Proof } from './second_factor.js';

/** Only for whoever signed in by the own password: whom a provider let in has no say in who else gets in. */
export function Connections({ context }) {
  const { profile, person, say } = context;
  const { tenant_id: here, tenants, has_second_factor: withCode } = person();
  const loaded = useLoaded(() => profile.connections());
  const [isAsked, setAsked] = useState(false);
  const { run, problem } = useChange(say);
  const { issuer, connections = [] } = loaded.data ?? {};
  const name = tenants.find((one) => one.tenant_id === here)?.name;
  const isConnected = connections.some((one) => one.tenant_id === here);
  const connect = async ({ password, code }) => {
    const { url } = await profile.connect(password, code);
    if (/^https?:\/\//i.test(url)) location.assign(url);
  };
  const disconnect = (one) =>
    run(async () => {
      await profile.disconnect(one.tenant_id);
      await loaded.load();
    }, t('connections.gone', { name: one.name ?? one.tenant_id }));
  // Most have none, and no business of theirs has a provider: nothing is said of it, nor while it is asked for.
  if (!loaded.error && !issuer && connections.length === 0) return null;
  return html`
    <section class="card" aria-labelledby="connections-title">
      <h2 id="connections-title">${t('connections.title')}</h2>
      <p class="quiet">${t('connections.about')}</p>
      <${Loading} loaded=${loaded} />
      <ul class="account-rows">
        ${connections.map(
          (one) => html`
            <li key=${one.tenant_id}>
              <div class="account-who">
                <bdi>${one.name ?? one.tenant_id}</bdi>
                <span class="quiet">${t('connections.since', { when: day(one.since) })}</span>
              </div>
              <div class="account-do">
                <${Press} label=${t('connections.end')} name=${t('connections.end_one', { name: one.name ?? one.tenant_id })} run=${() => disconnect(one)} />
              </div>
            </li>
          `,
        )}
      </ul>
      <p class="page-problem" role="alert">${problem}</p>
      ${issuer &&
      !isConnected &&
      (isAsked
        ? html`
            <p>${t('connections.ask', { name, issuer })}</p>
            <${Proof} withCode=${withCode} label=${t('any.next')} run=${connect} onCancel=${() => setAsked(false)} />
          `
        : html`<p><${Press} label=${t('connections.begin', { name })} run=${() => setAsked(true)} /></p>`)}
    </section>
  `;
}
