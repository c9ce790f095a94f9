// How the gateway is: whether it takes work, what waits, what stands still. Read again every few seconds while somebody looks.

import { has, list, number, t } from '../language.js';
import { exact } from '../time.js';
import { html, useEffect } from '../view.js';
import { partsOf, samplesOf, sumOf } from './metrics_text.js';
import { Head, Loading, useLoaded } from './parts.js';
import { amountText } from './usage_sums.js';

const LOOK_AGAIN = 5_000;

export default function Health({ page, context }) {
  const loaded = useLoaded(async () => {
    const { ready, metrics } = await context.health();
    return { ready, samples: samplesOf(metrics), at: Date.now() };
  });
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && loaded.load(), LOOK_AGAIN);
    return () => clearInterval(timer);
  }, []);
  const { data } = loaded;
  return html`
    <${Head} page=${page}>${data && html`<span class="quiet">${t('health.at', { when: exact(data.at) })}</span>`}<//>
    <${Loading} loaded=${loaded} />
    ${data && html`<${State} ...${data} /><div class="health">${sections(data.samples).map((one) => html`<${Section} key=${one.title} ...${one} />`)}</div>`}
  `;
}

function State({ ready, samples }) {
  const version = samples.find((one) => one.name === 'mesej_build_info')?.labels.version ?? '–';
  const since = sumOf(samples, 'mesej_start_time_seconds');
  const { count = 0, ids = [] } = ready.missing_tenants ?? {};
  const isReady = ready.status === 'ready';
  const tone = !isReady ? 'bad' : count > 0 ? 'doubtful' : 'good';
  return html`
    <section class="card" aria-labelledby="state-title">
      <h2 id="state-title">${t('health.gateway')}</h2>
      <p role="status" class=${`verdict-${tone}`}>${has(`health.is_${ready.status}`) ? t(`health.is_${ready.status}`) : ready.status}</p>
      ${count > 0 &&
      html`
        <p>${t('health.missing', { count })}</p>
        <ul class="mono">${ids.map((id) => html`<li key=${id}><a href=${`#/operator/tenants/${id}`}>${id}</a></li>`)}</ul>
      `}
      <dl class="facts">
        <dt>${t('health.version')}</dt>
        <dd class="mono">${version}</dd>
        <dt>${t('health.since')}</dt>
        <dd>${since === null ? '–' : exact(since * 1000)}</dd>
      </dl>
    </section>
  `;
}

/** What stands in each part: `[label, text, tone?]`. */
function sections(samples) {
  const of = (name, labels) => sumOf(samples, `mesej_${name}`, labels);
  const count = (name, labels) => amount(of(name, labels));
  const bytes = (name) => (of(name) === null ? '–' : amountText('storage_bytes', of(name)));
  const seconds = (name) => (of(name) === null ? '–' : t('health.seconds', { count: Math.round(of(name)) }));
  const doubt = (name) => (of(name) > 0 ? 'doubtful' : '');
  const paused = partsOf(samples, 'mesej_lane_paused', 'reason').map(([reason, value]) =>
    t('health.paused_by', { reason: has(`health.paused.${reason}`) ? t(`health.paused.${reason}`) : reason, count: value }),
  );
  return [
    {
      title: t('health.store'),
      rows: [
        [t('health.disk'), bytes('store_disk_bytes')],
        [t('health.disk_free'), bytes('store_disk_free_bytes')],
        [t('health.clock'), seconds('clock_doubt_seconds'), of('clock_doubt_seconds') === 0 ? '' : 'doubtful'],
      ],
    },
    {
      title: t('health.webhooks'),
      rows: [
        [t('health.backlog'), count('journal_backlog')],
        [t('health.oldest'), seconds('journal_oldest_seconds')],
        [t('health.quarantined'), count('quarantined_total'), doubt('quarantined_total')],
      ],
    },
    {
      title: t('health.lanes'),
      rows: [
        [t('health.interactive'), count('lane_queue_depth', { priority: 'interactive' })],
        [t('health.bulk'), count('lane_queue_depth', { priority: 'bulk' })],
        [t('health.in_flight'), count('attempts_in_flight')],
        [t('health.unknown'), count('unknown_open'), doubt('unknown_open')],
        [t('health.paused'), paused.length > 0 ? list(paused) : number(0), paused.length > 0 ? 'bad' : ''],
      ],
    },
    {
      title: t('health.tenants'),
      rows: [
        [t('health.live'), count('tenants', { state: 'live' })],
        [t('health.rest'), count('tenants', { state: 'rest' })],
        [t('health.sockets'), count('sockets_open')],
        [t('health.takeovers'), count('ledger_takeovers_total')],
        [t('health.handovers'), count('handovers')],
        [t('health.stalled'), seconds('handovers_stalled_seconds'), doubt('handovers_stalled_seconds')],
      ],
    },
  ];
}

function amount(value) {
  return value === null ? '–' : number(value);
}

function Section({ title, rows }) {
  return html`
    <section class="card" aria-label=${title}>
      <h2>${title}</h2>
      <dl class="facts">
        ${rows.map(([label, text, tone]) => html`<dt>${label}</dt><dd class=${tone ? `verdict-${tone}` : ''}>${text}</dd>`)}
      </dl>
    </section>
  `;
}
