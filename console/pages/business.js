// The business itself: what it is called, where it is, whom to ask about privacy, and how long messages are kept.

import { LONG } from '../http.js';
import { number, t } from '../language.js';
import { exact } from '../time.js';
import { html, useEffect, useState } from '../view.js';
import { Field, Form, Head, Loading, useFocus, useLoaded, useStoppable } from './parts.js';
import { OptOutWords } from './opt_out_words.js';
import { addedUp } from './retention.js';
import { Provider } from './provider.js';
import { Subscription } from './subscription.js';

const LOOK_AGAIN = 3_000;
const LOOK_AGAIN_AT_MOST = 60_000;

export default function Business({ page, context }) {
  const { ask, say } = context;
  const loaded = useLoaded(() => ask('GET', '/v1/business'));
  const { data } = loaded;
  const save = async ({ name, region = null, privacy_contact = null }) => {
    await ask('PUT', '/v1/business', { name, region, privacy_contact });
    say(t('business.saved'), 'good');
    await loaded.load();
  };
  return html`
    <${Head} page=${page} />
    <${Loading} loaded=${loaded} />
    ${data &&
    html`
      <section class="card" aria-labelledby="about-title">
        <h2 id="about-title">${t('business.about')}</h2>
        <${Form} label=${t('any.save')} run=${save}>
          <${Field} label=${t('business.name')} name="name" required maxlength="100" defaultValue=${data.name} hint=${t('business.name_hint')} />
          <${Field} label=${t('business.region')} name="region" maxlength="64" defaultValue=${data.region ?? ''} hint=${t('business.region_hint')} />
          <${Field}
            label=${t('business.contact')}
            name="privacy_contact"
            maxlength="200"
            defaultValue=${data.privacy_contact ?? ''}
            hint=${t('business.contact_hint')}
          />
        <//>
        <dl class="facts">
          <dt>${t('business.since')}</dt>
          <dd>${exact(data.created)}</dd>
          <dt>${t('business.id')}</dt>
          <dd class="mono">${data.tenant_id}</dd>
        </dl>
      </section>
      <${Retention} ask=${ask} retention=${data.retention} load=${loaded.load} />
      <${OptOutWords} ask=${ask} say=${say} />
      <${Subscription} ask=${ask} />
      <${Provider} ...${context} tenant_id=${data.tenant_id} />
    `}
  `;
}

/** How long messages of the tenant at `at` are kept. A change is made only after its preview was seen. */
export function Retention({ ask, at = '/v1/business', mayChange = true, retention, load }) {
  const [preview, setPreview] = useState(null);
  const { days, change } = retention;
  const isRunning = change && change.state !== 'done';
  useEffect(() => {
    if (!isRunning) return undefined;
    let timer;
    const next = (wait) => {
      timer = setTimeout(async () => {
        // Nobody sees it in a page that is hidden, and a gateway that cannot tell is asked less and less.
        const isRead = document.visibilityState !== 'visible' || (await load());
        if (timer !== null) next(isRead ? LOOK_AGAIN : Math.min(2 * wait, LOOK_AGAIN_AT_MOST));
      }, wait);
    };
    next(LOOK_AGAIN);
    return () => {
      clearTimeout(timer);
      timer = null;
    };
  }, [isRunning]);
  const { begin, stop } = useStoppable();
  const look = async ({ days: wanted }) => {
    const signal = begin();
    try {
      setPreview(await addedUp(Number(wanted), (body) => ask('POST', `${at}/retention/preview`, body, { deadline: LONG }), signal));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
  const make = async () => {
    await ask('PUT', `${at}/retention`, { days: preview.to_days }, { deadline: LONG });
    setPreview(null);
    await load();
  };
  return html`
    <section class="card" aria-labelledby="retention-title">
      <h2 id="retention-title">${t('retention.title')}</h2>
      <p>${t('retention.now', { count: days })}</p>
      ${mayChange &&
      html`<${Form} label=${t('retention.preview')} busy=${t('retention.previewing')} run=${look}>
        <${Field}
          label=${t('retention.days')}
          kind="number"
          name="days"
          required
          min="1"
          max="1826"
          defaultValue=${days}
          oninput=${() => (stop(), setPreview(null))}
          hint=${t('retention.hint')}
        />
      <//>`}
      ${preview && html`<${Preview} preview=${preview} make=${make} onCancel=${() => setPreview(null)} />`}
      ${change && html`<${Change} change=${change} />`}
    </section>
  `;
}

function Preview({ preview, make, onCancel }) {
  const focus = useFocus();
  const { from_days, to_days, messages, gone, gone_oldest, gone_newest, ends_first, ends_last } = preview;
  const isSame = from_days === to_days;
  const moments = (from, to) => (from === null || from === undefined ? '' : t('retention.between', { from: exact(from), to: exact(to) }));
  return html`
    <div class="outcome" tabindex="-1" ref=${focus}>
      <p>${isSame ? t('retention.same', { count: to_days }) : t('retention.would', { count: to_days })}</p>
      <dl class="facts">
        <dt>${t('retention.messages')}</dt>
        <dd>${number(messages)}</dd>
        <dt>${t('retention.gone')}</dt>
        <dd>${number(gone)} ${moments(gone_oldest, gone_newest)}</dd>
        <dt>${t('retention.ends')}</dt>
        <dd>${moments(ends_first, ends_last) || t('retention.none_left')}</dd>
      </dl>
      <p>${t('retention.note')}</p>
    </div>
    ${isSame || html`<${Form} label=${t('retention.change', { count: to_days })} run=${make} onCancel=${onCancel} />`}
  `;
}

function Change({ change }) {
  const { state, from_days, to_days, started, finished, conversations_done, conversations_of, messages_removed, messages_moved } = change;
  const isDone = state === 'done';
  return html`
    <h3>${t(isDone ? 'retention.last' : 'retention.running')}</h3>
    <div role="status"><dl class="facts">
      <dt>${t('retention.what')}</dt>
      <dd>${t('retention.from_to', { from: from_days, to: to_days })}</dd>
      <dt>${t('retention.progress')}</dt>
      <dd>${isDone ? t('retention.done', { when: exact(finished ?? started) }) : t('retention.part', { done: conversations_done, of: conversations_of })}</dd>
      <dt>${t('retention.removed')}</dt>
      <dd>${number(messages_removed)}</dd>
      <dt>${t('retention.moved')}</dt>
      <dd>${number(messages_moved)}</dd>
    </dl></div>
  `;
}
