// Two contacts that are one person, and customers whom the business blocks.

import { NO_FILTER } from '../contacts.js';
import { t } from '../language.js';
import { addressOf, nameOf } from '../people.js';
import { exact } from '../time.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { numberText } from './limit_fields.js';
import { Sure } from './contact_notes.js';
import { Loading, Press, absenceText, useChange, useLoaded } from './parts.js';

const MOST_FOUND = 6;

/** Blocked or not, on each number on which there is a conversation. */
export function Blocking({ contact, contacts, context, changed, conversations, definitions }) {
  const [asked, setAsked] = useState(null);
  const { run, problem } = useChange(context.say, absenceText);
  // Of merged contacts each has an address of its own, which Meta blocks or not.
  const holders = [contact, ...(contact.merged ?? []).map((card) => ({ ...card, id: card.contact_id }))];
  const blocked = holders.flatMap((one) => one.blocked_on ?? []);
  const numbers = [...new Set([...conversations.map((one) => one.number), ...blocked])];
  if (numbers.length === 0) return false;
  const nameOfNumber = (id) => {
    const found = definitions.numbers.find((one) => one.phone_number_id === id);
    return found ? numberText(found) : id;
  };
  const set = (number, isBlocked) =>
    run(async () => {
      const talks = conversations.filter((one) => one.number === number).map((one) => one.contact_id);
      const holds = holders.filter((one) => one.blocked_on?.includes(number)).map((one) => one.id);
      try {
        for (const id of new Set(isBlocked ? talks : holds)) await contacts.block(id, number, isBlocked);
        setAsked(null);
      } finally {
        changed((await contacts.one(contact.id)).contact);
      }
    }, t(isBlocked ? 'block.done' : 'block.undone', { number: nameOfNumber(number) }));
  return html`
    <section>
      <h3>${t('block.title')}</h3>
      <ul class="contact-rows-small">
        ${numbers.map(
          (number) => html`
            <li key=${number}>
              ${blocked.includes(number)
                ? html`<span>${t('block.is', { number: nameOfNumber(number) })}</span><${Press} label=${t('block.undo')} name=${t('block.undo_on', { number: nameOfNumber(number) })} run=${() => set(number, false)} />`
                : asked === number
                  ? html`<${Sure} ask=${t('block.ask', { number: nameOfNumber(number) })} label=${t('block.do')} run=${() => set(number, true)} onKeep=${() => setAsked(null)} />`
                  : html`<${Press} label=${t('block.do_on', { number: nameOfNumber(number) })} tone="danger" run=${() => setAsked(number)} />`}
            </li>
          `,
        )}
      </ul>
      <p class="page-problem" role="alert">${problem}</p>
    </section>
  `;
}

/** Finds the other contact of the same person, and makes them one; what was made one can be taken apart for a while. */
export function Merging({ contact, contacts, context, changed, onMerged }) {
  const [isOpen, setOpen] = useState(false);
  return html`
    <section>
      <details ontoggle=${(event) => setOpen(event.currentTarget.open)}>
        <summary>${t('merge.title')}</summary>
        ${isOpen && html`<${Merge} ...${{ contact, contacts, context, onMerged }} /><${Merges} contact=${contact} contacts=${contacts} context=${context} onUndone=${(both) => both.filter((one) => one.id === contact.id).forEach(changed)} />`}
      </details>
    </section>
  `;
}

function Merge({ contact, contacts, context, onMerged }) {
  const [found, setFound] = useState({ rows: [], text: '', error: null });
  const [other, setOther] = useState(null);
  const running = useRef(null);
  const { run, problem } = useChange(context.say);
  useEffect(() => () => running.current?.abort(), []);
  const look = async (event) => {
    const text = event.currentTarget.value.trim();
    running.current?.abort();
    running.current = new AbortController();
    const { signal } = running.current;
    setOther(null);
    if (text.length < 2) return setFound({ rows: [], text: '', error: null });
    try {
      const { contacts: rows } = await contacts.page({ ...NO_FILTER, search: text }, null, signal);
      if (!signal.aborted) setFound({ rows: rows.filter((row) => row.id !== contact.id).slice(0, MOST_FOUND), text, error: null });
    } catch (error) {
      if (!signal.aborted) setFound({ rows: [], text, error });
    }
    return undefined;
  };
  const names = other && { name: nameOf(contact), other: nameOf(other) };
  const merge = () =>
    run(async () => {
      const { contact: survivor } = await contacts.merge(contact.id, other.id);
      setOther(null);
      onMerged(survivor, other.id);
    }, t('merge.done', names));
  return html`
    <p class="quiet">${t('merge.about')}</p>
    <div class="field"><input type="search" aria-label=${t('merge.find')} placeholder=${t('merge.find')} oninput=${look} autocomplete="off" dir="auto" /></div>
    ${found.error && html`<p class="page-problem" role="alert">${absenceText(found.error)}</p>`}
    ${found.text !== '' && !found.error && found.rows.length === 0 && html`<p class="quiet" role="status">${t('contacts.none_like')}</p>`}
    ${other
      ? html`<${Sure} ask=${t('merge.ask', names)} label=${t('merge.do')} run=${merge} onKeep=${() => setOther(null)} />`
      : html`<ul class="contact-rows-small">
          ${found.rows.map((row) => html`<li key=${row.id}><span><bdi>${nameOf(row)}</bdi> <span class="quiet">${addressOf(row)}</span></span><${Press} label=${t('merge.choose')} name=${t('merge.choose_one', { name: nameOf(row) })} run=${() => setOther(row)} /></li>`)}
        </ul>`}
    <p class="page-problem" role="alert">${problem}</p>
  `;
}

/** What was made one with a contact lately. */
function Merges({ contact, contacts, context, onUndone }) {
  const loaded = useLoaded(() => contacts.merges(contact.id), [contact.updated]);
  const { run, problem } = useChange(context.say);
  const undo = (id) =>
    run(async () => {
      const { contacts: both } = await contacts.undoMerge(id);
      onUndone(both);
      await loaded.load();
    }, t('merge.undone'));
  const merges = loaded.data ?? [];
  const cards = [contact, ...(contact.merged ?? []).map((card) => ({ ...card, id: card.contact_id }))];
  const nameIn = (id) => {
    const card = cards.find((one) => one.id === id);
    return card ? nameOf(card) : t('merge.contact', { id: id.slice(0, 6) });
  };
  return html`
    <${Loading} loaded=${loaded} />
    ${merges.length > 0 && html`<h3>${t('merge.lately')}</h3>`}
    <ul class="contact-rows-small">
      ${merges.map(
        ({ merge_id: id, contact: survivor, other, at, undo_until: until }) => html`
          <li key=${id} data-merge=${id}>
            <span>${t('merge.of', { name: nameIn(survivor), other: nameIn(other) })}</span>
            <span class="quiet">${exact(at)}</span>
            ${until > Date.now() && html`<span class="quiet">${t('merge.until', { when: exact(until) })}</span><${Press} label=${t('merge.undo')} name=${t('merge.undo_one', { when: exact(at) })} run=${() => undo(id)} />`}
          </li>
        `,
      )}
    </ul>
    <p class="page-problem" role="alert">${problem}</p>
  `;
}
