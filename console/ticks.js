// What the ticks beside an outbound message say: which icon, in which tone, and in words. Pure.

import { has, t } from './language.js';
import { mayPass, sentenceFor } from './meta_errors.js';
import { until } from './time.js';

/** Why a message waits, and until when: "the number is at its rate: in 4 s". */
export function reasonOf(delay, now) {
  if (!delay) return t('reason.queued');
  const reason = has(`reason.${delay.reason}`) ? t(`reason.${delay.reason}`) : delay.reason;
  return delay.expected_at ? t('reason.until', { reason, when: until(delay.expected_at, now) }) : reason;
}

/**
 * The ticks of a delivery: `{icon, tone, label, problem?, retry?}`.
 * `label` is read to screen readers and shown on hover; `problem` stands below the bubble.
 */
export function ticksOf(delivery, { delay, now }) {
  switch (delivery.state) {
    case 'queued':
      return { icon: 'clock', tone: 'wait', label: t('ticks.queued', { reason: reasonOf(delay ?? waitOf(delivery), now) }) };
    case 'claimed':
      // It was called for and comes again later; what is shown does not go back to "queued".
      if (delay || delivery.due)
        return { icon: 'clock', tone: 'wait', label: t('ticks.queued', { reason: reasonOf(delay ?? waitOf(delivery), now) }) };
      return { icon: 'clock', tone: 'wait', label: t('ticks.claimed') };
    case 'unknown':
      return unknownTicks(delivery, now);
    case 'held':
      if (delivery.gave_up)
        return {
          icon: 'dashed',
          tone: 'unknown',
          label: t('ticks.held_back'),
          problem: t('ticks.held_back_why'),
        };
      return { icon: 'clock', tone: 'wait', label: t('ticks.held') };
    case 'sent':
      return { icon: 'tick', tone: 'sent', label: t('state.sent') };
    case 'delivered':
      return { icon: 'ticks', tone: 'sent', label: t('state.delivered') };
    case 'read':
      return { icon: 'ticks', tone: 'read', label: t('state.read') };
    case 'played':
      return { icon: 'ticks', tone: 'read', label: t('state.played') };
    case 'failed':
      return failedTicks(delivery.error);
    case 'expired':
      return {
        icon: 'alert',
        tone: 'failed',
        label: t('state.expired'),
        problem: t('ticks.expired_why'),
      };
    case 'cancelled':
      return { icon: 'cross', tone: 'wait', label: t('state.cancelled'), problem: t('ticks.cancelled_why') };
    default:
      return { icon: 'clock', tone: 'wait', label: delivery.state };
  }
}

// A status event says when a message is due again, and a scheduled one carries its time: no need to ask the gateway.
function waitOf(delivery) {
  if (delivery.due) return { reason: 'throttled', expected_at: delivery.due };
  if (delivery.send_at) return { reason: 'scheduled', expected_at: delivery.send_at };
  return undefined;
}

function unknownTicks(delivery, now) {
  if (delivery.gave_up) {
    return {
      icon: 'dashed',
      tone: 'unknown',
      label: t('state.unknown'),
      problem: t('ticks.gave_up_why'),
    };
  }
  if (delivery.due) return { icon: 'dashed', tone: 'unknown', label: t('ticks.again', { when: until(delivery.due, now) }) };
  return {
    icon: 'dashed',
    tone: 'unknown',
    label: t('ticks.checking'),
    problem: t('ticks.checking_why'),
  };
}

function failedTicks(error) {
  const code = error?.code ? String(error.code) : '';
  return {
    icon: 'alert',
    tone: 'failed',
    label: code ? t('ticks.failed_code', { code }) : t('state.failed'),
    problem: code ? `${sentenceFor(error)} (${code})` : sentenceFor(error),
    retry: mayPass(error),
  };
}
