// What the ticks beside an outbound message say: which icon, in which tone, and in words. Pure.

import { mayPass, sentenceFor } from './meta_errors.js';
import { until } from './time.js';

const REASONS = {
  scheduled: 'scheduled',
  number_limit: 'the number is at its rate',
  pair_limit: 'pacing for this customer',
  throttled: 'WhatsApp asked to slow down',
  lane_paused: 'sending from this number is paused',
  queued: 'waiting its turn',
  store_unavailable: 'waiting for the disk or the database',
};

/** Why a message waits, and until when: "the number is at its rate: in 4 s". */
export function reasonOf(delay, now) {
  if (!delay) return 'waiting its turn';
  const reason = REASONS[delay.reason] ?? delay.reason;
  return delay.expected_at ? `${reason}: ${until(delay.expected_at, now)}` : reason;
}

/**
 * The ticks of a delivery: `{icon, tone, label, problem?, retry?}`.
 * `label` is read to screen readers and shown on hover; `problem` stands below the bubble.
 */
export function ticksOf(delivery, { delay, now }) {
  switch (delivery.state) {
    case 'queued':
      return { icon: 'clock', tone: 'wait', label: `Queued: ${reasonOf(delay ?? waitOf(delivery), now)}` };
    case 'claimed':
      // It was called for and comes again later; what is shown does not go back to "queued".
      if (delay || delivery.due)
        return { icon: 'clock', tone: 'wait', label: `Queued: ${reasonOf(delay ?? waitOf(delivery), now)}` };
      return { icon: 'clock', tone: 'wait', label: 'On its way to WhatsApp' };
    case 'unknown':
      return unknownTicks(delivery, now);
    case 'held':
      if (delivery.gave_up)
        return {
          icon: 'dashed',
          tone: 'unknown',
          label: 'Held back by WhatsApp',
          problem: 'WhatsApp held this message back and never said what became of it.',
        };
      return { icon: 'clock', tone: 'wait', label: 'WhatsApp holds it back to check the template' };
    case 'sent':
      return { icon: 'tick', tone: 'sent', label: 'Sent' };
    case 'delivered':
      return { icon: 'ticks', tone: 'sent', label: 'Delivered' };
    case 'read':
      return { icon: 'ticks', tone: 'read', label: 'Read' };
    case 'played':
      return { icon: 'ticks', tone: 'read', label: 'Played' };
    case 'failed':
      return failedTicks(delivery.error);
    case 'expired':
      return {
        icon: 'alert',
        tone: 'failed',
        label: 'Expired',
        problem: 'It was not sent: its time ran out while it waited.',
      };
    case 'cancelled':
      return { icon: 'cross', tone: 'wait', label: 'Taken back', problem: 'Taken back before it was sent.' };
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
      label: 'Outcome unknown',
      problem: 'WhatsApp never said whether it took this message.',
    };
  }
  if (delivery.due) return { icon: 'dashed', tone: 'unknown', label: `Will be sent again ${until(delivery.due, now)}` };
  return {
    icon: 'dashed',
    tone: 'unknown',
    label: 'Checking with WhatsApp',
    problem: 'Checking with WhatsApp whether it was sent.',
  };
}

function failedTicks(error) {
  const code = error?.code ? ` (${error.code})` : '';
  return {
    icon: 'alert',
    tone: 'failed',
    label: `Failed${code}`,
    problem: `${sentenceFor(error)}${code}`,
    retry: mayPass(error),
  };
}
