// Parts of the page that are no part of a first load: their modules, texts and styles are read when they are first needed.

import { addTexts } from './language.js';
import { addStyle } from './style.js';

/**
 * A function that gives what `make()` makes of what `read()` gives, once: `texts` and `styles` that belong to it are there before.
 * What failed is tried again by whoever asks next.
 *
 * @template R, P
 * @param {() => Promise<R>} read
 * @param {{texts?: string[], styles?: string[], make?: (read: R) => P | Promise<P>}} [more]
 * @returns {() => Promise<P>}
 */
export function onDemand(read, { texts = [], styles = [], make = /** @type {any} */ ((part) => part) } = {}) {
  /** @type {Promise<P> | null} */
  let reading = null;
  return () => {
    reading ??= Promise.all([read(), ...texts.map(addTexts), ...styles.map(addStyle)])
      .then(([part]) => make(part))
      .catch((error) => {
        reading = null;
        throw error;
      });
    return reading;
  };
}
