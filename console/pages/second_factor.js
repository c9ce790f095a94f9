// The second factor: turning it on with a picture for the app, the recovery codes, and turning it off.

import { ownRefusal } from '../account.js';
import { t } from '../language.js';
import { html, useState } from '../view.js';
import { Code, Copied, Form, OwnProof, Press, useFocus } from './parts.js';

export function SecondFactor({ context }) {
  const { profile, person, refresh, say, copy } = context;
  // What is under way: nothing, `password`, the `secret` that was made, `codes` to be kept, `off` or `renew`.
  const [step, setStep] = useState(/** @type {{asks?: string, secret?: any, codes?: string[]}} */ ({}));
  const [isOn, setOn] = useState(person().has_second_factor === true);
  const stop = () => setStep({});
  const begin = async ({ password }) => setStep({ secret: await profile.beginFactor(password) });
  // The codes are in this answer alone: they are shown before anything else is asked for.
  const keep = (codes) => {
    setOn(true);
    setStep({ codes });
    refresh();
  };
  const off = async ({ password, code }) => {
    await profile.endFactor(password, code);
    setOn(false);
    setStep({});
    say(t('factor.off_done'), 'good');
    refresh();
  };
  return html`
    <section class="card" aria-labelledby="factor-title">
      <header>
        <h2 id="factor-title">${t('factor.title')}</h2>
        <span class=${isOn ? 'verdict-good' : 'quiet'} role="status">${t(isOn ? 'factor.is_on' : 'factor.is_off')}</span>
      </header>
      <p class="quiet">${t('factor.about')}</p>
      ${step.codes && html`<${Codes} codes=${step.codes} copy=${copy} onDone=${stop} />`}
      ${step.secret && html`<${Secret} ...${step.secret} copy=${copy} run=${async ({ code }) => keep(await profile.confirmFactor(code))} onCancel=${stop} />`}
      ${step.asks === 'on' && html`<${Proof} label=${t('any.next')} run=${begin} onCancel=${stop} />`}
      ${step.asks === 'off' && html`<${Proof} withCode label=${t('factor.turn_off')} run=${off} onCancel=${stop} />`}
      ${step.asks === 'renew' &&
      html`<${Proof} withCode label=${t('factor.renew')} run=${async ({ password, code }) => keep(await profile.newCodes(password, code))} onCancel=${stop} />`}
      ${!step.codes &&
      !step.secret &&
      !step.asks &&
      html`
        <p class="buttons">
          ${isOn
            ? html`
                <${Press} label=${t('factor.renew')} run=${() => setStep({ asks: 'renew' })} />
                <${Press} label=${t('factor.turn_off')} tone="danger" run=${() => setStep({ asks: 'off' })} />
              `
            : html`<${Press} label=${t('factor.turn_on')} run=${() => setStep({ asks: 'on' })} />`}
        </p>
      `}
    </section>
  `;
}

/** Asks for the password, and for a code of the factor that is on. */
export function Proof({ withCode = false, label, run, onCancel }) {
  const focus = useFocus();
  return html`
    <${Form} label=${label} busy=${t('any.moment')} run=${run} explain=${ownRefusal} onCancel=${onCancel}>
      <${OwnProof} withCode=${withCode} inputRef=${focus} />
    <//>
  `;
}

/** The secret as a picture and as a text, until a code shows that the app has it. */
function Secret({ secret, qr: { size, path }, copy, run, onCancel }) {
  const focus = useFocus();
  return html`
    <div class="factor-secret">
      <svg class="qr" viewBox=${`0 0 ${size} ${size}`} role="img" aria-label=${t('factor.qr')} shape-rendering="crispEdges">
        <path class="qr-ground" d=${`M0 0h${size}v${size}h-${size}z`} />
        <path d=${path} />
      </svg>
      <div>
        <p>${t('factor.scan')}</p>
        <p class="quiet">${t('factor.by_hand')}</p>
        <${Copied} label=${t('factor.secret')} text=${secret} copy=${copy} />
      </div>
    </div>
    <${Form} label=${t('factor.turn_on')} busy=${t('any.moment')} run=${run} explain=${ownRefusal} onCancel=${onCancel}>
      <${Code} hint=${t('factor.code_hint')} inputRef=${focus} />
    <//>
  `;
}

/** The codes for when the app is lost, which are shown only now. */
function Codes({ codes, copy, onDone }) {
  const focus = useFocus();
  return html`
    <div class="recovery-codes">
      <h3 tabindex="-1" ref=${focus}>${t('codes.title')}</h3>
      <p>${t('codes.about')}</p>
      <ol dir="ltr">
        ${codes.map((code) => html`<li key=${code} class="mono">${code}</li>`)}
      </ol>
      <p class="buttons">
        <${Press} label=${t('codes.copy')} run=${() => copy(codes.join('\n'))} />
        <${Press} label=${t('codes.print')} run=${() => window.print()} />
        <button type="button" class="primary" onclick=${onDone}>${t('codes.kept')}</button>
      </p>
    </div>
  `;
}
