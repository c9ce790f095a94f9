// What views are written with: Preact, and HTM for elements in template literals. Text becomes text nodes, always; what would make
// markup of a string, the page's policy refuses.

import { Component, h } from './vendor/preact.js';
import { useState } from './vendor/hooks.js';
import htm from './vendor/htm.js';

export { Fragment, render } from './vendor/preact.js';
export { useEffect, useLayoutEffect, useReducer, useRef, useState } from './vendor/hooks.js';

/** An element, or several: html`<p class="quiet">${text}</p>`. */
export const html = htm.bind(h);

/** A view that is made anew only when one of its properties is another one. */
export function memo(view) {
  return class extends Component {
    shouldComponentUpdate(next) {
      return Object.keys(next).some((key) => next[key] !== this.props[key]);
    }

    render(properties) {
      return view(properties);
    }
  };
}

let lastId = 0;

/** An id for an element, which no other has: the library's own are unique within one root alone, and the page has several. */
export function useId() {
  return useState(() => {
    lastId += 1;
    return `id-${lastId}`;
  })[0];
}
