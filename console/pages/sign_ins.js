// How one signs in: the password, where one is signed in now, and every attempt of late.

import { browserName, ownRefusal, sentenceOf } from '../account.js';
import { t } from '../language.js';
import { agoInWords, exact } from '../time.js';
import { html, useState } from '../view.js';
import { Code, Field, Form, Loading, Press, useChange, useFocus, useLoaded } from './parts.js';

/** The password, and the sessions. */
export function Access({ context }) {
  const { account, say } = context;
  const [isChanging, setChanging] = useState(false);
  const loaded = useLoaded(() => account.sessions());
  const { run, problem } = useChange(say);
  const end = (id, done) =>
    run(async () => {
      await account.endSession(id);
      await loaded.load();
    }, done);
  const change = async ({ current, fresh, code }) => {
    await account.changePassword(current, fresh, code);
    setChanging(false);
    say(t('password.changed'), 'good');
    await loaded.load();
  };
  const sessions = loaded.data ?? [];
  return html`
    <section class="card" aria-labelledby="password-title">
      <h2 id="password-title">${t('sign_in.password')}</h2>
      ${isChanging
        ? html`<${NewPassword} person=${context.person()} run=${change} onCancel=${() => setChanging(false)} />`
        : html`<p><${Press} label=${t('password.title')} run=${() => setChanging(true)} /></p>`}
    </section>
    <section class="card" aria-labelledby="sessions-title">
      <h2 id="sessions-title">${t('sessions.title')}</h2>
      <p class="quiet">${t('sessions.about')}</p>
      <${Loading} loaded=${loaded} />
      <ul class="account-rows">
        ${sessions.map((one) => html`<${Session} key=${one.session_id} one=${one} end=${end} />`)}
      </ul>
      <p class="page-problem" role="alert">${problem}</p>
      ${sessions.length > 1 && html`<p><${Press} label=${t('sessions.end_others')} run=${() => end('others', t('sessions.others_ended'))} /></p>`}
    </section>
  `;
}

function NewPassword({ person, run, onCancel }) {
  const focus = useFocus();
  return html`
    <p class="quiet">${t('password.signs_out')}</p>
    <${Form} label=${t('password.change')} busy=${t('password.changing')} run=${run} explain=${ownRefusal} onCancel=${onCancel}>
      <input type="email" name="email" value=${person.user.email} autocomplete="username" readonly hidden />
      <${Field} label=${t('password.now')} kind="password" name="current" required maxlength="128" autocomplete="current-password" inputRef=${focus} />
      <${Field} label=${t('password.new')} kind="password" name="fresh" required minlength="12" maxlength="128" autocomplete="new-password" hint=${t('password.hint')} />
      ${person.has_second_factor && html`<${Code} hint=${t('code.hint')} />`}
    <//>
  `;
}

function Session({ one, end }) {
  const { session_id: id, browser, address, created, used, is_this: isThis } = one;
  const name = browserName(browser);
  const since = exact(created);
  return html`
    <li data-session=${id}>
      <div class="account-who">
        <span title=${browser}>${isThis ? t('sessions.this', { name }) : name}</span>
        <span class="quiet">${address && html`<bdi>${address}</bdi> · `}${t('sessions.used', { used: agoInWords(used, Date.now()), since })}</span>
      </div>
      ${!isThis &&
      html`<div class="account-do"><${Press} label=${t('sessions.end')} name=${t('sessions.end_one', { name, since })} run=${() => end(id, t('sessions.ended'))} /></div>`}
    </li>
  `;
}

/** Every attempt to sign in, the latest first. */
export function SignIns({ context }) {
  const { profile } = context;
  const [later, setLater] = useState([]);
  const [problem, setProblem] = useState('');
  const loaded = useLoaded(() => profile.signIns());
  const pages = loaded.data ? [loaded.data, ...later] : [];
  const { next } = pages.at(-1) ?? {};
  const more = async () => {
    try {
      setProblem('');
      const page = await profile.signIns(next);
      setLater((before) => [...before, page]);
    } catch (error) {
      setProblem(sentenceOf(error));
    }
  };
  const all = pages.flatMap((page) => page.sign_ins);
  return html`
    <section class="card" aria-labelledby="sign-ins-title">
      <h2 id="sign-ins-title">${t('sign_ins.title')}</h2>
      <p class="quiet">${t('sign_ins.about')}</p>
      <${Loading} loaded=${loaded} />
      <ul class="account-rows">
        ${all.map((one) => html`<${SignIn} key=${`${one.at} ${one.outcome} ${one.address}`} ...${one} />`)}
      </ul>
      ${loaded.data && all.length === 0 && html`<p class="quiet">${t('sign_ins.none')}</p>`}
      <p class="page-problem" role="alert">${problem}</p>
      ${next && html`<p><${Press} label=${t('sign_ins.more')} run=${more} /></p>`}
    </section>
  `;
}

function SignIn({ at, outcome, address, browser, is_new_device: isNew }) {
  return html`
    <li>
      <div class="account-who">
        <span class=${outcome.startsWith('wrong_') ? 'verdict-bad' : null}>${t(`sign_ins.${outcome}`)}${isNew && html` · <strong>${t('sign_ins.new_device')}</strong>`}</span>
        <span class="quiet">${exact(at)} · <span title=${browser}>${browserName(browser ?? '')}</span>${address && html` · <bdi>${address}</bdi>`}</span>
      </div>
    </li>
  `;
}
