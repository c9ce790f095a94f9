// What could not be applied, for operators: its reasons, and putting it back on the way in. What it says is not shown.

import { has, t } from '../language.js';
import { exact } from '../time.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { Head, Loading, Press, useChange, useFocus, useLoaded } from './parts.js';
import { amountText } from './usage_sums.js';

/**
 * Replays all that was put aside, a thousand at a time; `told(replayed)` hears how far it is. It ends early once `isWanted()` says no.
 * Gives how many were replayed.
 */
export async function replayAll(post, told, isWanted) {
  let replayed = 0;
  for (let body = { all: true }; body && isWanted(); ) {
    const answer = await post(body);
    replayed += answer.replayed;
    told(replayed);
    body = answer.more ? answer.next : null;
  }
  return replayed;
}

export default function Quarantine({ page, context }) {
  const { ask, say, mayChange } = context;
  const [most, setMost] = useState(1);
  const loaded = useLoaded(async () => {
    const items = [];
    let next = null;
    for (let n = 0; n < most && (n === 0 || next !== null); n += 1) {
      const part = await ask('GET', `/v1/admin/quarantine?limit=100${next === null ? '' : `&cursor=${encodeURIComponent(next)}`}`);
      items.push(...part.quarantined);
      next = part.next_cursor;
    }
    return { items, next };
  }, [most]);
  const [isAsked, setAsked] = useState(false);
  const [progress, setProgress] = useState('');
  const isHere = useRef(true);
  useEffect(() => () => (isHere.current = false), []);
  const { run, problem } = useChange(say);
  const post = (body) => ask('POST', '/v1/admin/quarantine/replay', body);
  const one = (id) =>
    run(async () => {
      await post({ ids: [id] });
      await loaded.load();
    }, t('quarantine.replayed_one'));
  const all = () => {
    setAsked(false);
    setProgress(t('quarantine.replaying', { count: 0 }));
    return run(async () => {
      try {
        const count = await replayAll(post, (done) => setProgress(t('quarantine.replaying', { count: done })), () => isHere.current);
        setProgress(t('quarantine.replayed', { count }));
      } catch (error) {
        setProgress('');
        throw error;
      } finally {
        await loaded.load();
      }
    });
  };
  const { items = [], next = null } = loaded.data ?? {};
  return html`
    <${Head} page=${page}>
      ${mayChange && items.length > 0 && !isAsked && html`<button type="button" class="primary" onclick=${() => setAsked(true)}>${t('quarantine.replay_all')}</button>`}
    <//>
    <p class="page-lead">${t('quarantine.about')}</p>
    ${isAsked && html`<${Question} run=${all} onKeep=${() => setAsked(false)} />`}
    <p class="page-status" role="status">${progress}</p>
    <p class="page-problem" role="alert">${problem}</p>
    <${Loading} loaded=${loaded} />
    ${loaded.data && items.length === 0 && html`<p class="page-empty">${t('quarantine.none')}</p>`}
    ${items.length > 0 &&
    html`
      <section class="card" aria-label=${t('page.operator/quarantine')}>
        <ul class="account-rows">${items.map((item) => html`<${Item} key=${item.id} item=${item} replay=${mayChange && one} />`)}</ul>
        ${next !== null && html`<p><button type="button" class="plain" onclick=${() => setMost(most + 1)}>${t('tenants.more')}</button></p>`}
      </section>
    `}
  `;
}

function Item({ item, replay }) {
  const { id, at, reason, app, bytes } = item;
  const why = has(`quarantine.reason.${reason}`) ? t(`quarantine.reason.${reason}`) : reason;
  return html`
    <li data-item=${id}>
      <div class="account-who">
        <span>${why}</span>
        <span class="quiet">${[exact(at), app && t('quarantine.app', { app }), amountText('storage_bytes', bytes)].filter(Boolean).join(' · ')}</span>
        <span class="quiet mono">${id}</span>
      </div>
      ${replay && html`<div class="account-do"><${Press} label=${t('quarantine.replay')} name=${t('quarantine.replay_one', { id })} run=${() => replay(id)} /></div>`}
    </li>
  `;
}

function Question({ run, onKeep }) {
  const focus = useFocus();
  return html`
    <div class="card account-question">
      <p>${t('quarantine.ask')}</p>
      <${Press} label=${t('quarantine.replay_all')} name=${t('quarantine.replay_yes')} run=${run} />
      <${Press} label=${t('any.cancel')} run=${onKeep} focus=${focus} />
    </div>
  `;
}
