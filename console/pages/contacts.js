// Contacts: the list with what leads through it, a contact beside it, and the parts that say what contacts are sorted by.

import { NO_FILTER, contactsOf, isFiltered } from '../contacts.js';
import { filterOf } from '../filter_text.js';
import { t } from '../language.js';
import { hashOfPage } from '../route.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../view.js';
import { ContactCard } from './contact_card.js';
import { Bulk, useChosen } from './contact_bulk.js';
import { Count } from './contact_count.js';
import { Filters } from './contact_filters.js';
import { ContactList, useContactRows, useDefinitions } from './contact_list.js';
import { filterWords } from './filter_words.js';
import { NewContact } from './new_contact.js';
import { Download, Head } from './parts.js';

/** The parts beside the list, and the right that each needs. */
const PARTS = {
  lists: ['manage_business', () => import('./lists.js')],
  segments: ['manage_business', () => import('./segments.js')],
  attributes: ['manage_business', () => import('./attributes.js')],
  imports: ['manage_business', () => import('./imports.js')],
  duplicates: ['answer', () => import('./duplicates.js')],
};

const ONE = /^[0-9a-f]{32}$/;
const NARROWED = /^(list|segment)\/(.+)$/;

export default function ContactsPage({ page, part, context }) {
  const rights = context.rights();
  const isPart = part !== null && Object.hasOwn(PARTS, part);
  const [filter, setFilter] = useState(NO_FILTER);
  // A link to a list or a segment opens the contacts in it; what is chosen after that is not taken back.
  useLayoutEffect(() => {
    const narrowed = part && NARROWED.exec(part);
    if (narrowed) setFilter({ ...NO_FILTER, [narrowed[1]]: narrowed[2] });
  }, [part]);
  const contacts = contactsOf(context);
  const within = filter.segment !== '' ? 'segments' : filter.list !== '' ? 'lists' : null;
  const parts = Object.entries(PARTS).filter(([name, [right]]) => rights.includes(right));
  return html`
    <${Head} page=${page} />
    ${parts.length > 0 &&
    html`
      <nav class="part-links" aria-label=${t('contacts.parts')}>
        <a href=${hashOfPage(page)} aria-current=${isPart || within ? null : 'page'} onclick=${() => setFilter(NO_FILTER)}>${t('contacts.all')}</a>
        ${parts.map(([name]) => html`<a key=${name} href=${hashOfPage(page, name)} aria-current=${name === part ? 'page' : !isPart && name === within ? 'true' : null}>${t(`contacts.${name}`)}</a>`)}
      </nav>
    `}
    ${isPart
      ? rights.includes(PARTS[part][0])
        ? html`<${Part} key=${part} name=${part} context=${context} />`
        : html`<p class="page-empty">${t('page.refused')}</p>`
      : html`<${All} open=${part && ONE.test(part) ? part : null} filter=${filter} setFilter=${setFilter} context=${context} />`}
  `;
}

/** A part that is read when it is opened. */
function Part({ name, context }) {
  const [view, setView] = useState(null);
  useEffect(() => {
    let isLeft = false;
    PARTS[name][1]().then(
      (module) => isLeft || setView({ part: module.default }),
      () => isLeft || setView({ part: Lost }),
    );
    return () => {
      isLeft = true;
    };
  }, []);
  return view === null ? html`<p class="page-status" role="status">${t('any.loading')}</p>` : html`<${view.part} context=${context} contacts=${contactsOf(context)} />`;
}

/** The segment or list that is looked at, as it is called and what it says. */
function narrowedOf({ segment, list }, known) {
  if (segment !== '') return known.segments.find((one) => one.segment_id === segment) ?? null;
  return known.lists.find((one) => one.list_id === list) ?? null;
}

/** A name without what no file may be called. */
function fileName(name) {
  return name.replace(/[\\/:*?"<>|\p{C}]+/gu, '_').slice(0, 80);
}

function Lost() {
  return html`<p class="page-empty" role="alert">${t('page.lost')}</p>`;
}

function All({ open, filter, setFilter, context }) {
  const contacts = contactsOf(context);
  const rights = context.rights();
  const mayChange = rights.includes('answer');
  const known = useDefinitions(context);
  const found = useContactRows(contacts, filter);
  const [isWriting, setWriting] = useState(false);
  const add = useRef(null);
  const place = useRef(null);
  const back = useRef(null);
  /** Where the list was when a contact was opened: where there is room for one of both, it is hidden then. */
  const left = useRef(null);
  const choosing = useChosen();
  const show = (id) => {
    left.current = { id, top: place.current.closest('.page').scrollTop };
    window.location.hash = hashOfPage('contacts', id);
  };
  useLayoutEffect(() => {
    const scroller = place.current.closest('.page');
    const isNarrow = back.current?.checkVisibility();
    if (open && isNarrow) {
      scroller.scrollTop = 0;
      back.current.focus({ preventScroll: true });
    } else if (!open && left.current) {
      scroller.scrollTop = left.current.top;
      place.current.querySelector(`[data-id="${left.current.id}"]`)?.focus({ preventScroll: true });
      left.current = null;
    }
  }, [open]);
  // The card ends where the page ends, wherever it begins.
  useLayoutEffect(() => {
    const card = place.current.querySelector('.contacts-one');
    if (!card) return undefined;
    const scroller = place.current.closest('.page');
    const fit = () => {
      const { top, bottom } = scroller.getBoundingClientRect();
      card.style.setProperty('--room', `${Math.max(240, bottom - Math.max(top, card.getBoundingClientRect().top) - 16)}px`);
    };
    fit();
    const observer = new ResizeObserver(fit);
    observer.observe(scroller);
    scroller.addEventListener('scroll', fit, { passive: true });
    return () => {
      observer.disconnect();
      scroller.removeEventListener('scroll', fit);
    };
  }, [open]);
  // One step back, unless something else takes the press: from the first moment on that the contact is there.
  useLayoutEffect(() => {
    if (!open) return undefined;
    const key = (event) => {
      if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]') || event.target.closest?.('input, textarea, select')) return;
      window.location.hash = hashOfPage('contacts');
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, [open]);
  const gone = (id, survivor) => {
    found.drop(id);
    if (id !== open) return;
    if (survivor) show(survivor.id);
    else window.location.hash = hashOfPage('contacts');
  };
  const made = (contact) => {
    setWriting(false);
    found.put(contact);
    show(contact.id);
  };
  const cancel = () => {
    setWriting(false);
    add.current?.focus({ preventScroll: true });
  };
  /** What the list is narrowed by, as one filter; null where it is looked through by a search. */
  const meant = filterOf(filter, known.segments);
  const isSegment = filter.segment !== '' && !isFiltered({ ...filter, segment: '' });
  const narrowed = narrowedOf(filter, known);
  const words = narrowed?.problem ? t('segments.broken') : filterWords(narrowed?.filter, narrowed?.words, known, context.colleagues());
  const wanted = isSegment ? { segment: filter.segment } : meant ? { filter: meant } : {};
  const query = new URLSearchParams({ format: 'csv', ...wanted });
  const toExport = isSegment ? 'contacts.export_segment' : meant ? 'contacts.export_these' : 'contacts.export';
  const counting = (isSegment || meant !== null) && html`<${Count} key=${JSON.stringify(wanted)} ask=${context.ask} wanted=${isSegment ? wanted : { filter: meant }} label=${t('contacts.do_count')} />`;
  return html`
    <div class="contacts" data-open=${String(open !== null)} ref=${place}>
      <section class="contacts-list" aria-label=${t('contacts.found')}>
        <div class="contacts-tools">
          ${mayChange && !context.person()?.limit && html`<button type="button" class="primary" ref=${add} aria-expanded=${String(isWriting)} onclick=${() => setWriting(!isWriting)}>${t('contacts.add')}</button>`}
          ${mayChange && choosing.chosen === null && html`<button type="button" class="plain" onclick=${choosing.begin}>${t('bulk.begin')}</button>`}
          ${rights.includes('manage_business') && html`<${Download} label=${t(toExport)} name=${`${fileName(narrowed?.name ?? t('page.contacts'))}.csv`} path=${`/v1/contacts/export?${query}`} ask=${context.ask} />`}
        </div>
        ${narrowed &&
        html`
          <div class="contacts-narrowed">
            <h2 dir="auto">${narrowed.name}</h2>
            ${words && html`<p class="quiet" dir="auto">${words}</p>`}
          </div>
        `}
        ${isWriting && html`<${NewContact} contacts=${contacts} onMade=${made} onCancel=${cancel} />`}
        <${Filters} filter=${filter} onChange=${setFilter} known=${known} colleagues=${context.colleagues()} contacts=${contacts} />
        ${choosing.chosen !== null && html`<${Bulk} ...${{ choosing, found, known, contacts }} read=${(cursor, signal) => contacts.page(filter, cursor, signal)} colleagues=${context.colleagues()} />`}
        <${ContactList} found=${found} filter=${filter} open=${open} known=${known} colleagues=${context.colleagues()} onShow=${choosing.chosen === null ? ({ id }) => show(id) : choosing.toggle} chosen=${choosing.chosen} counting=${counting} />
      </section>
      ${open &&
      html`
        <section class="contacts-one card" aria-label=${t('contacts.one')}>
          <p class="contacts-back"><a class="plain" ref=${back} href=${hashOfPage('contacts')}>${t('contacts.back')}</a></p>
          <${ContactCard} key=${open} id=${open} contact=${found.get(open)} context=${context} mayChange=${mayChange} hasHead=${true} onChange=${found.put} onGone=${gone} />
        </section>
      `}
    </div>
  `;
}
