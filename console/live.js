// The chip that says whether what one sees is what there is.

import { setText } from './dom.js';
import { has, t } from './language.js';

/** Shows how the connection stands. */
export function renderLive(chip, link, now) {
  const { tone, text, more = '', hint } = words(link, now);
  chip.dataset.state = tone;
  chip.title = hint;
  setText(chip.querySelector('.live-text'), text);
  // Beside what is read out: it changes each second.
  setText(chip.querySelector('.live-more'), more);
}

/** What the gateway refused, if it said so. */
function refusalOf({ code }) {
  return has(`refusal.${code}`) ? t(`refusal.${code}`, { message: '' }) : '';
}

function words(link, now) {
  switch (link.state) {
    case 'live':
      return { tone: 'live', text: t('live.live'), hint: t('live.live_hint') };
    case 'resyncing':
      return { tone: 'wait', text: t('live.catching_up'), hint: t('live.catching_up_hint') };
    case 'waiting': {
      if (navigator.onLine === false && link.failures > 2)
        return { tone: 'off', text: t('live.offline'), hint: t('live.no_network') };
      const seconds = Math.max(0, Math.ceil((link.until - now) / 1000));
      return {
        tone: 'wait',
        text: t('live.reconnecting'),
        more: seconds > 0 ? t('time.in_seconds', { seconds }) : '',
        hint: `${refusalOf(link) || t('live.lost')} ${t('live.press')}`,
      };
    }
    case 'closed':
      return { tone: 'off', text: t('live.nobody'), hint: t('live.nobody_hint') };
    case 'stopped':
      return { tone: 'off', text: t('live.offline'), hint: [refusalOf(link) || (link.why && t(link.why)), t('live.press')].filter(Boolean).join(' ') };
    default:
      return { tone: 'wait', text: t(link.failures > 0 ? 'live.reconnecting' : 'live.connecting'), hint: t('live.connecting') };
  }
}
