// Keys by which programs call the API: listed, made, revoked. A key is shown only once.

import { LONG } from '../http.js';
import { t } from '../language.js';
import { exact } from '../time.js';
import { html, useLayoutEffect, useRef, useState } from '../view.js';
import { Copied, Field, Form, Head, Loading, Press, useChange, useFocus, useLoaded } from './parts.js';

const SCOPES = ['send', 'read', 'agents', 'act_as'];

export default function Keys({ page, context }) {
  const { ask, say, copy } = context;
  const loaded = useLoaded(async () => (await ask('GET', '/v1/keys')).keys);
  // What is written: nothing, a new key, or the one that was made.
  const [written, setWritten] = useState(null);
  const add = useRef(null);
  useLayoutEffect(() => {
    if (written === null && loaded.data) add.current?.focus({ preventScroll: true });
  }, [written]);
  const { run, problem } = useChange(say);
  const revoke = (key) =>
    run(async () => {
      await ask('DELETE', `/v1/keys/${encodeURIComponent(key.key_id)}`);
      await loaded.load();
      add.current?.focus({ preventScroll: true });
    }, t('api_keys.revoked', { name: key.name }));
  const make = async ({ name, scopes = [], expires_days: days }) => {
    if (scopes.length === 0) throw Object.assign(new Error(t('api_keys.no_scope')), { status: 422, code: 'no_scope' });
    setWritten(await ask('POST', '/v1/keys', { name, scopes, ...(days && { expires_days: Number(days) }) }, { deadline: LONG }));
    await loaded.load();
  };
  const now = Date.now();
  const keys = sortedKeys(loaded.data ?? [], now);
  return html`
    <${Head} page=${page}>
      ${!written && html`<button type="button" class="primary" ref=${add} onclick=${() => setWritten({})}>${t('api_keys.add')}</button>`}
    <//>
    <p class="page-lead">${t('api_keys.about')}</p>
    ${written?.key && html`<${Made} made=${written} copy=${copy} onDone=${() => setWritten(null)} />`}
    ${written && !written.key && html`<${Make} make=${make} onCancel=${() => setWritten(null)} />`}
    <${Loading} loaded=${loaded} />
    <p class="page-problem" role="alert">${problem}</p>
    ${loaded.data?.length === 0 && html`<p class="page-empty">${t('api_keys.none')}</p>`}
    ${keys.length > 0 &&
    html`
      <section class="card">
        <ul class="account-rows">${keys.map((key) => html`<${Key} key=${key.key_id} one=${key} isOver=${isOver(key, now)} revoke=${revoke} />`)}</ul>
      </section>
    `}
  `;
}

/** Whether a key does not work any more. */
export function isOver({ revoked, expires }, now) {
  return Boolean(revoked || (expires && expires <= now));
}

/** Keys that work first, the newest of them on top. */
export function sortedKeys(keys, now) {
  return keys.toSorted((one, other) => Number(isOver(one, now)) - Number(isOver(other, now)) || other.created - one.created);
}

/** One key; without `revoke` it is only shown. */
export function Key({ one, isOver, revoke }) {
  const { key_id: id, name, scopes, created, created_by: by, expires, revoked } = one;
  const [isAsked, setAsked] = useState(false);
  const facts = [
    t('api_keys.id', { id }),
    t('api_keys.created', { when: exact(created) }),
    ...(by?.name ? [t('api_keys.by', { name: by.name })] : []),
    revoked ? t('api_keys.revoked_at', { when: exact(revoked) }) : expires ? t(isOver ? 'api_keys.expired' : 'api_keys.expires', { when: exact(expires) }) : t('api_keys.endless'),
  ];
  return html`
    <li data-key=${id}>
      <div class="account-who">
        <bdi>${name}</bdi>
        <span class="quiet">${scopes.map((scope) => t(`api_keys.${scope}`)).join(' · ')}</span>
        <span class="quiet">${facts.join(' · ')}</span>
      </div>
      ${isOver && html`<span class="state">${t(revoked ? 'api_keys.is_revoked' : 'api_keys.is_expired')}</span>`}
      ${revoke && !isOver && !isAsked && html`<div class="account-do"><${Press} label=${t('api_keys.revoke')} name=${t('api_keys.revoke_one', { name })} run=${() => setAsked(true)} /></div>`}
      ${!isOver && isAsked && html`<${Question} one=${one} revoke=${revoke} onKeep=${() => setAsked(false)} />`}
    </li>
  `;
}

/** Asks before a key is revoked. The focus goes to the harmless button. */
function Question({ one, revoke, onKeep }) {
  const focus = useFocus();
  const { name } = one;
  return html`
    <div class="account-question">
      <p>${t('api_keys.ask', { name })}</p>
      <${Press} label=${t('api_keys.revoke')} name=${t('api_keys.revoke_yes', { name })} tone="danger" run=${() => revoke(one)} />
      <${Press} label=${t('api_keys.keep')} name=${t('api_keys.keep_one', { name })} run=${onKeep} focus=${focus} />
    </div>
  `;
}

function Make({ make, onCancel }) {
  const focus = useFocus();
  return html`
    <section class="card" aria-labelledby="key-title">
      <h2 id="key-title">${t('api_keys.add')}</h2>
      <${Form} label=${t('api_keys.make')} busy=${t('api_keys.making')} run=${make} onCancel=${onCancel}>
        <${Field} label=${t('api_keys.name')} name="name" required maxlength="100" autocomplete="off" inputRef=${focus} hint=${t('api_keys.name_hint')} />
        <${Field} label=${t('api_keys.days')} kind="number" name="expires_days" min="1" max="3650" hint=${t('api_keys.days_hint')} />
        <fieldset class="field whole choices">
          <legend>${t('api_keys.scopes')}</legend>
          ${SCOPES.map(
            (scope) => html`
              <label key=${scope}>
                <input type="checkbox" name="scopes" value=${scope} defaultChecked=${scope === 'read'} />
                <span><strong>${t(`api_keys.${scope}`)}</strong>: ${t(`api_keys.${scope}.allows`)}</span>
              </label>
            `,
          )}
        </fieldset>
      <//>
    </section>
  `;
}

function Made({ made, copy, onDone }) {
  return html`
    <section class="card" aria-labelledby="made-title">
      <h2 id="made-title">${t('api_keys.made', { name: made.name })}</h2>
      <p>${t('api_keys.once')}</p>
      <${Copied} label=${t('api_keys.key')} text=${made.key} copy=${copy} />
      <p class="form-foot"><button type="button" class="plain" onclick=${onDone}>${t('any.done')}</button></p>
    </section>
  `;
}
