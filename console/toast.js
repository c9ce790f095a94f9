// A line that passes.

import { h } from './dom.js';

const LASTS = 4_000;

/** Shows a line for a moment. */
export function toast(place, text, tone = 'plain') {
  const line = h('p', { class: `toast toast-${tone}` }, text);
  place.append(line);
  window.setTimeout(() => line.remove(), LASTS);
}
