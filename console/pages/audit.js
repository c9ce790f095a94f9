// The audit log: who changed what, when and from where; filtered, exported, and checked for gaps.

import { sentenceOf } from '../account.js';
import { t } from '../language.js';
import { exact } from '../time.js';
import { html, useState } from '../view.js';
import { Choice, Download, Head, Loading, Press, useChange, useLoaded, useStoppable } from './parts.js';
import { ACTIONS, actionText, detailText, joined, kindText, lastMonths, monthName, queryOf, verifyMonth } from './audit_text.js';

const MONTHS = 15;
const COLUMNS = ['when', 'who', 'what', 'details', 'from'];
/** Kinds of actors that one may ask for, as for the id of one. */
const KINDS = ['key', 'operator', 'nobody'];

export default function Audit({ page, context }) {
  const { ask, say } = context;
  const months = lastMonths(Date.now(), MONTHS);
  const [filter, setFilter] = useState({ month: months[0], actor: '', action: '' });
  const { month } = filter;
  // Pages after the first are joined to it.
  const [more, setMore] = useState({ of: null, entries: [], next: null });
  const loaded = useLoaded(async () => {
    const first = await ask('GET', `/v1/audit${queryOf(filter)}`);
    setMore({ of: first, entries: [], next: first.next });
    return first;
  }, [filter]);
  const colleagues = useLoaded(() => context.account.people());
  const { run, problem } = useChange(say);
  const next = () =>
    run(async () => {
      const { entries, next: after } = await ask('GET', `/v1/audit${queryOf({ ...filter, after: more.next })}`);
      setMore((before) => (before.of === more.of ? { of: before.of, entries: [...before.entries, ...entries], next: after } : before));
    });
  const entries = loaded.data ? [...loaded.data.entries, ...(more.of === loaded.data ? more.entries : [])] : [];
  const { members = [], former = [] } = colleagues.data ?? {};
  const names = new Map([...former.filter(({ name }) => name), ...members].map((one) => [one.user_id, one.name]));
  const nameOf = ({ kind, id, name }) => name ?? names.get(id) ?? (kind === 'nobody' ? t('audit.nobody') : `${t(`audit.${kind}`)} ${id ?? ''}`);
  const targetText = ({ kind, id }) => names.get(id) ?? `${kindText(kind)} ${id}`;
  // A page may be empty although more follow.
  const isMore = more.of === loaded.data && (more.next ?? null) !== null;
  const choose = (change) => setFilter({ ...filter, ...change });
  return html`
    <${Head} page=${page}>
      <${Download} label=${t('audit.export')} name=${`audit-${month}.ndjson`} path=${`/v1/audit/export?month=${month}`} ask=${ask} />
    <//>
    <p class="page-lead">${t('audit.about')}</p>
    <div class="filters">
      <${Choice} label=${t('audit.month')} chosen=${month} options=${months.map((one) => [one, monthName(one)])} onchange=${(event) => choose({ month: event.currentTarget.value })} />
      <${Choice}
        label=${t('audit.who')}
        chosen=${filter.actor}
        options=${[['', t('audit.anybody')], ...names, ...KINDS.map((kind) => [kind, t(`audit.${kind}`)])]}
        onchange=${(event) => choose({ actor: event.currentTarget.value })}
      />
      <${Choice}
        label=${t('audit.action')}
        chosen=${filter.action}
        options=${[['', t('audit.any_action')], ...ACTIONS.map((action) => [action, actionText(action)])]}
        onchange=${(event) => choose({ action: event.currentTarget.value })}
      />
    </div>
    <${Verify} key=${month} ask=${ask} month=${month} />
    <${Loading} loaded=${loaded} />
    ${loaded.data && entries.length === 0 && !isMore && html`<p class="page-empty">${t('audit.none')}</p>`}
    ${entries.length > 0 && html`<${Entries} entries=${joined(entries, loaded.data.month)} nameOf=${nameOf} targetText=${targetText} month=${month} />`}
    <p class="page-problem" role="alert">${problem}</p>
    ${isMore && html`<p class="page-status"><${Press} label=${t('audit.more')} run=${next} /></p>`}
  `;
}

function Entries({ entries, nameOf, targetText, month }) {
  return html`
    <div class="table-frame cards" tabindex="0" role="region" aria-label=${t('audit.entries', { month: monthName(month) })}>
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">${COLUMNS.map((name) => html`<th role="columnheader" key=${name}>${t(`audit.${name}`)}</th>`)}</tr>
        </thead>
        <tbody role="rowgroup">
          ${entries.map(
            ({ seq, at, actor, action, target, address, details }) => html`
              <tr role="row" key=${seq}>
                <td role="cell" class="when" data-label=${t('audit.when')}>${at === null ? '–' : exact(at)}</td>
                <td role="cell" data-label=${t('audit.who')}><bdi>${nameOf(actor)}</bdi></td>
                <td role="cell" data-label=${t('audit.what')}>
                  ${actionText(action)}
                  ${target && html`<br /><bdi class="quiet">${targetText(target)}</bdi>`}
                </td>
                <td role="cell" dir="auto" data-label=${t('audit.details')}>${detailText(details)}</td>
                <td role="cell" class="mono" data-label=${t('audit.from')}>${address}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** Whether the month's entries are all there, and as they were written. */
function Verify({ ask, month }) {
  const [verified, setVerified] = useState(null);
  const { begin } = useStoppable();
  const look = async () => {
    const signal = begin();
    setVerified({ isRunning: true });
    try {
      setVerified(await verifyMonth(month, (query) => ask('GET', `/v1/audit/verify${query}`), signal));
    } catch (error) {
      if (!signal.aborted) setVerified({ problem: sentenceOf(error) });
    }
  };
  const text = () => {
    if (verified.isRunning) return t('audit.verifying');
    if (verified.is_intact) return t('audit.intact', { count: verified.entries });
    return t('audit.broken', { seq: verified.broken_at ?? '?', why: verified.why ?? '' });
  };
  return html`
    <p class="page-status">
      <${Press} label=${t('audit.verify')} run=${look} />
      ${verified &&
      (verified.problem
        ? html`<span class="page-problem" role="alert">${verified.problem}</span>`
        : html`<span role="status" class=${verified.isRunning ? '' : verified.is_intact ? 'verdict-good' : 'verdict-bad'}>${text()}</span>`)}
    </p>
  `;
}
