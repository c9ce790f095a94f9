// The identity provider by which the team signs in: set, shown without its secret, removed.

import { ownRefusal, roleName, rolesGivenBy } from '../account.js';
import { t } from '../language.js';
import { html, useState } from '../view.js';
import { Choice, Code, Copied, Field, Form, Loading, OwnPassword, Press, useLoaded } from './parts.js';
import { Proof } from './second_factor.js';

const PATH = '/v1/business/sign-in-provider';

/** What is sent for a form: the groups that have a name, with their roles, and no secret where the one before stays. */
export function providerBody({ issuer, client_id, client_secret, roles_claim, other_role, new_people, password, code }, groups, scopes = []) {
  const roles = Object.fromEntries(groups.map(({ group, role }) => [group.trim(), role]).filter(([group]) => group !== ''));
  const optional = { client_secret, roles_claim, other_role, password, code };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return { issuer, client_id, ...given, ...(Object.keys(roles).length > 0 && { roles }), new_people, ...(scopes.length > 0 && { scopes }) };
}

export function Provider({ ask, say, copy, person, tenant_id }) {
  const { role, has_second_factor: withCode } = person();
  const loaded = useLoaded(async () => {
    try {
      return await ask('GET', PATH);
    } catch (error) {
      if (error.status === 404) return {};
      throw error;
    }
  });
  const { data } = loaded;
  const isSet = Boolean(data?.issuer);
  const remove = async ({ password, code }) => {
    await ask('DELETE', PATH, { password, ...(code !== undefined && { code }) });
    say(t('provider.removed'), 'good');
    await loaded.load();
  };
  const save = async (body) => {
    await ask('PUT', PATH, body);
    say(t('provider.saved'), 'good');
    await loaded.load();
  };
  return html`
    <section class="card" aria-labelledby="provider-title">
      <h2 id="provider-title">${t('provider.title')}</h2>
      <p class="quiet">${t('provider.about')}</p>
      <${Loading} loaded=${loaded} />
      ${data &&
      html`
        <p class="quiet">${t('provider.callback')}</p>
        <${Copied} label=${t('provider.callback')} text=${data.callback_url ?? `${location.origin}/v1/sign-in/${tenant_id}/callback`} copy=${copy} />
        ${isSet && html`<p class="quiet">${t('provider.link')}</p><${Copied} label=${t('provider.link')} text=${`${location.origin}/#/sign-in/company/${tenant_id}`} copy=${copy} />`}
        <${Write} key=${data.changed ?? 'none'} provider=${data} role=${role} withCode=${withCode} save=${save} />
        ${isSet && html`<${Remove} withCode=${withCode} remove=${remove} />`}
      `}
    </section>
  `;
}

function Write({ provider, role: mine, withCode, save }) {
  const gives = rolesGivenBy(mine);
  const [groups, setGroups] = useState(() => Object.entries(provider.roles ?? {}).map(([group, role]) => ({ group, role })));
  const change = (i, more) => setGroups(groups.map((one, n) => (n === i ? { ...one, ...more } : one)));
  // A role that somebody else set stays to be seen.
  const offered = (role) => [...new Set([...(role ? [role] : []), ...gives])].map((one) => [one, roleName(one)]);
  return html`
    <${Form} label=${t('provider.set')} busy=${t('provider.saving')} explain=${ownRefusal} run=${(values) => save(providerBody(values, groups, provider.scopes))}>
      <${Field} label=${t('provider.issuer')} kind="url" name="issuer" required maxlength="500" dir="ltr" defaultValue=${provider.issuer ?? ''} hint=${t('provider.issuer_hint')} />
      <${Field} label=${t('provider.client')} name="client_id" required maxlength="255" dir="ltr" autocomplete="off" spellcheck="false" defaultValue=${provider.client_id ?? ''} />
      <${Field}
        label=${t('provider.secret')}
        kind="password"
        name="client_secret"
        maxlength="500"
        autocomplete="off"
        hint=${t(provider.has_client_secret ? 'provider.secret_kept' : 'provider.secret_hint')}
      />
      <${Field} label=${t('provider.claim')} name="roles_claim" maxlength="100" dir="ltr" autocomplete="off" spellcheck="false" defaultValue=${provider.roles_claim ?? ''} hint=${t('provider.claim_hint')} />
      <fieldset class="field whole groups">
        <legend>${t('provider.groups')}</legend>
        ${groups.map(
          ({ group, role }, i) => html`
            <div class="buttons" key=${i}>
              <input type="text" maxlength="255" aria-label=${t('provider.group', { count: i + 1 })} value=${group} oninput=${(event) => change(i, { group: event.currentTarget.value })} />
              <select aria-label=${t('provider.role_of', { count: i + 1 })} onchange=${(event) => change(i, { role: event.currentTarget.value })}>
                ${offered(role).map(([value, text]) => html`<option key=${value} value=${value} selected=${value === role}>${text}</option>`)}
              </select>
              <${Press} label=${t('provider.drop')} name=${t('provider.drop_one', { count: i + 1 })} run=${() => setGroups(groups.filter((_, n) => n !== i))} />
            </div>
          `,
        )}
        <p><${Press} label=${t('provider.add')} run=${() => setGroups([...groups, { group: '', role: 'agent' }])} /></p>
      </fieldset>
      <${Choice} label=${t('provider.other')} name="other_role" chosen=${provider.other_role ?? ''} options=${[['', t('provider.nobody')], ...offered(provider.other_role)]} />
      <${Choice} label=${t('provider.people')} name="new_people" chosen=${provider.new_people ?? 'refused'} options=${['refused', 'provisioned'].map((one) => [one, t(`provider.${one}`)])} />
      <${OwnPassword} name="password" required hint=${t('provider.password')} />
      ${withCode && html`<${Code} hint=${t('code.hint')} />`}
    <//>
  `;
}

function Remove({ withCode, remove }) {
  const [isAsked, setAsked] = useState(false);
  if (!isAsked) return html`<p><${Press} label=${t('provider.remove')} run=${() => setAsked(true)} /></p>`;
  return html`
    <div class="account-question">
      <p>${t('provider.remove_ask')}</p>
      <${Proof} withCode=${withCode} label=${t('provider.remove')} run=${remove} onCancel=${() => setAsked(false)} />
    </div>
  `;
}
