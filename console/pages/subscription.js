// The subscription of the business: its state, and the payment provider's own pages.

import { has, t } from '../language.js';
import { subscriptionText } from '../subscription.js';
import { day } from '../time.js';
import { html } from '../view.js';
import { Loading, useLoaded } from './parts.js';

/** The payment provider's page, where an address is one that the page may link to. */
function Way({ url, label }) {
  return url?.startsWith('https://') && html`<a class="plain" href=${url} target="_blank" rel="noopener noreferrer">${label}</a>`;
}

export function Subscription({ ask }) {
  // A gateway without a payment provider does not know the call: then there is nothing to show.
  const loaded = useLoaded(async () => {
    try {
      return await ask('GET', '/v1/subscription');
    } catch (error) {
      if (error.status === 404) return { state: null };
      throw error;
    }
  });
  const { data } = loaded;
  const { state, plan, trial_ends, paid_until, checkout_url, portal_url } = data ?? {};
  // Without a subscription and a way to one there is nothing to show either.
  if (data && (state === null || (state === 'none' && !checkout_url && !portal_url))) return null;
  return html`
    <section class="card" aria-labelledby="subscription-title">
      <h2 id="subscription-title">${t('subscription.title')}</h2>
      <${Loading} loaded=${loaded} />
      ${data &&
      html`
        <p>${subscriptionText(data, Date.now())}</p>
        <dl class="facts">
          <dt>${t('subscription.state')}</dt>
          <dd>${has(`subscription.is_${state}`) ? t(`subscription.is_${state}`) : state}</dd>
          ${plan && html`<dt>${t('subscription.plan')}</dt><dd><bdi>${plan}</bdi></dd>`}
          ${trial_ends && html`<dt>${t('subscription.trial_ends')}</dt><dd>${day(trial_ends)}</dd>`}
          ${paid_until && html`<dt>${t('subscription.paid_until')}</dt><dd>${day(paid_until)}</dd>`}
        </dl>
        <p class="buttons">
          <${Way} url=${checkout_url} label=${t('subscription.checkout')} />
          <${Way} url=${portal_url} label=${t('subscription.portal')} />
        </p>
      `}
    </section>
  `;
}
