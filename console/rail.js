// The rail: the parts of the console, as links with addresses. On a narrow screen it is a bar below, with a menu of them.

import { number, t } from './language.js';
import { Icon } from './parts.js';
import { hashOfPage } from './route.js';
import { html, memo, render, useLayoutEffect, useRef, useState } from './view.js';

/** What stands in it, and the right that it needs. */
const ENTRIES = [
  { page: 'contacts', sign: 'contacts', right: 'read' },
  { page: 'broadcasts', sign: 'megaphone', right: 'see_broadcasts' },
  { page: 'team', sign: 'team', right: 'read' },
  { page: 'business', sign: 'business', right: 'manage_business' },
  { page: 'numbers', sign: 'number', right: 'manage_business' },
  { page: 'keys', sign: 'key', right: 'manage_business' },
  { page: 'canned-replies', sign: 'bolt', right: 'answer' },
  { page: 'templates', sign: 'template', right: 'read' },
  { page: 'usage', sign: 'usage', right: 'manage_business' },
  { page: 'audit', sign: 'audit', right: 'read_audit' },
];

/** The same for operators. */
const OPERATOR_ENTRIES = [
  { page: 'operator/tenants', sign: 'business' },
  { page: 'operator/health', sign: 'check' },
  { page: 'operator/quarantine', sign: 'alert' },
];

const SIGNS = { inbox: 'inbox', ...Object.fromEntries([...ENTRIES, ...OPERATOR_ENTRIES].map(({ page, sign }) => [page, sign])) };

/** Whether somebody with these rights may open a page. */
export function mayOpen(page, rights) {
  return page === 'inbox' || page === 'profile' || ENTRIES.some((entry) => entry.page === page && rights.includes(entry.right));
}

/** Brings the rail up to date. `inbox` is the address to which its first entry leads. */
export function renderRail(place, { page, rights, unread, inbox }) {
  const entries = ENTRIES.filter((entry) => rights.includes(entry.right));
  show(place, { page, first: 'inbox', href: inbox, unread, entries });
}

/** The same for operators. */
export function renderOperatorRail(place, page) {
  const [{ page: first }, ...entries] = OPERATOR_ENTRIES;
  const current = OPERATOR_ENTRIES.find((entry) => page.startsWith(entry.page))?.page;
  show(place, { page: current, first, href: hashOfPage(first), unread: 0, entries });
}

function show(place, { entries, ...more }) {
  render(html`<${Rail} ...${more} entries=${entries.map((entry) => entry.page).join(' ')} />`, place);
}

const Rail = memo(({ page, entries, unread, first, href }) => {
  const [isOpen, setOpen] = useState(false);
  const button = useRef(null);
  const nav = useRef(null);
  const close = () => setOpen(false);
  useLayoutEffect(() => {
    if (!isOpen) return undefined;
    const outside = ({ target }) => nav.current.contains(target) || close();
    // Wherever the focus is; and no other listener takes the same press for one on the page.
    const key = (event) => {
      if (event.key !== 'Escape') return;
      event.stopImmediatePropagation();
      close();
      button.current.focus();
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('keydown', key, { capture: true });
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('keydown', key, { capture: true });
    };
  }, [isOpen]);
  return html`
    <div class="rail-parts" ref=${nav}>
      <${Entry} page=${first} href=${href} current=${page} unread=${unread} />
      <button
        type="button"
        class="rail-entry rail-more"
        ref=${button}
        aria-expanded=${String(isOpen)}
        aria-controls="rail-pages"
        onclick=${() => setOpen(!isOpen)}
      >
        <${Icon} name="menu" /><span class="rail-name">${t('rail.more')}</span>
      </button>
      <ul class="rail-pages" id="rail-pages" data-open=${String(isOpen)} onclick=${close}>
        ${entries.split(' ').map((one) => html`<li key=${one}><${Entry} page=${one} href=${hashOfPage(one)} current=${page} /></li>`)}
      </ul>
    </div>
  `;
});

function Entry({ page, href, current, unread = 0 }) {
  const name = t(`page.${page}`);
  return html`
    <a class="rail-entry" href=${href} title=${name} aria-current=${page === current ? 'page' : null}>
      <${Icon} name=${SIGNS[page]} />
      <span class="rail-name">${name}</span>
      ${unread > 0 && html`<span class="rail-count" aria-label=${t('rail.unread', { count: unread })}>${unread > 99 ? `${number(99)}+` : number(unread)}</span>`}
    </a>
  `;
}
