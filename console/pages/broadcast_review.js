// The last step of a broadcast: its recipients are written down, one sees who gets what and who does not, and launches it.

import { templateOf, typedCount } from '../broadcast_draft.js';
import { ApiError } from '../http.js';
import { lastsFor, spanText } from '../broadcasts.js';
import { number, t } from '../language.js';
import { phoneText } from '../people.js';
import { TemplatePreview } from '../template_parts.js';
import { previewOf, valuesOf } from '../templates.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { DryRun } from './broadcast_dry_run.js';
import { Suppressed } from './broadcast_live.js';
import { pathOf } from './broadcast_one.js';
import { Recipients } from './broadcast_recipients.js';
import { audienceText, beginsText, hoursText, rateText, shortTime } from './broadcast_words.js';
import { numberText } from './limit_fields.js';
import { Field, Form, Loading, Press, useLoaded } from './parts.js';

/** Above so many whoever launches types how many get it. */
const TYPED_ABOVE = 1_000;
const PREVIEWS = 10;

export function Review({ context, broadcast, definitions, put, draft, run, plan }) {
  const { state } = broadcast;
  const stop = () => run(async () => put((await context.ask('POST', `${pathOf(broadcast.broadcast_id)}/cancel`, {})).broadcast));
  if (state === 'planning') return html`<${Planning} broadcast=${broadcast} stop=${stop} />`;
  if (!broadcast.plan)
    return html`
      <p>${t('broadcasts.plan_about')}</p>
      <p><button type="button" class="primary" onclick=${plan}>${t('broadcasts.to_plan')}</button></p>
    `;
  return html`
    <${Sums} ...${{ broadcast, definitions }} />
    ${broadcast.plan.recipients > 0 && html`<${DryRun} ...${{ context, broadcast }} ownRate=${definitions.numbers.find((one) => one.phone_number_id === broadcast.numbers[0])?.rate} />`}
    <${Suppressed} broadcast=${broadcast} />
    ${broadcast.plan.recipients > 0 && html`<${Previews} key=${broadcast.plan.at} ...${{ context, broadcast, draft }} />`}
    ${broadcast.plan.total > broadcast.plan.recipients && html`<${ByLine} key=${`lines ${broadcast.plan.at}`} ...${{ context, broadcast }} />`}
    <p class="page-status"><span class="quiet">${t('broadcasts.planned_at', { when: shortTime(broadcast.plan.at) })}</span> <${Press} label=${t('broadcasts.plan_again')} run=${plan} /></p>
    <${Launch} ...${{ context, broadcast, put }} />
  `;
}

/** Who is not sent to, line by line: read once somebody wants to see them. */
function ByLine({ context, broadcast }) {
  const [isOpen, setOpen] = useState(false);
  return html`
    <details ontoggle=${(event) => setOpen(event.currentTarget.open)}>
      <summary>${t('broadcasts.show_lines')}</summary>
      ${isOpen && html`<${Recipients} context=${context} broadcast=${broadcast} only="suppressed" />`}
    </details>
  `;
}

function Planning({ broadcast, stop }) {
  const { read = 0, planned = 0, suppressed = 0 } = broadcast.progress ?? {};
  const focus = useRef(null);
  useEffect(() => focus.current?.focus({ preventScroll: true }), []);
  return html`
    <div class="outcome" tabindex="-1" ref=${focus}>
      <p role="status">${t('broadcasts.planning')}</p>
      <p class="page-status"><progress aria-label=${t('broadcasts.planning')}></progress></p>
      <dl class="totals">
        ${[['read', read], ['planned', planned], ['suppressed', suppressed]].map(([name, count]) => html`<div key=${name}><dt>${t(`broadcasts.planning.${name}`)}</dt><dd>${number(count)}</dd></div>`)}
      </dl>
      <div class="buttons"><${Press} label=${t('broadcasts.stop_plan')} run=${stop} /></div>
    </div>
  `;
}

/** How many get it, when, and how long it takes. */
function Sums({ broadcast, definitions }) {
  const { plan, rate, template, numbers } = broadcast;
  const from = definitions.numbers.find((one) => one.phone_number_id === numbers[0]);
  const seconds = lastsFor(plan.recipients, rate, from?.rate);
  const facts = [
    [t('broadcasts.audience'), audienceText(broadcast, definitions)],
    [t('broadcasts.template'), template ? `${template.name} (${template.language.code})` : ''],
    [t('broadcasts.purpose'), t(`broadcasts.purpose.${plan.purpose === 'marketing' ? 'marketing' : 'other'}`)],
    [t('broadcasts.number'), from ? numberText(from) : numbers[0]],
    [t('broadcasts.when'), beginsText(broadcast)],
    broadcast.hours?.days && [t('broadcasts.hours'), hoursText(broadcast)],
    rate && [t('broadcasts.own_rate'), rateText(rate)],
    seconds !== null && [t('broadcasts.lasts'), t('broadcasts.lasts_at', { span: spanText(seconds), rate: rateText(Math.min(...[rate, from?.rate].filter(Boolean))) })],
  ].filter(Boolean);
  return html`
    <dl class="totals">
      <div><dt>${t('broadcasts.gets_it')}</dt><dd data-recipients=${plan.recipients}>${number(plan.recipients)}</dd></div>
      <div><dt>${t('broadcasts.does_not')}</dt><dd>${number(plan.total - plan.recipients)}</dd></div>
    </dl>
    <dl class="facts">${facts.map(([label, value]) => html`<dt key=${`${label} t`}>${label}</dt><dd key=${`${label} d`}><bdi>${value}</bdi></dd>`)}</dl>
  `;
}

/** The message of the first recipients, one after another. */
function Previews({ context, broadcast, draft }) {
  const { broadcast_id: id } = broadcast;
  const loaded = useLoaded(async () => (await context.ask('GET', `${pathOf(id)}/recipients?outcome=planned&filled=true&limit=${PREVIEWS}`)).recipients);
  const [at, setAt] = useState(0);
  const rows = loaded.data ?? [];
  const row = rows[at];
  const { template } = draft;
  const picture = (media) => context.mediaView().then((view) => view.picture(media));
  const sent = row?.template ?? templateOf(draft);
  const who = row ? (row.name ?? (row.phone ? phoneText(row.phone) : t('people.customer'))) : '';
  return html`
    <section class="broadcast-previews" aria-labelledby="previews-title">
      <h3 id="previews-title">${t('broadcasts.previews')}</h3>
      <${Loading} loaded=${loaded} />
      ${row &&
      html`
        <div class="page-status">
          <${Press} label=${t('broadcasts.previous')} run=${() => setAt(Math.max(0, at - 1))} />
          <span role="status">${t('broadcasts.preview_of', { at: at + 1, of: rows.length, who })}</span>
          <${Press} label=${t('broadcasts.following')} run=${() => setAt(Math.min(rows.length - 1, at + 1))} />
        </div>
        ${template && sent && html`<${TemplatePreview} key=${row.no} preview=${previewOf(template, valuesOf(template, sent.components ?? []))} label=${t('fill.preview_for', { customer: who })} picture=${picture} />`}
      `}
    </section>
  `;
}

function Launch({ context, broadcast, put }) {
  const { ask, say } = context;
  const { broadcast_id: id, version, plan, name } = broadcast;
  const at = broadcast.at ?? broadcast.at_local;
  const isTyped = plan.recipients > TYPED_ABOVE;
  if (plan.recipients === 0) return html`<p class="page-problem">${t('broadcasts.nobody_gets_it')}</p>`;
  const launch = async ({ count = '' }) => {
    if (isTyped && typedCount(count) !== plan.recipients) throw new ApiError(0, 'nothing_chosen', t('broadcasts.count_wrong', { count: plan.recipients }));
    try {
      const { broadcast: fresh } = await ask('POST', `${pathOf(id)}/launch`, { version, recipients: plan.recipients });
      say(t(fresh.state === 'scheduled' ? 'broadcasts.scheduled_done' : 'broadcasts.launch_done', { name }), 'good');
      put(fresh);
    } catch (error) {
      if (['broadcast_changed', 'broadcast_state', 'count_differs'].includes(error.code)) ask('GET', pathOf(id)).then(({ broadcast: fresh }) => put(fresh), () => {});
      throw error;
    }
  };
  return html`
    <${Form} label=${t(at ? 'broadcasts.do_schedule' : 'broadcasts.launch', { count: plan.recipients })} busy=${t('any.moment')} run=${launch}>
      ${isTyped && html`<${Field} label=${t('broadcasts.type_count', { count: plan.recipients })} hint=${t('broadcasts.type_count_hint')} name="count" required inputmode="numeric" maxlength="20" autocomplete="off" dir="ltr" />`}
    <//>
  `;
}
