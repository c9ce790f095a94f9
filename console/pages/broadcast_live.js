// How a broadcast goes: who got it, what failed and why, how fast it is, and what stops or ends it.

import { sentenceOf } from '../account.js';
import { adviceOf, costText, countsOf, doesOf, failuresOf, isOver, limitText, problemText, reactionsOf, reasonText, shareOf, suppressedOf } from '../broadcasts.js';
import { number, t } from '../language.js';
import { hashOfPage } from '../route.js';
import { moment } from '../time.js';
import { html, useState } from '../view.js';
import { Chart, useSamples } from './broadcast_chart.js';
import { State } from './broadcast_list.js';
import { Title, pathOf } from './broadcast_one.js';
import { Recipients } from './broadcast_recipients.js';
import { audienceText, beginsText, byText, hoursText, percentText, rateText, shortTime, zoneText } from './broadcast_words.js';
import { useDefinitions } from './contact_list.js';
import { Sure } from './contact_notes.js';
import { numberText } from './limit_fields.js';
import { Press, useChange } from './parts.js';

export function LiveBroadcast({ context, broadcast, put, mayBroadcast, open, problem: unread }) {
  const definitions = useDefinitions(context);
  const samples = useSamples(broadcast);
  return html`
    <${Title} name=${broadcast.name}>
      <span role="status"><${State} broadcast=${broadcast} /></span>
      ${mayBroadcast && html`<${Doing} ...${{ context, broadcast, put, open }} />`}
    <//>
    ${unread && html`<p class="page-problem" role="alert">${sentenceOf(unread)}</p>`}
    ${broadcast.problem && html`<p class="broadcast-problem" role="alert">${problemText(broadcast)}</p>`}
    <${Progress} broadcast=${broadcast} definitions=${definitions} />
    ${broadcast.counts && samples.length > 2 && html`<section class="card" aria-labelledby="chart-title"><h2 id="chart-title">${t('broadcasts.chart')}</h2><${Chart} samples=${samples} /></section>`}
    <${Zones} broadcast=${broadcast} />
    <${Failures} broadcast=${broadcast} />
    <${Suppressed} broadcast=${broadcast} />
    ${broadcast.launched_at && html`<${Reactions} broadcast=${broadcast} />`}
    <${Facts} ...${{ broadcast, definitions, context }} />
    ${broadcast.plan && html`<${Recipients} context=${context} broadcast=${broadcast} />`}
  `;
}

/** What can be done with it. What ends it is asked before. */
function Doing({ context, broadcast, put, open }) {
  const { ask, say } = context;
  const [asked, setAsked] = useState(null);
  const { run, problem } = useChange(say);
  const { broadcast_id: id, name } = broadcast;
  const steer = (what) =>
    run(async () => {
      put((await ask('POST', `${pathOf(id)}/${what}`, {})).broadcast);
      setAsked(null);
    }, t(`broadcasts.${what}_done`, { name }));
  const retry = () =>
    run(async () => {
      const made = await ask('POST', `${pathOf(id)}/retry`, {});
      open(made.broadcast.broadcast_id);
    }, t('broadcasts.retry_done', { name }));
  const remove = () =>
    run(async () => {
      await ask('DELETE', pathOf(id));
      open(null);
    }, t('broadcasts.remove_done', { name }));
  const does = doesOf(broadcast);
  return html`
    ${asked
      ? html`<${Sure} ask=${t(`broadcasts.${asked}_ask`, { name })} label=${t(`broadcasts.${asked}_yes`)} run=${asked === 'remove' ? remove : () => steer(asked)} onKeep=${() => setAsked(null)} />`
      : html`
          <div class="buttons">
            ${does.map((what) => html`<${Press} key=${what} label=${t(`broadcasts.${what}`)} tone=${what === 'cancel' || what === 'remove' ? 'danger' : ''} run=${() => (what === 'retry' ? retry() : what === 'pause' || what === 'resume' ? steer(what) : setAsked(what))} />`)}
          </div>
        `}
    <p class="page-problem" role="alert">${problem}</p>
  `;
}

function Progress({ broadcast, definitions }) {
  const { state, plan, rate_now: rate, expected_end: end, next_opens_at: opens, ended_at: ended, counts } = broadcast;
  const found = countsOf(broadcast);
  const total = plan?.total ?? 0;
  const share = shareOf(broadcast);
  const own = definitions.numbers.find((one) => one.phone_number_id === broadcast.numbers[0])?.rate;
  const now = Date.now();
  return html`
    <section class="card" aria-labelledby="progress-title">
      <h2 id="progress-title">${t('broadcasts.progress')}</h2>
      ${counts && html`<p class="broadcast-share"><span>${t('broadcasts.done_of', { share: number(Math.floor(share * 100) / 100, { style: 'percent' }), count: plan.recipients })}</span></p>`}
      ${!plan && html`<p class="page-empty">${t('broadcasts.no_plan')}</p>`}
      <${Bar} found=${found} total=${total} />
      <dl class="totals broadcast-totals">
        ${found.map(([outcome, count]) => html`<div key=${outcome} data-outcome=${outcome}><dt><span class=${`outcome-${outcome}`}></span>${t(`broadcasts.outcome.${outcome}`)}</dt><dd>${number(count)} <span class="quiet">${percentText(count, total)}</span></dd></div>`)}
      </dl>
      <dl class="facts">
        ${state === 'scheduled' && html`<dt>${t('broadcasts.begins')}</dt><dd>${beginsText(broadcast)}</dd>`}
        ${state === 'running' && html`<dt>${t('broadcasts.rate_now')}</dt><dd>${rate > 0 ? rateText(rate) : t('broadcasts.no_rate')}</dd><dt>${t('broadcasts.limited_by')}</dt><dd>${limitText(broadcast, own)}</dd>`}
        ${state === 'running' && opens && html`<dt>${t('broadcasts.next_opens')}</dt><dd>${shortTime(opens)}</dd>`}
        ${state === 'running' && end && html`<dt>${t('broadcasts.expected_end')}</dt><dd>${moment(end, now)}</dd>`}
        ${broadcast.cost && html`<dt>${t('broadcasts.cost')}</dt><dd data-cost=${broadcast.cost.told}>${costText(broadcast.cost)}</dd>`}
        ${ended && html`<dt>${t('broadcasts.ended')}</dt><dd>${shortTime(ended)}</dd>`}
      </dl>
    </section>
  `;
}

/** Zones that are told apart: those with the most recipients. */
const ZONES = 12;

/** Where recipients are, and whether it is a sending hour there. */
function Zones({ broadcast }) {
  const { state, zones = [] } = broadcast;
  if (zones.length === 0 || isOver(broadcast)) return false;
  const told = zones.toSorted((one, other) => other.recipients - one.recipients).slice(0, ZONES);
  const stands = ({ state: stands, opens_at: opens, closes_at: closes }) => {
    if (stands === 'passed') return t('broadcasts.zone_passed');
    if (stands === 'closed') return opens ? t('broadcasts.zone_closed', { when: shortTime(opens) }) : t('broadcasts.zone_shut');
    return closes ? t('broadcasts.zone_open_until', { when: shortTime(closes) }) : t('broadcasts.zone_open');
  };
  return html`
    <section class="card" aria-labelledby="zones-title" data-state=${state}>
      <h2 id="zones-title">${t('broadcasts.zones')}</h2>
      <ul class="broadcast-reasons">${told.map((one) => html`<li key=${one.zones[0]} data-zone=${one.state}><strong>${number(one.recipients)}</strong><span><bdi>${one.zones.map(zoneText).join(', ')}</bdi>: ${stands(one)}</span></li>`)}</ul>
      ${zones.length > ZONES && html`<p class="quiet">${t('broadcasts.more_zones', { count: zones.length - ZONES })}</p>`}
    </section>
  `;
}

/** Recipients by what they came to, as one bar. The numbers below say the same. */
function Bar({ found, total }) {
  if (total === 0) return false;
  let from = 0;
  const parts = found.map(([outcome, count]) => {
    const part = { outcome, x: (from / total) * 1_000, width: (count / total) * 1_000 };
    from += count;
    return part;
  });
  return html`
    <svg class="broadcast-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
      ${parts.map(({ outcome, x, width }) => html`<rect key=${outcome} class=${`outcome-${outcome}`} x=${x} width=${width} y="0" height="10" />`)}
    </svg>
  `;
}

function Failures({ broadcast }) {
  const failures = failuresOf(broadcast);
  if (failures.length === 0) return false;
  return html`
    <section class="card" aria-labelledby="failures-title">
      <h2 id="failures-title">${t('broadcasts.failures')}</h2>
      <ul class="broadcast-reasons">
        ${failures.map(([code, count]) => html`<li key=${code}><strong>${number(count)}</strong><span>${adviceOf(code)} ${Number(code) > 0 && html`<span class="quiet">${t('broadcasts.code', { code })}</span>`}</span></li>`)}
      </ul>
    </section>
  `;
}

/** Who is not sent to, and why. */
export function Suppressed({ broadcast }) {
  const reasons = suppressedOf(broadcast);
  if (reasons.length === 0) return false;
  return html`
    <section class="card" aria-labelledby="suppressed-title">
      <h2 id="suppressed-title">${t('broadcasts.suppressed')}</h2>
      <ul class="broadcast-reasons">${reasons.map(([reason, count]) => html`<li key=${reason} data-reason=${reason}><strong>${number(count)}</strong><span>${reasonText(reason)}</span></li>`)}</ul>
    </section>
  `;
}

function Reactions({ broadcast }) {
  return html`
    <section class="card" aria-labelledby="reactions-title">
      <h2 id="reactions-title">${t('broadcasts.reactions')}</h2>
      <dl class="totals">${reactionsOf(broadcast).map(([what, count]) => html`<div key=${what}><dt>${t(`broadcasts.reaction.${what}`)}</dt><dd>${number(count)}</dd></div>`)}</dl>
      <p class="quiet">${t('broadcasts.reactions_hint')}</p>
    </section>
  `;
}

function Facts({ broadcast, definitions, context }) {
  const { template, numbers, rate, exclude, created_by: by, created_at: created, launched_by: launcher, launched_at: launched } = broadcast;
  const from = definitions.numbers.find((one) => one.phone_number_id === numbers[0]);
  const left = [...exclude.lists.map((id) => definitions.lists.find((one) => one.list_id === id)?.name ?? id), ...exclude.segments.map((id) => definitions.segments.find((one) => one.segment_id === id)?.name ?? id)];
  const facts = [
    [t('broadcasts.template'), template ? `${template.name} (${template.language.code})` : t('broadcasts.no_template')],
    [t('broadcasts.audience'), audienceText(broadcast, definitions)],
    left.length > 0 && [t('broadcasts.exclude'), left.join(' · ')],
    [t('broadcasts.number'), from ? numberText(from) : numbers[0]],
    rate && [t('broadcasts.own_rate'), rateText(rate)],
    broadcast.hours?.days && [t('broadcasts.hours'), hoursText(broadcast)],
    [t('broadcasts.created'), t('broadcasts.by_at', { who: byText(by, context), when: shortTime(created) })],
    launched && [t('broadcasts.launched'), t('broadcasts.by_at', { who: byText(launcher, context), when: shortTime(launched) })],
  ].filter(Boolean);
  return html`
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">${t('broadcasts.facts')}</h2>
      <dl class="facts">${facts.map(([label, value]) => html`<dt key=${`${label} t`}>${label}</dt><dd key=${`${label} d`}><bdi>${value}</bdi></dd>`)}</dl>
      ${isOver(broadcast) && html`<p><a href=${hashOfPage('broadcasts')}>${t('broadcasts.back')}</a></p>`}
    </section>
  `;
}
