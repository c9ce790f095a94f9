// What a customer has agreed to, for which purpose, and by what proof; and how that came about.

import { purposeName } from '../contacts.js';
import { t } from '../language.js';
import { agentName } from '../people.js';
import { exact } from '../time.js';
import { html, useEffect, useState } from '../view.js';
import { Field, Form, Loading, Press, useFocus, useLoaded } from './parts.js';

/** How it became known that a customer wants no marketing. */
const OPTED_OUT = { preference: 'consent.opted_out_since', refusal: 'consent.refused_since', keyword: 'consent.keyword_since', business: 'consent.noted_since' };

export function Consents({ contact, contacts, context, mayChange, changed }) {
  /** What is written: `{purpose, state}`; a purpose of null is yet to be named. */
  const [written, setWritten] = useState(null);
  const [isOpen, setOpen] = useState(false);
  const purposes = Object.entries(contact.consents ?? {});
  const save = async ({ purpose = written.purpose, source, proof }) => {
    changed(await contacts.setConsent(contact.id, purpose, { state: written.state, source, ...(proof && { proof }) }));
    setWritten(null);
  };
  return html`
    <section>
      <h3>${t('consent.title')}</h3>
      ${contact.opted_out_at && html`<p class="contact-warning">${t(OPTED_OUT[contact.opted_out_by ?? 'preference'], { when: exact(contact.opted_out_at) })}</p>`}
      ${contact.unreachable && html`<p class="contact-warning">${t('contact.unreachable', { when: exact(contact.unreachable.at) })}</p>`}
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
      ${mayChange && !written && html`<p><${Press} label=${t('consent.write')} run=${() => setWritten({ purpose: null, state: 'given' })} /></p>`}
      ${written && html`<${Write} key=${`${written.purpose} ${written.state}`} written=${written} save=${save} onCancel=${() => setWritten(null)} />`}
      <details ontoggle=${(event) => setOpen(event.currentTarget.open)}>
        <summary>${t('consent.history')}</summary>
        ${isOpen && html`<${History} id=${contact.id} stamp=${contact.updated} contacts=${contacts} context=${context} />`}
      </details>
    </section>
  `;
}

function Write({ written, save, onCancel }) {
  const focus = useFocus();
  return html`
    <${Form} label=${t(written.state === 'given' ? 'consent.give' : 'consent.withdraw')} run=${save} onCancel=${onCancel}>
      ${written.purpose === null
        ? html`<${Field} label=${t('consent.purpose')} name="purpose" required maxlength="32" pattern="[a-z0-9_]+" defaultValue="marketing" hint=${t('consent.purpose_hint')} inputRef=${focus} dir="ltr" />`
        : html`<p class="whole">${t(written.state === 'given' ? 'consent.give_one' : 'consent.withdraw_one', { purpose: purposeName(written.purpose) })}</p>`}
      <${Field} label=${t('consent.source')} name="source" required maxlength="64" hint=${t('consent.source_hint')} autocomplete="off" inputRef=${written.purpose === null ? null : focus} dir="auto" />
      <${Field} label=${t('consent.proof')} name="proof" maxlength="2000" hint=${t('consent.proof_hint')} autocomplete="off" dir="auto" />
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
