// One's own account: who one is here, how the page looks, how one signs in, and how one leaves.

import { ownRefusal } from '../account.js';
import { LANGUAGES, list, nodes, t } from '../language.js';
import { CHOICES, ON_THE_WAY, SESSION, THEMES } from '../preferences.js';
import { day } from '../time.js';
import { html, useState } from '../view.js';
import { Connections } from './connections.js';
import { Businesses, Closing } from './leaving.js';
import { Choice, Field, Form, Head, Loading, OwnProof, Press, useChange, useFocus, useLoaded } from './parts.js';
import { SecondFactor } from './second_factor.js';
import { Access, SignIns } from './sign_ins.js';

export default function OwnAccount({ page, context }) {
  return html`
    <${Head} page=${page} />
    <${About} context=${context} />
    <${Looks} context=${context} />
    <${Access} context=${context} />
    <${SecondFactor} context=${context} />
    ${context.person().signed_in_by !== 'provider' && html`<${Connections} context=${context} />`}
    <${SignIns} context=${context} />
    <${Businesses} context=${context} />
    <${Closing} context=${context} />
  `;
}

function About({ context }) {
  const { profile, refresh, say } = context;
  const loaded = useLoaded(() => profile.read());
  const [isMoving, setMoving] = useState(false);
  const { data } = loaded;
  const save = async ({ name, phone = '' }) => {
    await profile.correct({ name, phone });
    say(t('profile.saved'), 'good');
    await Promise.all([loaded.load(), refresh()]);
  };
  return html`
    <section class="card" aria-labelledby="own-title">
      <h2 id="own-title">${t('profile.about')}</h2>
      <${Loading} loaded=${loaded} />
      ${data &&
      html`
        <${Form} label=${t('any.save')} run=${save}>
          <${Field} label=${t('invitation.name')} name="name" required maxlength="100" autocomplete="name" dir="auto" defaultValue=${data.name} hint=${t('invitation.name_hint')} />
          <${Field} label=${t('profile.phone')} kind="tel" name="phone" maxlength="20" autocomplete="tel" dir="ltr" defaultValue=${data.phone ?? ''} hint=${t('sign_up.phone_hint')} />
        <//>
        <dl class="facts">
          <dt>${t('sign_in.email')}</dt>
          <dd><bdi>${data.email}</bdi></dd>
          <dt>${t('profile.since')}</dt>
          <dd>${day(data.created)}</dd>
          ${data.policy && html`<dt>${t('profile.policy')}</dt><dd>${t('profile.policy_accepted', { version: data.policy.version, when: day(data.policy.accepted) })}</dd>`}
        </dl>
        <${PolicyDue} context=${context} done=${loaded.load} />
        ${isMoving
          ? html`<${NewEmail} context=${context} onDone=${() => setMoving(false)} />`
          : html`<p><${Press} label=${t('email.change')} run=${() => setMoving(true)} /></p>`}
      `}
    </section>
  `;
}

function PolicyDue({ context, done }) {
  const { account, person, refresh, say } = context;
  const due = person().policy_due;
  const { run, problem } = useChange(say);
  if (!due) return null;
  const accept = () =>
    run(async () => {
      await account.acceptPolicy(due.version);
      await refresh();
      await done();
    }, t('policy.accepted'));
  const address = /^https?:\/\//i.test(due.url) ? due.url : null;
  const link = html`<a href=${address} target="_blank" rel="noopener noreferrer">${t('policy.link')}</a>`;
  return html`
    <div class="account-question">
      <p>${nodes('policy.changed', { link })}</p>
      <${Press} label=${t('policy.accept')} run=${accept} />
      <p class="page-problem" role="alert">${problem}</p>
    </div>
  `;
}

function NewEmail({ context, onDone }) {
  const { profile, person } = context;
  const focus = useFocus();
  const [sent, setSent] = useState(null);
  if (sent) return html`<p class="told" role="status">${nodes('email.sent', { email: html`<bdi>${sent}</bdi>` })}</p>`;
  const run = async ({ email, password, code }) => {
    await profile.changeEmail(email, password, code);
    setSent(email);
  };
  return html`
    <${Form} label=${t('email.change')} busy=${t('forgotten.doing')} run=${run} explain=${ownRefusal} onCancel=${onDone}>
      <${Field} label=${t('email.new')} kind="email" name="email" required maxlength="254" autocomplete="email" autocapitalize="none" spellcheck="false" inputRef=${focus} hint=${t('email.hint')} />
      <${OwnProof} withCode=${person().has_second_factor} />
    <//>
  `;
}

function Looks({ context }) {
  const { preferences, again } = context;
  const languages = [['', t('language.browser')], ...Object.entries(LANGUAGES)];
  const themes = [['', t('theme.system')], ...THEMES.map((one) => [one, t(`theme.${one}`)])];
  const run = ({ language = null }) => {
    preferences.keepLanguage(language);
    again();
  };
  return html`
    <section class="card" aria-labelledby="looks-title">
      <h2 id="looks-title">${t('looks.title')}</h2>
      <p class="quiet" data-cookies>${nodes('looks.about', { choices: html`<bdi>${list(CHOICES)}</bdi>`, session: html`<bdi>${SESSION}</bdi>`, provider: html`<bdi>${ON_THE_WAY}</bdi>` })}</p>
      <${Form} label=${t('language.use')} run=${run}>
        <${Choice}
          label=${t('theme.label')}
          options=${themes}
          chosen=${preferences.theme ?? ''}
          onchange=${(event) => preferences.chooseTheme(event.currentTarget.value || null)}
        />
        <${Choice} label=${t('language.label')} name="language" options=${languages} chosen=${preferences.language ?? ''} />
        <p class="quiet whole">${t('language.reloads')}</p>
      <//>
      <label class="switch">
        <input type="checkbox" role="switch" defaultChecked=${preferences.letters} onchange=${(event) => (preferences.letters = event.currentTarget.checked)} />
        <span>${t('looks.letters')}</span>
      </label>
      <${NoticesWish} ...${context} />
    </section>
  `;
}

/** Whether one is told of new messages; the browser is asked for its leave by the press. */
function NoticesWish({ notices, preferences, say }) {
  const [isOn, setOn] = useState(preferences.notices && notices.permission === 'granted');
  if (notices.permission === 'none') return null;
  const change = async ({ currentTarget: box }) => {
    const isWanted = box.checked && (await notices.ask());
    if (box.checked && !isWanted) say(t('looks.notices_denied'), 'bad');
    preferences.notices = isWanted;
    box.checked = isWanted;
    setOn(isWanted);
  };
  return html`
    <label class="switch">
      <input type="checkbox" role="switch" checked=${isOn} onchange=${change} />
      <span>${t('looks.notices')}</span>
    </label>
  `;
}
