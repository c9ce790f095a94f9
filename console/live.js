// The chip that says whether what one sees is what there is.

import { setText } from './dom.js';

/** Shows how the connection stands. */
export function renderLive(chip, link, now) {
  const { tone, text, hint } = words(link, now);
  chip.dataset.state = tone;
  chip.title = hint;
  setText(chip.querySelector('.live-text'), text);
}

function words(link, now) {
  switch (link.state) {
    case 'live':
      return { tone: 'live', text: 'Live', hint: 'Everything arrives as it happens' };
    case 'resyncing':
      return { tone: 'wait', text: 'Catching up', hint: 'Loading what is new' };
    case 'waiting': {
      if (navigator.onLine === false && link.failures > 2)
        return { tone: 'off', text: 'Offline', hint: 'This device has no network. Press to try now.' };
      const seconds = Math.max(0, Math.ceil((link.until - now) / 1000));
      return {
        tone: 'wait',
        text: seconds > 0 ? `Reconnecting ${seconds} s` : 'Reconnecting',
        hint: 'The connection was lost. Press to try now.',
      };
    }
    case 'closed':
      return { tone: 'off', text: 'Not signed in', hint: 'Sign in first' };
    case 'stopped':
      return { tone: 'off', text: 'Offline', hint: `${link.why ?? ''} Press to try again.` };
    default:
      return { tone: 'wait', text: link.failures > 0 ? 'Reconnecting' : 'Connecting', hint: 'Connecting' };
  }
}
