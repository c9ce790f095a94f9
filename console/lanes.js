// What the outbound queue of a number says when it stands still, in words for agents. Pure.

import { until } from './time.js';

const MANAGER = 'An administrator finds the reason, and the way to appeal, in Meta’s WhatsApp Manager.';

// Why Meta stopped a number, and what helps.
const PAUSES = {
  access_token: [
    'WhatsApp does not accept its access token any more.',
    'An administrator has to make a new token at Meta and give it to the number with “mesej number add”.',
  ],
  permission: [
    'WhatsApp says that a permission is missing.',
    'An administrator has to check at Meta which permissions the access token and the app have.',
  ],
  account_blocked: ['WhatsApp has blocked or restricted the account.', MANAGER],
  payment: [
    'WhatsApp cannot charge the account.',
    'An administrator has to check the payment method in the account’s billing settings at Meta.',
  ],
  number_not_ready: [
    'WhatsApp says that the number is not registered.',
    'An administrator has to register it at Meta; “mesej number check” tells what is missing.',
  ],
  display_name: [
    'WhatsApp has not approved its display name.',
    'An administrator can look at the display name in Meta’s WhatsApp Manager.',
  ],
  terms: ['Terms of WhatsApp are not accepted.', 'An administrator has to accept them in Meta’s WhatsApp Manager.'],
  spam_limit: ['Too many of its messages were reported as spam or blocked.', MANAGER],
  misclassification: ['WhatsApp says that templates were put into the wrong category.', MANAGER],
};

const SLOW = {
  throttled: 'WhatsApp asked this number to slow down',
  no_answer: 'WhatsApp does not answer at the moment',
  not_graph: 'WhatsApp cannot be reached: something else answers in its place',
};

/**
 * What stands above everything while Meta refuses a number: `{what, said, help}`; nothing for a number that goes on by
 * itself. `name` is the number as people write it.
 */
export function pauseOf(lane, name, now) {
  if (lane?.state !== 'paused') return null;
  const [why, help] = PAUSES[lane.reason] ?? ['WhatsApp refuses it.', MANAGER];
  const bulk = lane.scope === 'bulk';
  const waits = bulk
    ? 'Replies go out as before; broadcasts wait.'
    : 'What you send waits here, and goes out by itself once WhatsApp takes it again.';
  const trial = lane.until > now ? ` One message is tried ${until(lane.until, now)}.` : '';
  return {
    what: `${bulk ? 'Broadcasts' : 'Sending'} from ${name} ${bulk ? 'are' : 'is'} paused. ${why}`,
    said: saidBy(lane),
    help: `${help} ${waits}${trial}`,
  };
}

/** What Meta said: "Error validating access token. Session has expired. (190)". */
function saidBy({ code, title, details }) {
  const words = [title, details !== title && details].filter(Boolean).map((part) => part.replace(/[.\s]*$/, '.'));
  const number = code ? `(${code})` : '';
  return [...words, number].filter(Boolean).join(' ');
}

/** What whoever writes a reply has to know: `{tone, text}`, or nothing when it goes out at once. */
export function delayOf(lane, now) {
  if (!lane || lane.scope === 'bulk') return null;
  const trial = lane.until > now ? ` It is tried again ${until(lane.until, now)}.` : '';
  if (lane.state === 'paused')
    return { tone: 'bad', text: `Sending from this number is paused: what you send waits here, and goes out later.${trial}` };
  if (lane.state === 'slowed')
    return { tone: 'wait', text: `${SLOW[lane.reason] ?? 'This number sends slowly'}: what you send may take a while.${trial}` };
  return null;
}
