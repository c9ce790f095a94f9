// Contacts that may be one person, found by the gateway, and those that were made one while this page is open.

import { has, t } from '../language.js';
import { addressOf, nameOf } from '../people.js';
import { hashOfPage } from '../route.js';
import { day } from '../time.js';
import { Face } from '../parts.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { Sure } from './contact_notes.js';
import { Press, absenceText, useChange } from './parts.js';

/** Pages that may be empty: so many are asked for with one press. */
const MOST_CALLS = 8;

export default function Duplicates({ contacts, context }) {
  const [state, setState] = useState({ proposals: [], next: null, isReading: true, error: null });
  /** What was merged here: `{merge_id, names}`. */
  const [made, setMade] = useState([]);
  const running = useRef(0);
  const read = async (cursor, before) => {
    running.current += 1;
    const turn = running.current;
    const set = (news) => turn === running.current && setState((old) => ({ ...old, ...news }));
    set({ isReading: true, error: null });
    let next = cursor;
    const proposals = [...before];
    try {
      for (let calls = 0; calls < MOST_CALLS; calls += 1) {
        const page = await contacts.duplicates(next);
        proposals.push(...page.proposals);
        next = page.next_cursor ?? null;
        if (next === null || page.proposals.length > 0) break;
      }
      set({ proposals, next, isReading: false });
    } catch (error) {
      set({ proposals, next, error, isReading: false });
    }
  };
  useEffect(() => {
    read(null, []);
    return () => {
      running.current += 1;
    };
  }, []);
  const { proposals, next, isReading, error } = state;
  const gone = (proposal) => setState((old) => ({ ...old, proposals: old.proposals.filter((one) => one !== proposal) }));
  const done = (merge, proposal) => {
    // Whoever was merged is no contact of its own in other proposals.
    const [one, other] = proposal.contacts.map(({ id }) => id);
    setState((old) => ({ ...old, proposals: old.proposals.filter((left) => !left.contacts.some(({ id }) => id === other) && left !== proposal) }));
    setMade((before) => [{ ...merge, id: one }, ...before]);
  };
  const undone = (merge) => {
    setMade((before) => before.filter((left) => left !== merge));
    read(null, []);
  };
  return html`
    <section class="card" aria-labelledby="duplicates-title">
      <h2 id="duplicates-title">${t('contacts.duplicates')}</h2>
      <p class="quiet">${t('duplicates.about')}</p>
      <ul class="duplicates">
        ${proposals.map((one) => html`<${Proposal} key=${one.contacts.map(({ id }) => id).join(' ')} proposal=${one} contacts=${contacts} context=${context} onMerged=${(merge) => done(merge, one)} onPassed=${() => gone(one)} />`)}
      </ul>
      ${error && html`<p class="page-status" role="alert"><span>${absenceText(error)}</span> ${error.status !== 404 && html`<${Press} label=${t('any.try_again')} run=${() => read(next, proposals)} />`}</p>`}
      ${isReading && html`<p class="page-status" role="status">${t('any.loading')}</p>`}
      ${!isReading && !error && proposals.length === 0 && next === null && html`<p class="page-empty" role="status">${t('duplicates.none')}</p>`}
      ${!isReading && !error && next !== null && html`<p class="page-status"><${Press} label=${t('contacts.further')} run=${() => read(next, proposals)} /></p>`}
    </section>
    ${made.length > 0 &&
    html`
      <section class="card" aria-labelledby="merged-title">
        <h2 id="merged-title">${t('merge.made')}</h2>
        <ul class="contact-rows-small">
          ${made.map((one) => html`<${Made} key=${one.merge_id} merge=${one} contacts=${contacts} context=${context} onUndone=${() => undone(one)} />`)}
        </ul>
      </section>
    `}
  `;
}

function Made({ merge, contacts, context, onUndone }) {
  const { run, problem } = useChange(context.say);
  const undo = () => run(async () => (await contacts.undoMerge(merge.merge_id), onUndone()), t('merge.undone'));
  return html`
    <li data-merge=${merge.merge_id}>
      <a href=${hashOfPage('contacts', merge.id)}>${t('merge.of', merge.names)}</a>
      <${Press} label=${t('merge.undo')} name=${t('merge.undo_of', merge.names)} run=${undo} />
      <p class="page-problem" role="alert">${problem}</p>
    </li>
  `;
}

function whyText(why) {
  return has(`duplicates.why.${why}`) ? t(`duplicates.why.${why}`) : why;
}

function Proposal({ proposal, contacts, context, onMerged, onPassed }) {
  const [one, other] = proposal.contacts;
  const [isAsked, setAsked] = useState(false);
  const { run, problem } = useChange(context.say);
  const names = { name: nameOf(one), other: nameOf(other) };
  const merge = () => run(async () => onMerged({ merge_id: (await contacts.merge(one.id, other.id)).merge_id, names }), t('merge.done', names));
  return html`
    <li>
      <p class="quiet">${whyText(proposal.why)}</p>
      <div class="pair-of">
        ${proposal.contacts.map(
          (contact) => html`
            <div key=${contact.id} class="account-who">
              <${Face} name=${nameOf(contact)} id=${contact.id} size="small" />
              <a href=${hashOfPage('contacts', contact.id)}><bdi>${nameOf(contact)}</bdi></a>
              <span class="quiet">${addressOf(contact)}</span>
              <span class="quiet">${t('lists.since', { when: day(contact.created) })}</span>
            </div>
          `,
        )}
      </div>
      ${isAsked
        ? html`<${Sure} ask=${t('merge.ask', names)} label=${t('merge.do')} run=${merge} onKeep=${() => setAsked(false)} />`
        : html`<p class="buttons"><${Press} label=${t('merge.do')} name=${t('merge.do_one', names)} run=${() => setAsked(true)} /><${Press} label=${t('duplicates.pass')} name=${t('duplicates.pass_one', names)} run=${onPassed} /></p>`}
      <p class="page-problem" role="alert">${problem}</p>
    </li>
  `;
}
