// Meta's error codes in plain sentences, for the agent who wrote the message.
//
// Source: Cloud API, "Error codes". Only codes that an agent can meet on a message are here; for any other one Meta's own
// title is shown.

import { has, t } from './language.js';

// Worth another try by the agent: the reason passes by itself.
const PASSING = new Set([2, 4, 80007, 130429, 131000, 131016, 131056, 131057, 133004]);

/** What went wrong, in one sentence. */
export function sentenceFor(error) {
  const known = `meta.${error?.code}`;
  return has(known) ? t(known) : error?.title || t('meta.other');
}

/** Whether the same message may well go through when it is sent again. */
export function mayPass(error) {
  return Boolean(error) && PASSING.has(error.code);
}
