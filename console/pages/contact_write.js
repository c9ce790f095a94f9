// Writing to a contact: the conversation that there is, or a template on one of the business's numbers, which begins one.

import { sentenceOf } from '../account.js';
import { t } from '../language.js';
import { customerOf } from '../people.js';
import { hashOf } from '../route.js';
import { html, useState } from '../view.js';
import { numberText } from './limit_fields.js';
import { Choice } from './parts.js';

/** To whom Meta sends it: the phone, or the id that it gives a customer without one; null for a contact with neither. */
function addressOf({ phone, bsuid }) {
  if (phone) return { to: `+${phone}` };
  return bsuid ? { recipient: bsuid } : null;
}

export function Write({ contact, conversations, numbers, context }) {
  const [number, setNumber] = useState(null);
  /** @type {[null | {why: string, again: (() => void) | null}, (problem: any) => void]} */
  const [problem, setProblem] = useState(null);
  const [isSending, setSending] = useState(false);
  const address = addressOf(contact);
  const newest = conversations.reduce((one, other) => (one && one.last_activity >= other.last_activity ? one : other), null);
  const from = numbers.find((one) => one.phone_number_id === (number ?? newest?.number)) ?? numbers[0];
  // One key for all its tries: what was accepted although the answer was lost is not sent twice.
  const send = async (content, key) => {
    setProblem(null);
    setSending(true);
    try {
      const { conversation_id } = await context.ask('POST', '/v1/messages', { number: from.phone_number_id, ...address, ...content }, { idempotencyKey: key });
      window.location.hash = hashOf(conversation_id);
    } catch (error) {
      const mayBeTried = error.status === 0 || error.status === 429 || error.status >= 500;
      setProblem({ why: sentenceOf(error), again: mayBeTried ? () => send(content, key) : null });
    }
    setSending(false);
  };
  const choose = async () => {
    setProblem(null);
    const to = { ...customerOf(contact), number: from.phone_number_id, waba_id: from.waba_id };
    try {
      await context.pickTemplate(to, (content) => send(content, context.newId()));
    } catch {
      setProblem({ why: t('page.lost'), again: null });
    }
  };
  if (newest === null && (address === null || !from)) return false;
  return html`
    <section class="contact-write" aria-label=${t('contact.write')}>
      ${newest && html`<a class="plain" href=${hashOf(newest.id)}>${t('contact.open_conversation')}</a>`}
      ${address &&
      from &&
      html`
        ${numbers.length > 1 && html`<${Choice} label=${t('contact.write_from')} chosen=${from.phone_number_id} options=${numbers.map((one) => [one.phone_number_id, numberText(one)])} onchange=${(event) => setNumber(event.currentTarget.value)} />`}
        <button type="button" class="plain" onclick=${() => isSending || choose()}>${isSending ? t('any.moment') : t('contact.send_template')}</button>
      `}
      <p class="page-problem" role="alert">${problem?.why}${problem?.again && html` <button type="button" class="plain" onclick=${problem.again}>${t('any.try_again')}</button>`}</p>
    </section>
  `;
}
