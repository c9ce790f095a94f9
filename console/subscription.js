// How the subscription of the business stands, in words for who manages it. Pure.

import { t } from './language.js';

const DAY = 86_400_000;

/** What stands above everything: null when there is nothing to do. */
export function subscriptionText(subscription, now) {
  switch (subscription?.state) {
    case 'trial': {
      const days = Math.max(0, Math.ceil((subscription.trial_ends - now) / DAY));
      return days === 0 ? t('subscription.trial_over') : t('subscription.trial_left', { count: days });
    }
    case 'past_due':
      return t('subscription.past_due');
    case 'cancelled':
      return t(subscription.paid_until > now ? 'subscription.runs_out' : 'subscription.ended');
    default:
      return null;
  }
}
