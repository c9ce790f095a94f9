// A line that passes. One that says what went wrong stays until it is closed: it may stand nowhere else.

import { h } from './dom.js';
import { icon } from './icons.js';
import { t } from './language.js';

const LASTS = 4_000;
const MOST_BAD = 3;

/** Shows a line. */
export function toast(place, text, tone = 'plain') {
  const line = h('p', { class: `toast toast-${tone}` }, text);
  if (tone === 'bad') {
    const close = h('button', { type: 'button', class: 'toast-close', 'aria-label': t('any.close'), onclick: () => line.remove() }, icon('cross'));
    line.append(close);
    [...place.querySelectorAll('.toast-bad')].slice(0, 1 - MOST_BAD).forEach((one) => one.remove());
  } else {
    window.setTimeout(() => line.remove(), LASTS);
  }
  place.append(line);
}
