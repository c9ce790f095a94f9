// The first and the fourth step of a broadcast: what it is called and which number sends it; when it goes out, and how fast.

import { DAYS, LATE, needsZone } from '../broadcast_draft.js';
import { spanText } from '../broadcasts.js';
import { t } from '../language.js';
import { html } from '../view.js';
import { dayText, rateText, zoneText } from './broadcast_words.js';
import { numberText } from './limit_fields.js';
import { Choice, Field } from './parts.js';

/** What is wrong with a field, below it. */
export function Wrong({ text }) {
  return html`<p class="field-problem" role="alert">${text ?? ''}</p>`;
}

export function NameAndNumber({ draft, change, definitions, wrong }) {
  const { numbers } = definitions;
  return html`
    <div class="form">
      <div>
        <${Field} label=${t('broadcasts.name')} hint=${t('broadcasts.name_hint')} maxlength="100" autocomplete="off" dir="auto" defaultValue=${draft.name} oninput=${(event) => change({ name: event.currentTarget.value })} />
        <${Wrong} text=${wrong.name} />
      </div>
      <div>
        ${numbers.length > 1
          ? html`<${Choice} label=${t('broadcasts.number')} chosen=${draft.number} options=${[['', t('broadcasts.choose')], ...numbers.map((one) => [one.phone_number_id, numberText(one)])]} onchange=${(event) => change({ number: event.currentTarget.value, sent: null, template: null, values: {}, isFilledHere: false })} />`
          : html`<dl class="facts"><dt>${t('broadcasts.number')}</dt><dd><bdi>${numbers[0] ? numberText(numbers[0]) : draft.number || t('broadcasts.no_number')}</bdi></dd></dl>`}
        <${Wrong} text=${wrong.number} />
      </div>
    </div>
  `;
}

export function Schedule({ draft, change, wrong, ownRate }) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const when = (isNow, isLocal, label) => html`<label><input type="radio" name="when" checked=${draft.isNow === isNow && (isNow || draft.isLocal === isLocal)} onchange=${() => change({ isNow, isLocal })} /> ${label}</label>`;
  return html`
    <fieldset class="field choices">
      <legend>${t('broadcasts.when')}</legend>
      ${when(true, false, t('broadcasts.now'))} ${when(false, false, t('broadcasts.at_a_time'))} ${when(false, true, t('broadcasts.at_local'))}
    </fieldset>
    ${!draft.isNow &&
    html`
      <div class="form">
        <div>
          <${Field} label=${t('broadcasts.at')} hint=${draft.isLocal ? t('broadcasts.local_hint') : t('broadcasts.zone', { zone })} kind="datetime-local" defaultValue=${draft.at} onchange=${(event) => change({ at: event.currentTarget.value })} />
          <${Wrong} text=${wrong.at} />
        </div>
        <div>
          <${Choice} label=${t('broadcasts.late')} chosen=${String(draft.late)} options=${lateOptions(draft.late)} onchange=${(event) => change({ late: Number(event.currentTarget.value) })} />
          <p class="quiet">${t('broadcasts.late_hint')}</p>
        </div>
      </div>
    `}
    <${Hours} ...${{ draft, change, wrong }} />
    <div class="form">
      <div>
        <${Field} label=${t('broadcasts.own_rate')} hint=${ownRate ? t('broadcasts.own_rate_hint', { rate: rateText(ownRate) }) : t('broadcasts.own_rate_hint_unknown')} inputmode="numeric" maxlength="6" autocomplete="off" dir="ltr" defaultValue=${draft.rate} oninput=${(event) => change({ rate: event.currentTarget.value.trim() })} />
        <${Wrong} text=${wrong.rate} />
      </div>
    </div>
  `;
}

/** When it may be sent, and by whose clocks. */
function Hours({ draft, change, wrong }) {
  const toggle = (day, isOn) => change({ days: DAYS.filter((one) => (one === day ? isOn : draft.days.includes(one))) });
  return html`
    <fieldset class="field choices">
      <legend>${t('broadcasts.hours')}</legend>
      <label><input type="checkbox" checked=${draft.hasHours} onchange=${(event) => change({ hasHours: event.currentTarget.checked })} /> ${t('broadcasts.hours_only')}</label>
      <p class="quiet">${t('broadcasts.hours_hint')}</p>
    </fieldset>
    ${draft.hasHours && draft.kept && html`<p class="page-status">${t('broadcasts.hours_kept')} <button type="button" class="plain" onclick=${() => change({ kept: null })}>${t('broadcasts.hours_replace')}</button></p>`}
    ${draft.hasHours &&
    !draft.kept &&
    html`
      <div class="form">
        <div>
          <${Field} label=${t('broadcasts.opens')} kind="time" defaultValue=${draft.opens} onchange=${(event) => change({ opens: event.currentTarget.value })} />
          <${Wrong} text=${wrong.hours} />
        </div>
        <div><${Field} label=${t('broadcasts.closes')} hint=${t('broadcasts.closes_hint')} kind="time" defaultValue=${draft.closes} onchange=${(event) => change({ closes: event.currentTarget.value })} /></div>
      </div>
      <fieldset class="field choices">
        <legend>${t('broadcasts.days')}</legend>
        ${DAYS.map((day) => html`<label key=${day}><input type="checkbox" checked=${draft.days.includes(day)} onchange=${(event) => toggle(day, event.currentTarget.checked)} /> ${dayText(day)}</label>`)}
        <${Wrong} text=${wrong.days} />
      </fieldset>
    `}
    ${needsZone(draft) &&
    html`
      <div class="form">
        <div><${Choice} label=${t('broadcasts.whose_zone')} chosen=${draft.isOneZone ? 'one' : 'recipient'} options=${[['recipient', t('broadcasts.zone_recipient')], ['one', t('broadcasts.zone_one')]]} onchange=${(event) => change({ isOneZone: event.currentTarget.value === 'one' })} /></div>
        <div>
          <${Choice} label=${draft.isOneZone ? t('broadcasts.zone_of') : t('broadcasts.zone_fallback')} chosen=${draft.zone} options=${zoneOptions(draft.zone)} onchange=${(event) => change({ zone: event.currentTarget.value })} />
          ${!draft.isOneZone && html`<p class="quiet">${t('broadcasts.zone_recipient_hint')}</p>`}
        </div>
      </div>
    `}
  `;
}

function zoneOptions(chosen) {
  const all = Intl.supportedValuesOf?.('timeZone') ?? [];
  return (all.includes(chosen) ? all : [chosen, ...all]).map((zone) => [zone, zoneText(zone)]);
}

function lateOptions(chosen) {
  const all = LATE.includes(chosen) ? LATE : [...LATE, chosen].sort((one, other) => one - other);
  return all.map((minutes) => [String(minutes), spanText(minutes * 60)]);
}
