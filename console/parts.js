// What views have in common.

import { PATHS, iconClass } from './icons.js';
import { faceOf } from './people.js';
import { html } from './view.js';

/** A pictogram. It says nothing to a screen reader: words beside it do. */
export function Icon({ name }) {
  return html`<svg class=${iconClass(name)} viewBox="0 0 24 24" aria-hidden="true">${PATHS[name].map((d) => html`<path d=${d} />`)}</svg>`;
}

/** A round sign with initials. */
export function Face({ name, id, size = '' }) {
  const { initials, tint } = faceOf(name, id);
  return html`<span class=${`face tint-${tint} ${size}`} aria-hidden="true">${initials}</span>`;
}
