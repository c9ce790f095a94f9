// The businesses that one works for, a copy of what is kept, leaving a team, and closing the account.

import { ownRefusal, roleName } from '../account.js';
import { nodes, t } from '../language.js';
import { html, useState } from '../view.js';
import { Choice, Form, OwnProof, Press, ProofAlong, keepFile, useChange, useFocus, useLoaded } from './parts.js';

/** The businesses: working for another one, and leaving the one that one works for. */
export function Businesses({ context }) {
  const { account, person, leave, say } = context;
  const { tenant_id: here, tenants } = person();
  const [isAsked, setAsked] = useState(false);
  const { run, problem } = useChange(say);
  const go = (id) =>
    run(async () => {
      await account.changeTenant(id);
      leave();
    });
  return html`
    <section class="card" aria-labelledby="tenants-title">
      <h2 id="tenants-title">${t('tenants.mine')}</h2>
      <ul class="account-rows">
        ${tenants.map(
          ({ tenant_id: id, name, role }) => html`
            <li key=${id}>
              <div class="account-who"><bdi>${name}</bdi><span class="quiet">${roleName(role)}</span></div>
              ${id !== here && html`<div class="account-do"><${Press} label=${t('tenants.go')} name=${t('tenants.go_to', { name })} run=${() => go(id)} /></div>`}
              ${id === here &&
              !isAsked &&
              html`
                <div class="account-do">
                  <span class="account-role">${t('tenants.here')}</span>
                  <${Press} label=${t('leaving.leave')} name=${t('leaving.leave_one', { name })} run=${() => setAsked(true)} />
                </div>
              `}
              ${id === here && isAsked && html`<${Leaving} context=${context} name=${name} onKeep=${() => setAsked(false)} />`}
            </li>
          `,
        )}
      </ul>
      <p class="page-problem" role="alert">${problem}</p>
    </section>
  `;
}

/** Asks who takes over before somebody leaves. The focus goes to the harmless button. */
function Leaving({ context, name, onKeep }) {
  const { account, person, leave, say } = context;
  const { user, role, has_second_factor: withCode } = person();
  const { user_id: me } = user;
  const [heir, setHeir] = useState('');
  const [proof, setProof] = useState({});
  const focus = useFocus();
  const { run, problem } = useChange(say, ownRefusal);
  const { data } = useLoaded(() => account.team());
  const others = (data ?? []).filter((one) => one.user_id !== me && one.role !== 'read_only');
  const go = () =>
    run(async () => {
      await account.removeMember(me, heir || undefined, proof);
      leave();
    });
  return html`
    <div class="account-question">
      <p>${nodes('leaving.ask', { name: html`<bdi>${name}</bdi>` })}</p>
      ${others.length > 0 &&
      html`
        <${Choice}
          label=${t('leaving.heir')}
          chosen=${heir}
          options=${[['', t('leaving.no_heir')], ...others.map((one) => [one.user_id, one.name])]}
          onchange=${(event) => setHeir(event.currentTarget.value)}
        />
      `}
      ${role === 'owner' && html`<${ProofAlong} withCode=${withCode} onChange=${setProof} />`}
      <${Press} label=${t('leaving.leave')} name=${t('leaving.leave_yes', { name })} tone="danger" run=${go} />
      <${Press} label=${t('leaving.stay')} run=${onKeep} focus=${focus} />
      <p class="page-problem" role="alert">${problem}</p>
    </div>
  `;
}

/** A copy of everything, and the end. */
export function Closing({ context }) {
  const { profile, person, leave, say } = context;
  const [isAsked, setAsked] = useState(false);
  const { run, problem } = useChange(say);
  const take = () => run(async () => keepFile('mesej-account.json', new Blob([JSON.stringify(await profile.export(), null, 2)], { type: 'application/json' })), t('export.done'));
  const close = async ({ password, code }) => {
    await profile.close(password, code);
    leave();
  };
  return html`
    <section class="card" aria-labelledby="export-title">
      <h2 id="export-title">${t('export.title')}</h2>
      <p class="quiet">${t('export.about')}</p>
      <p><${Press} label=${t('export.take')} run=${take} /></p>
      <p class="page-problem" role="alert">${problem}</p>
    </section>
    <section class="card" aria-labelledby="closing-title">
      <h2 id="closing-title">${t('closing_account.title')}</h2>
      <p class="quiet">${t('closing_account.about')}</p>
      ${isAsked
        ? html`<${Confirmed} person=${person()} run=${close} onCancel=${() => setAsked(false)} />`
        : html`<p><${Press} label=${t('closing_account.begin')} tone="danger" run=${() => setAsked(true)} /></p>`}
    </section>
  `;
}

// Who signed in by the company's provider shows no password: a sign-in of the last minutes stands for it.
function Confirmed({ person, run, onCancel }) {
  const focus = useFocus();
  const explain = (error) => (error.code === 'last_owner' ? t('closing_account.last_owner') : ownRefusal(error));
  return html`
    <p><strong>${t('closing_account.ask')}</strong></p>
    <${Form} label=${t('closing_account.do')} busy=${t('closing_account.doing')} run=${run} explain=${explain} onCancel=${onCancel}>
      ${person.signed_in_by !== 'provider' && html`<${OwnProof} withCode=${person.has_second_factor} inputRef=${focus} />`}
    <//>
  `;
}
