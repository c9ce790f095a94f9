// The first and the fourth step of a broadcast: what it is called and which number sends it; when it goes out, and how fast.

import { LATE } from '../broadcast_draft.js';
import { spanText } from '../broadcasts.js';
import { t } from '../language.js';
import { html } from '../view.js';
import { rateText } from './broadcast_words.js';
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
  const when = (isNow, label) => html`<label><input type="radio" name="when" checked=${draft.isNow === isNow} onchange=${() => change({ isNow })} /> ${label}</label>`;
  return html`
    <fieldset class="field choices">
      <legend>${t('broadcasts.when')}</legend>
      ${when(true, t('broadcasts.now'))} ${when(false, t('broadcasts.at_a_time'))}
    </fieldset>
    ${!draft.isNow &&
    html`
      <div class="form">
        <div>
          <${Field} label=${t('broadcasts.at')} hint=${t('broadcasts.zone', { zone })} kind="datetime-local" defaultValue=${draft.at} onchange=${(event) => change({ at: event.currentTarget.value })} />
          <${Wrong} text=${wrong.at} />
        </div>
        <div>
          <${Choice} label=${t('broadcasts.late')} chosen=${String(draft.late)} options=${lateOptions(draft.late)} onchange=${(event) => change({ late: Number(event.currentTarget.value) })} />
          <p class="quiet">${t('broadcasts.late_hint')}</p>
        </div>
      </div>
    `}
    <div class="form">
      <div>
        <${Field} label=${t('broadcasts.own_rate')} hint=${ownRate ? t('broadcasts.own_rate_hint', { rate: rateText(ownRate) }) : t('broadcasts.own_rate_hint_unknown')} inputmode="numeric" maxlength="6" autocomplete="off" dir="ltr" defaultValue=${draft.rate} oninput=${(event) => change({ rate: event.currentTarget.value.trim() })} />
        <${Wrong} text=${wrong.rate} />
      </div>
    </div>
  `;
}

function lateOptions(chosen) {
  const all = LATE.includes(chosen) ? LATE : [...LATE, chosen].sort((one, other) => one - other);
  return all.map((minutes) => [String(minutes), spanText(minutes * 60)]);
}
