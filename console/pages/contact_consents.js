// What a customer has agreed to, for which purpose, and by what proof; and how that came about.

import { purposeName } from '../contacts.js';
import { t } from '../language.js';
import { agentName } from '../people.js';
import { exact } from '../time.js';
import { html, useEffect, useState } from '../view.js';
import { useOffered } from './contact_list.js';
import { Field, Form, Loading, Press, useFocus, useLoaded } from './parts.js';

export function Consents({ contact, contacts, context, mayChange, changed }) {
  /** What is written: `{purpose, state}`; a purpose of null is yet to be named. */
  const [written, setWritten] = useState(null);
  const [isOpen, setOpen] = useState(false);
  const isOffered = useOffered(contacts, 'consents', () => contacts.consents(contact.id));
  const purposes = Object.entries(contact.consents ?? {});
  if (!isOffered && !contact.opted_out_at && purposes.length === 0) return false;
  const save = async ({ purpose = written.purpose, source, proof }) => {
    changed(await contacts.setConsent(contact.id, purpose, { state: written.state, source, ...(proof && { proof }) }));
    setWritten(null);
  };
  return html`
    <section>
      <h3>${t('consent.title')}</h3>
      ${contact.opted_out_at && html`<p class="contact-warning">${t(contact.opted_out_by === 'refusal' ? 'consent.refused_since' : 'consent.opted_out_since', { when: exact(contact.opted_out_at) })}</p>`}
      ${purposes.length === 0 && !contact.opted_out_at && html`<p class="quiet">${t('consent.none')}</p>`}
      <ul class="contact-rows-small">
        ${purposes.map(
          ([purpose, { state, at, source }]) => html`
            <li key=${purpose} data-purpose=${purpose}>
              <span><bdi>${purposeName(purpose)}</bdi>: <strong>${t(`consent.${state === 'given' ? 'given' : 'withdrawn'}`)}</strong></span>
              <span class="quiet">${exact(at)} · <bdi>${source}</bdi></span>
              ${mayChange &&
              html`<${Press}
                label=${t(state === 'given' ? 'consent.withdraw' : 'consent.give')}
                name=${t(state === 'given' ? 'consent.withdraw_one' : 'consent.give_one', { purpose: purposeName(purpose) })}
                run=${() => setWritten({ purpose, state: state === 'given' ? 'withdrawn' : 'given' })}
              />`}
            </li>
          `,
        )}
      </ul>
      ${isOffered && mayChange && !written && html`<p><${Press} label=${t('consent.write')} run=${() => setWritten({ purpose: null, state: 'given' })} /></p>`}
      ${written && html`<${Write} key=${`${written.purpose} ${written.state}`} written=${written} save=${save} onCancel=${() => setWritten(null)} />`}
      ${isOffered &&
      html`
        <details ontoggle=${(event) => setOpen(event.currentTarget.open)}>
          <summary>${t('consent.history')}</summary>
          ${isOpen && html`<${History} id=${contact.id} stamp=${contact.updated} contacts=${contacts} context=${context} />`}
        </details>
      `}
    </section>
  `;
}

function Write({ written, save, onCancel }) {
  const focus = useFocus();
  return html`
    <${Form} label=${t(written.state === 'given' ? 'consent.give' : 'consent.withdraw')} run=${save} onCancel=${onCancel}>
      ${written.purpose === null
        ? html`<${Field} label=${t('consent.purpose')} name="purpose" required maxlength="32" pattern="[a-z0-9_\\-]+" defaultValue="marketing" hint=${t('consent.purpose_hint')} inputRef=${focus} dir="ltr" />`
        : html`<p class="whole">${t(written.state === 'given' ? 'consent.give_one' : 'consent.withdraw_one', { purpose: purposeName(written.purpose) })}</p>`}
      <${Field} label=${t('consent.source')} name="source" required maxlength="200" hint=${t('consent.source_hint')} autocomplete="off" inputRef=${written.purpose === null ? null : focus} dir="auto" />
      <${Field} label=${t('consent.proof')} name="proof" maxlength="1000" hint=${t('consent.proof_hint')} autocomplete="off" dir="auto" />
    <//>
  `;
}

function History({ id, stamp, contacts, context }) {
  const loaded = useLoaded(() => contacts.consents(id), [id]);
  useEffect(() => {
    if (loaded.data) loaded.load();
  }, [stamp]);
  const by = (who) => (typeof who === 'string' ? who : who?.id);
  return html`
    <${Loading} loaded=${loaded} />
    ${loaded.data?.length === 0 && html`<p class="quiet">${t('consent.none')}</p>`}
    <ol class="contact-rows-small">
      ${(loaded.data ?? []).map(
        ({ purpose, state, at, source, proof, by: who }, i) => html`
          <li key=${`${at} ${i}`}>
            <span><bdi>${purposeName(purpose)}</bdi>: ${t(`consent.${state === 'given' ? 'given' : 'withdrawn'}`)}</span>
            <span class="quiet">${[exact(at), source, proof, by(who) && agentName(by(who), { colleagues: context.colleagues() })].filter(Boolean).map((part, j) => html`${j > 0 && ' · '}<bdi>${part}</bdi>`)}</span>
          </li>
        `,
      )}
    </ol>
  `;
}
