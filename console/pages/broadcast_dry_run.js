// What would become of a broadcast that is planned: when it goes out, and what WhatsApp charges for it.

import { limitText, moneyText } from '../broadcasts.js';
import { number, t } from '../language.js';
import { html } from '../view.js';
import { pathOf } from './broadcast_one.js';
import { shortTime } from './broadcast_words.js';
import { Loading, useLoaded } from './parts.js';

export function DryRun({ context, broadcast, ownRate }) {
  const { broadcast_id: id, version } = broadcast;
  const loaded = useLoaded(async () => (await context.ask('GET', `${pathOf(id)}/dry-run`)).dry_run, [id, version]);
  const { data } = loaded;
  return html`
    <section class="broadcast-dry-run" aria-labelledby="dry-run-title">
      <h3 id="dry-run-title">${t('broadcasts.dry_run')}</h3>
      <${Loading} loaded=${loaded} />
      ${data && html`<${Foretold} ...${{ broadcast, ownRate, dryRun: data }} />`}
    </section>
  `;
}

function Foretold({ broadcast, ownRate, dryRun }) {
  const { starts_at: starts, ends_at: ends, limited_by: limited, spend } = dryRun;
  const { total, currency, unpriced, rate_card: card } = spend;
  const facts = [
    [t('broadcasts.begins'), shortTime(starts)],
    [t('broadcasts.expected_end'), ends === null ? t('broadcasts.no_end') : shortTime(ends)],
    [t('broadcasts.limited_by'), limitText({ ...broadcast, limited_by: limited }, ownRate)],
    [t('broadcasts.cost'), html`<strong data-cost=${total}>${moneyText(total, currency)}</strong> <span class="quiet">${t('broadcasts.by_card', { date: card.date })}</span>`],
  ];
  return html`
    <dl class="facts">${facts.map(([label, value]) => html`<dt key=${`${label} t`}>${label}</dt><dd key=${`${label} d`}>${value}</dd>`)}</dl>
    ${unpriced > 0 && html`<p>${t('broadcasts.unpriced', { count: unpriced })}</p>`}
    <p class="quiet">${t('broadcasts.cost_hint')}</p>
    <${ByMarket} spend=${spend} />
    <${ByHour} dryRun=${dryRun} />
  `;
}

/** What Meta calls a market, but for all others. */
const marketText = (market) => (market.toLowerCase() === 'other' ? t('broadcasts.market_other') : market);

function ByMarket({ spend: { markets, currency } }) {
  if (markets.length === 0) return false;
  const money = (amount) => (amount === null ? '–' : moneyText(amount, currency));
  return html`
    <details>
      <summary>${t('broadcasts.by_market')}</summary>
      <div class="table-frame" tabindex="0" role="region" aria-label=${t('broadcasts.by_market')}>
        <table>
          <thead><tr><th>${t('broadcasts.market')}</th>${['messages', 'price', 'cost'].map((name) => html`<th key=${name} class="amount">${t(`broadcasts.${name}`)}</th>`)}</tr></thead>
          <tbody>
            ${markets.map(
              ({ market, messages, price, cost }) => html`
                <tr key=${market} data-market=${market}><th scope="row"><bdi>${marketText(market)}</bdi></th><td class="amount">${number(messages)}</td><td class="amount">${money(price)}</td><td class="amount">${money(cost)}</td></tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </details>
  `;
}

function ByHour({ dryRun: { hours, later } }) {
  if (hours.length === 0) return false;
  return html`
    <details>
      <summary>${t('broadcasts.by_hour')}</summary>
      <div class="table-frame" tabindex="0" role="region" aria-label=${t('broadcasts.by_hour')}>
        <table>
          <thead><tr><th>${t('broadcasts.hour')}</th><th class="amount">${t('broadcasts.messages')}</th></tr></thead>
          <tbody>
            ${hours.map(({ at, messages }) => html`<tr key=${at} data-hour=${at}><th scope="row">${shortTime(at)}</th><td class="amount">${number(messages)}</td></tr>`)}
            ${later > 0 && html`<tr key="later"><th scope="row">${t('broadcasts.later')}</th><td class="amount">${number(later)}</td></tr>`}
          </tbody>
        </table>
      </div>
    </details>
  `;
}
