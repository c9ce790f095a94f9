// How many contacts there are of a kind: counted step by step when it is asked for, since there may be a million.

import { sentenceOf } from '../account.js';
import { countOn } from '../contacts.js';
import { t } from '../language.js';
import { html, useState } from '../view.js';
import { Press, useStoppable } from './parts.js';

/**
 * A count in words, as far as it has come.
 *
 * @param {{count?: number, isWhole?: boolean, isRunning?: boolean}} counted
 */
export function countText({ count, isWhole, isRunning }) {
  return t(isWhole ? 'segments.count' : isRunning ? 'segments.counting' : 'segments.count_at_least', { count });
}

/** `wanted` is a `filter` or a `segment`; `name` says to a screen reader what is counted. */
export function Count({ ask, wanted, label = t('segments.do_count'), name }) {
  const [counted, setCounted] = useState(null);
  const { begin } = useStoppable();
  const run = async () => {
    const signal = begin();
    setCounted({ count: 0, isRunning: true });
    try {
      setCounted(await countOn(ask, wanted, { signal, onStep: (count) => setCounted({ count, isRunning: true }) }));
    } catch (error) {
      if (!signal.aborted) setCounted({ problem: sentenceOf(error) });
    }
  };
  if (counted?.problem) return html`<span class="page-problem" role="alert">${counted.problem} <${Press} label=${t('any.try_again')} run=${run} /></span>`;
  if (counted) return html`<span role="status">${countText(counted)}</span>`;
  return html`<${Press} label=${label} name=${name} run=${run} />`;
}
