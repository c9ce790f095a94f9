// Notes about a contact, which customers never see, and its conversations.

import { t } from '../language.js';
import { agentName } from '../people.js';
import { hashOf } from '../route.js';
import { ago, exact } from '../time.js';
import { html, useLayoutEffect, useRef, useState } from '../view.js';
import { numberText } from './limit_fields.js';
import { Loading, Press, useChange, useFocus, useLoaded } from './parts.js';

export function Notes({ contact, contacts, context, mayChange }) {
  const { id } = contact;
  const loaded = useLoaded(() => contacts.notes(id), [id]);
  const { run, problem } = useChange(context.say);
  const field = useRef(null);
  // What is begun is still there when one comes back to this contact.
  useLayoutEffect(() => {
    if (field.current) field.current.value = contacts.drafts.get(id) ?? '';
  }, [id]);
  const add = async (event) => {
    event.preventDefault();
    const text = field.current.value.trim();
    if (text === '') return;
    const isDone = await run(() => contacts.addNote(id, text));
    if (!isDone) return;
    contacts.drafts.delete(id);
    if (field.current) field.current.value = '';
    await loaded.load();
  };
  const remove = (note) => run(async () => (await contacts.removeNote(id, note), await loaded.load()), t('notes.removed'));
  return html`
    <section>
      <h3>${t('notes.title')}</h3>
      <${Loading} loaded=${loaded} />
      ${loaded.data?.length === 0 && !mayChange && html`<p class="quiet">${t('contact.none')}</p>`}
      ${mayChange &&
      html`
        <form class="note-form" onsubmit=${add}>
          <textarea
            ref=${field}
            rows="2"
            maxlength="4000"
            dir="auto"
            aria-label=${t('notes.add')}
            placeholder=${t('notes.hint')}
            oninput=${({ currentTarget: { value } }) => (value === '' ? contacts.drafts.delete(id) : contacts.drafts.set(id, value))}
          ></textarea>
          <button class="plain">${t('notes.add')}</button>
        </form>
      `}
      <p class="page-problem" role="alert">${problem}</p>
      <ol class="contact-notes">${(loaded.data ?? []).map((note) => html`<${Note} key=${note.note_id} note=${note} context=${context} remove=${mayChange && (() => remove(note.note_id))} />`)}</ol>
    </section>
  `;
}

function Note({ note: { text, at, by }, context, remove }) {
  const [isAsked, setAsked] = useState(false);
  const who = typeof by === 'string' ? by : by?.id;
  return html`
    <li>
      <p dir="auto">${text}</p>
      <p class="quiet">${[who && agentName(who, { colleagues: context.colleagues() }), exact(at)].filter(Boolean).join(' · ')}</p>
      ${remove && !isAsked && html`<${Press} label=${t('notes.remove')} name=${t('notes.remove_one', { when: exact(at) })} run=${() => setAsked(true)} />`}
      ${remove && isAsked && html`<${Sure} ask=${t('notes.ask')} label=${t('notes.remove')} run=${remove} onKeep=${() => setAsked(false)} />`}
    </li>
  `;
}

/** Asks before something is done. The focus goes to the harmless button. */
export function Sure({ ask, label, run, onKeep }) {
  const focus = useFocus();
  return html`
    <div class="account-question">
      <p>${ask}</p>
      <${Press} label=${label} tone="danger" run=${run} />
      <${Press} label=${t('contacts.keep')} run=${onKeep} focus=${focus} />
    </div>
  `;
}

/** The contact's conversations, but for the one that it stands beside. */
export function Others({ conversations, beside, definitions }) {
  const others = conversations.filter((one) => one.id !== beside);
  if (others.length === 0) return false;
  const numberOf = (id) => {
    const found = definitions.numbers.find((one) => one.phone_number_id === id);
    return found ? numberText(found) : id;
  };
  return html`
    <section>
      <h3>${t(beside ? 'contact.other_conversations' : 'contact.conversations')}</h3>
      <ul class="contact-rows-small">
        ${others.map(
          (one) => html`
            <li key=${one.id}>
              <a href=${hashOf(one.id)}>${t('contact.conversation_on', { number: numberOf(one.number) })}</a>
              <span class="quiet">${t(`status.${one.status}`)} · ${ago(one.last_activity, Date.now())}</span>
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}
