// Broadcasts: their list, one as it goes, and one that is written.

import { t } from '../language.js';
import { hashOfPage } from '../route.js';
import { html, useEffect, useRef } from '../view.js';
import { BroadcastList } from './broadcast_list.js';
import { OneBroadcast } from './broadcast_one.js';
import { Head } from './parts.js';

function goToTop() {
  document.querySelector('#page')?.scrollTo(0, 0);
  /** @type {HTMLElement | null} */ (document.querySelector('#page-title'))?.focus({ preventScroll: true });
}

export default function Broadcasts({ page, part, context }) {
  const mayBroadcast = context.rights().includes('broadcast');
  const isFirst = useRef(true);
  const open = (id) => {
    location.hash = hashOfPage(page, id);
  };
  useEffect(() => {
    // The page itself sees to where it begins.
    if (isFirst.current) isFirst.current = false;
    else goToTop();
  }, [part]);
  if (part === 'new' && !mayBroadcast) return html`<${Head} page=${page} /><p class="page-empty">${t('page.refused')}</p>`;
  if (part !== null) return html`<${OneBroadcast} key=${part} context=${context} id=${part === 'new' ? null : part} mayBroadcast=${mayBroadcast} open=${open} />`;
  return html`
    <${Head} page=${page}>
      ${mayBroadcast && html`<a class="primary" href=${hashOfPage(page, 'new')}>${t('broadcasts.new')}</a>`}
    <//>
    <p class="page-lead">${t('broadcasts.about')}</p>
    <${BroadcastList} context=${context} mayBroadcast=${mayBroadcast} />
  `;
}
