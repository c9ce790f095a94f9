// The business's WhatsApp numbers: how each stands, what Meta says about it, and the address that Meta is to be told.

import { sentenceOf } from '../account.js';
import { LONG } from '../http.js';
import { pauseOf, delayOf } from '../lanes.js';
import { nodes, t } from '../language.js';
import { moment } from '../time.js';
import { checkName, told } from '../told.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../view.js';
import { Copied, Field, Form, Head, Loading, Press, useFocus, useLoaded } from './parts.js';

export default function Numbers({ page, context }) {
  const { ask, say, copy } = context;
  const loaded = useLoaded(async () => (await ask('GET', '/v1/numbers')).numbers);
  // What is written: nothing, a new number (`{}`), or new settings of one that there is.
  const [written, setWritten] = useState(null);
  /** The number that was saved last: it is checked at once, so that nobody waits for webhooks that go elsewhere. */
  const [saved, setSaved] = useState(null);
  const add = useRef(null);
  const done = () => setWritten(null);
  useLayoutEffect(() => {
    if (written === null && loaded.data) add.current?.focus({ preventScroll: true });
  }, [written]);
  const save = async (values) => {
    const { phone_number_id: id, rate } = values;
    await ask('POST', '/v1/numbers', { ...values, ...(rate && { rate: Number(rate) }) }, { deadline: LONG });
    say(t('numbers.saved', { id: values.display_phone_number ?? id }), 'good');
    setSaved(id);
    done();
    await loaded.load();
  };
  return html`
    <${Head} page=${page}>
      ${!written && html`<button type="button" class="primary" ref=${add} onclick=${() => setWritten({})}>${t('numbers.add')}</button>`}
    <//>
    ${written && html`<${Write} key=${written.phone_number_id ?? 'new'} number=${written} save=${save} onCancel=${done} />`}
    <${Loading} loaded=${loaded} />
    ${loaded.data?.length === 0 && html`<p class="page-empty">${t('numbers.none')}</p>`}
    ${loaded.data?.map((number) => html`<${Number_} key=${number.phone_number_id} number=${number} ask=${ask} isNew=${number.phone_number_id === saved} onReplace=${() => (setSaved(null), setWritten(number))} />`)}
    <${Webhook} ask=${ask} copy=${copy} />
  `;
}

/** One number of those at `at`; without `onReplace` it cannot be changed here. One that `isNew` is checked by itself. */
export function Number_({ number, ask, at = '/v1/numbers', isNew = false, onReplace }) {
  const { phone_number_id: id, display_phone_number: display, waba_id, app, rate, lane, standing } = number;
  const name = display || id;
  const [checked, setChecked] = useState(null);
  const check = async () => {
    setChecked({ isRunning: true });
    try {
      const { checks } = await ask('GET', `${at}/${encodeURIComponent(id)}/check`, undefined, { deadline: LONG });
      setChecked({ checks });
    } catch (error) {
      setChecked({ problem: sentenceOf(error) });
    }
  };
  useEffect(() => {
    if (isNew) check();
  }, [isNew]);
  return html`
    <section class="card" data-number=${id} aria-label=${name}>
      <header>
        <h2><bdi dir="ltr">${name}</bdi></h2>
        <div class="pair">
          <${Press} label=${t('numbers.check')} name=${t('numbers.check_one', { name })} run=${check} />
          ${onReplace && html`<${Press} label=${t('numbers.replace')} name=${t('numbers.replace_one', { name })} run=${onReplace} />`}
        </div>
      </header>
      <p>${laneText(lane, name)}</p>
      <dl class="facts">
        <dt>${t('numbers.id')}</dt>
        <dd class="mono">${id}</dd>
        <dt>${t('numbers.waba')}</dt>
        <dd class="mono">${waba_id}</dd>
        ${app && html`<dt>${t('numbers.app')}</dt><dd>${app}</dd>`}
        <dt>${t('numbers.rate')}</dt>
        <dd>${t('numbers.per_second', { count: rate })}</dd>
        ${standing && html`<${Standing} standing=${standing} />`}
      </dl>
      ${checked && html`<${Checked} ...${checked} name=${name} />`}
    </section>
  `;
}

/** What Meta told last: its own words, as they stand in its help, beside what they mean. */
function Standing({ standing }) {
  const { quality, messaging_limit: limit, name_status: name, at } = standing;
  return html`
    <dt>${t('numbers.quality')}</dt>
    <dd class=${QUALITIES[quality]?.look} data-quality=${quality}>${t(QUALITIES[quality]?.text ?? 'numbers.quality_unknown')}</dd>
    ${limit && html`<dt>${t('numbers.limit')}</dt><dd class="mono">${limit}</dd>`}
    ${name && html`<dt>${t('numbers.name_status')}</dt><dd class="mono">${name}</dd>`}
    <dt>${t('numbers.asked')}</dt>
    <dd>${moment(at, Date.now())}</dd>
  `;
}

const QUALITIES = {
  GREEN: { look: 'verdict-good', text: 'numbers.quality_green' },
  YELLOW: { look: 'verdict-doubtful', text: 'numbers.quality_yellow' },
  RED: { look: 'verdict-bad', text: 'numbers.quality_red' },
};

function laneText(lane, name) {
  const now = Date.now();
  const pause = pauseOf(lane, name, now);
  if (pause) return html`<strong class="verdict-bad">${pause.what}</strong> ${pause.said} ${pause.help}`;
  const delay = delayOf(lane, now);
  if (delay) return html`<span class="verdict-doubtful">${delay.text}</span>`;
  return html`<span class="verdict-good">${t('numbers.running')}</span>`;
}

/** What Meta said, with what is missing first. */
function Checked({ isRunning, checks, problem, name }) {
  if (isRunning) return html`<p role="status">${t('numbers.checking')}</p>`;
  if (problem) return html`<p class="page-problem" role="alert">${problem}</p>`;
  const order = ['bad', 'doubtful', 'good'];
  const sorted = checks.toSorted((one, other) => order.indexOf(one.verdict) - order.indexOf(other.verdict));
  const wrong = checks.filter((check) => check.verdict !== 'good').length;
  return html`
    <p role="status">${wrong === 0 ? t('numbers.all_good') : t('numbers.wrong', { count: wrong })}</p>
    <div class="table-frame" tabindex="0" role="region" aria-label=${t('numbers.check_of', { name })}>
      <table>
        <thead>
          <tr><th>${t('numbers.what')}</th><th>${t('numbers.verdict')}</th><th>${t('numbers.found')}</th></tr>
        </thead>
        <tbody>
          ${sorted.map(
            (check) => html`
              <tr key=${check.name}>
                <th scope="row">${checkName(check.name)}</th>
                <td class=${`verdict-${check.verdict}`}>${t(`numbers.${check.verdict}`)}</td>
                <td dir="auto">${told(check.detail)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** A form for a number; of one that there is, all but the token is filled in. */
function Write({ number, save, onCancel }) {
  const focus = useFocus();
  const { phone_number_id: id, display_phone_number: display, waba_id, app, rate } = number;
  const digits = { required: true, inputmode: 'numeric', pattern: '[0-9]+', maxlength: '32', autocomplete: 'off', dir: 'ltr' };
  return html`
    <section class="card" aria-labelledby="number-title">
      <h2 id="number-title">${id ? nodes('numbers.replace_of', { name: html`<bdi dir="ltr">${display}</bdi>` }) : t('numbers.add')}</h2>
      <p class="quiet">${t('numbers.where')}</p>
      <${Form} label=${t('any.save')} busy=${t('numbers.saving')} run=${save} onCancel=${onCancel}>
        <${Field} label=${t('numbers.display')} name="display_phone_number" required maxlength="64" dir="ltr" defaultValue=${display ?? ''} inputRef=${focus} hint=${t('numbers.display_hint')} />
        <${Field} label=${t('numbers.id')} name="phone_number_id" ...${digits} defaultValue=${id ?? ''} readonly=${Boolean(id)} />
        <${Field} label=${t('numbers.waba')} name="waba_id" ...${digits} defaultValue=${waba_id ?? ''} />
        <${Field} label=${t('numbers.rate')} kind="number" name="rate" min="1" max="1000" defaultValue=${rate ?? 80} hint=${t('numbers.rate_hint')} />
        <${Field} label=${t('numbers.token')} kind="password" name="access_token" required autocomplete="new-password" spellcheck="false" hint=${t('numbers.token_hint')} />
        <${Field} label=${t('numbers.app')} name="app" maxlength="64" autocomplete="off" defaultValue=${app ?? ''} hint=${t('numbers.app_hint')} />
      <//>
    </section>
  `;
}

/** Where Meta sends what customers write. */
function Webhook({ ask, copy }) {
  const loaded = useLoaded(() => ask('GET', '/v1/business/webhook'));
  const { data } = loaded;
  return html`
    <section class="card" aria-labelledby="webhook-title">
      <h2 id="webhook-title">${t('webhook.title')}</h2>
      <p class="quiet">${t('webhook.about')}</p>
      <${Loading} loaded=${loaded} />
      ${data && (data.url ? html`<${Copied} label=${t('webhook.url')} text=${data.url} copy=${copy} />` : html`<p>${t('webhook.none')}</p>`)}
      ${data && html`<p>${t(data.verify_token_set ? 'webhook.token_set' : 'webhook.token_missing')}</p>`}
    </section>
  `;
}
