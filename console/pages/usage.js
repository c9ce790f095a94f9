// How much the business uses: messages by hour or day, what WhatsApp charges for, and how near its quotas are.

import { dateTime, has, number, t } from '../language.js';
import { html, useState } from '../view.js';
import { Choice, Download, Field, Head, Loading, useLoaded } from './parts.js';
import { amountText, bars, dayOf, fitted, totalsOf, usageQuery } from './usage_sums.js';

const DAY = 86_400_000;
const HEIGHT = 100;
const LEAST_BARS = 14;

export default function Usage({ page, context }) {
  const { ask } = context;
  const [range, setRange] = useState(() => ({ from: dayOf(Date.now() - 29 * DAY), to: dayOf(Date.now()), by: 'day' }));
  const loaded = useLoaded(async () => (await ask('GET', `/v1/usage${usageQuery(range)}`)).rows, [range]);
  const change = (name) => (event) => event.currentTarget.value && setRange(fitted({ ...range, [name]: event.currentTarget.value }, name));
  const rows = loaded.data ?? [];
  return html`
    <${Head} page=${page}>
      <${Download} label=${t('usage.csv')} name=${`usage-${range.from}-${range.to}.csv`} path=${`/v1/usage${usageQuery({ ...range, format: 'csv' })}`} ask=${ask} />
    <//>
    <${Quotas} ask=${ask} />
    <section class="card" aria-labelledby="usage-title">
      <h2 id="usage-title">${t('usage.messages')}</h2>
      <div class="filters">
        <${Field} label=${t('usage.from')} kind="date" value=${range.from} onchange=${change('from')} />
        <${Field} label=${t('usage.to')} kind="date" value=${range.to} onchange=${change('to')} />
        <${Choice} label=${t('usage.by')} chosen=${range.by} options=${[['day', t('usage.day')], ['hour', t('usage.hour')]]} onchange=${change('by')} />
      </div>
      <${Loading} loaded=${loaded} />
      ${loaded.data && rows.length === 0 && html`<p class="page-empty">${t('usage.none')}</p>`}
      ${rows.length > 0 && html`<${Totals} rows=${rows} /><${Chart} rows=${rows} /><${Table} rows=${rows} by=${range.by} />`}
    </section>
  `;
}

/** How much of its quotas a tenant uses; `below(loaded)` gives what stands below. */
export function Quotas({ ask, path = '/v1/quotas', below }) {
  const loaded = useLoaded(async () => (await ask('GET', path)).quotas);
  return html`
    <section class="card" aria-labelledby="quotas-title">
      <h2 id="quotas-title">${t('quotas.title')}</h2>
      <${Loading} loaded=${loaded} />
      <div class="quotas">${loaded.data?.map((quota) => html`<${Quota} key=${quota.name} ...${quota} />`)}</div>
      ${loaded.data && below && below(loaded)}
    </section>
  `;
}

/** What a quota is called. */
export function quotaName(name) {
  return has(`quota.${name}`) ? t(`quota.${name}`) : name.replaceAll('_', ' ');
}

function Quota({ name, limit, used }) {
  const label = quotaName(name);
  const amounts = t(limit === null ? 'quotas.unlimited' : 'quotas.of', { used: amountText(name, used), limit: amountText(name, limit ?? 0) });
  return html`
    <div>
      <p class="pair"><span>${label}</span><span class="quiet">${amounts}</span></p>
      ${limit > 0 && html`<meter aria-label=${label} min="0" max=${limit} low=${limit * 0.8} high=${limit * 0.95} optimum="0" value=${used ?? 0}></meter>`}
    </div>
  `;
}

function Totals({ rows }) {
  const { inbound, outbound, categories } = totalsOf(rows);
  return html`
    <dl class="totals">
      <div><dt>${t('usage.inbound')}</dt><dd>${number(inbound)}</dd></div>
      <div><dt>${t('usage.outbound')}</dt><dd>${number(outbound)}</dd></div>
      ${Object.entries(categories).map(([name, count]) => html`<div key=${name}><dt>${categoryName(name)}</dt><dd>${number(count)}</dd></div>`)}
    </dl>
  `;
}

function categoryName(name) {
  return has(`category.${name}`) ? t(`category.${name}`) : name.replaceAll('_', ' ');
}

/** Bars of what came in and went out. The table below says the same in numbers. */
function Chart({ rows }) {
  const drawn = bars(rows, HEIGHT);
  // A few days are as narrow as many.
  const width = Math.max(drawn.length, LEAST_BARS) * 10;
  const most = Math.max(...rows.flatMap(({ messages }) => [messages.inbound, messages.outbound]));
  const day = (row) => dateTime(row.from, { dateStyle: 'medium', timeZone: 'UTC' });
  return html`
    <svg class="chart" viewBox=${`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      ${drawn.map(
        ({ inbound, outbound }, i) => html`
          <rect class="inbound" x=${i * 10 + 1} width="3.6" y=${HEIGHT - inbound} height=${inbound} />
          <rect class="outbound" x=${i * 10 + 5.2} width="3.6" y=${HEIGHT - outbound} height=${outbound} />
        `,
      )}
    </svg>
    <p class="chart-ends"><span>${day(rows[0])}</span>${rows.length > 1 && drawn.length >= LEAST_BARS && html`<span>${day(rows.at(-1))}</span>`}</p>
    <p class="legend"><span class="inbound">${t('usage.inbound')}</span><span class="outbound">${t('usage.outbound')}</span><bdi class="quiet">${t('usage.most', { count: most })}</bdi></p>
  `;
}

function Table({ rows, by }) {
  const { categories } = totalsOf(rows);
  const names = Object.keys(categories);
  const when = by === 'hour' ? { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' } : { dateStyle: 'medium', timeZone: 'UTC' };
  return html`
    <div class="table-frame" tabindex="0" role="region" aria-label=${t('usage.table')}>
      <table>
        <caption>${t('usage.utc')}</caption>
        <thead>
          <tr>
            <th>${t('usage.when')}</th>
            ${[t('usage.inbound'), t('usage.outbound'), ...names.map(categoryName), t('usage.contacts'), t('usage.agents'), t('usage.storage')].map(
              (name) => html`<th key=${name} class="amount">${name}</th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${rows.toReversed().map(
            (row) => html`
              <tr key=${row.from}>
                <th scope="row">${dateTime(row.from, when)}</th>
                <td class="amount">${number(row.messages.inbound)}</td>
                <td class="amount">${number(row.messages.outbound)}</td>
                ${names.map((name) => html`<td key=${name} class="amount">${number(row.categories?.[name] ?? 0)}</td>`)}
                <td class="amount">${number(row.active_contacts ?? 0)}</td>
                <td class="amount">${number(row.agents ?? 0)}</td>
                <td class="amount">${row.storage_bytes === null || row.storage_bytes === undefined ? '–' : amountText('storage_bytes', row.storage_bytes)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}
