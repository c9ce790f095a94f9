// What the outbound queue of a number says when it stands still, in words for agents. Pure.

import { has, t } from './language.js';
import { moment } from './time.js';

/**
 * What stands above everything while Meta refuses a number: `{what, said, help}`; nothing for a number that goes on by
 * itself. `name` is the number as people write it.
 */
export function pauseOf(lane, name, now) {
  if (lane?.state !== 'paused') return null;
  const reason = has(`pause.${lane.reason}`) ? lane.reason : 'other';
  const bulk = lane.scope === 'bulk';
  const trial = lane.until > now ? t('pause.trial', { when: moment(lane.until, now) }) : '';
  return {
    what: `${t(bulk ? 'pause.bulk' : 'pause.all', { name })} ${t(`pause.${reason}`)}`,
    said: saidBy(lane),
    help: sentences(t(has(`pause.${reason}.help`) ? `pause.${reason}.help` : 'pause.help'), t(bulk ? 'pause.bulk_waits' : 'pause.waits'), trial),
  };
}

function sentences(...parts) {
  return parts.filter(Boolean).join(' ');
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
  const trial = lane.until > now ? t('slow.trial', { when: moment(lane.until, now) }) : '';
  if (lane.state === 'paused') return { tone: 'bad', text: sentences(t('slow.paused'), trial) };
  const reason = has(`slow.${lane.reason}`) ? lane.reason : 'other';
  if (lane.state === 'slowed') return { tone: 'wait', text: sentences(t(`slow.${reason}`), trial) };
  return null;
}
