// Parts of the page that are no part of a first load: their modules, texts and styles are read when they are first needed.

import { addTexts } from './language.js';
import { addStyle } from './style.js';

/**
 * A function that gives what `read()` gives, read once: `texts` and `styles` that belong to it are there, too. A reading that failed is
 * tried again by whoever asks next.
 */
export function onDemand(read, { texts = [], styles = [] } = {}) {
  let reading = null;
  return () => {
    reading ??= Promise.all([read(), ...texts.map(addTexts), ...styles.map(addStyle)]).then(
      ([part]) => part,
      (error) => {
        reading = null;
        throw error;
      },
    );
    return reading;
  };
}
