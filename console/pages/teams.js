// Teams within a business: members and numbers under one name, by which members can be limited.

import { list, t } from '../language.js';
import { html, useState } from '../view.js';
import { Boxes, numberText } from './limit_fields.js';
import { Field, Form, Press, useChange, useFocus } from './parts.js';

export function Teams({ scope, members, manages, ask, say, load }) {
  /** The team that is written: `{}` for a new one. */
  const [written, setWritten] = useState(null);
  const { run, problem } = useChange(say);
  const pathOf = (id) => `/v1/teams/${encodeURIComponent(id)}`;
  const save = async ({ name, members: who = [], numbers = [] }) => {
    const body = { name, members: who, numbers };
    if (written.team_id) await ask('PUT', pathOf(written.team_id), body);
    else await ask('POST', '/v1/teams', body);
    say(t('teams.saved', { name }), 'good');
    setWritten(null);
    await load();
  };
  const remove = ({ team_id: id, name }) => run(async () => (await ask('DELETE', pathOf(id)), await load()), t('teams.removed', { name }));
  return html`
    <section class="card" aria-labelledby="teams-title">
      <header>
        <h2 id="teams-title">${t('teams.title')}</h2>
        ${manages && !written && html`<${Press} label=${t('teams.add')} run=${() => setWritten({})} />`}
      </header>
      <p class="quiet">${t('teams.about')}</p>
      <p class="page-problem" role="alert">${problem}</p>
      ${written && html`<${Write} key=${written.team_id ?? ''} team=${written} scope=${scope} members=${members} save=${save} onCancel=${() => setWritten(null)} />`}
      ${scope.teams.length === 0 && html`<p class="page-empty">${t('teams.none')}</p>`}
      <ul class="account-rows">
        ${scope.teams.map((one) => html`<${Team} key=${one.team_id} team=${one} scope=${scope} members=${members} manages=${manages} write=${() => setWritten(one)} remove=${() => remove(one)} />`)}
      </ul>
    </section>
  `;
}

function Team({ team, scope, members, manages, write, remove }) {
  const { team_id: id, name } = team;
  const [isAsked, setAsked] = useState(false);
  const who = members.filter((one) => team.members.includes(one.user_id)).map((one) => one.name);
  const numbers = scope.numbers.filter((one) => team.numbers.includes(one.phone_number_id)).map(numberText);
  return html`
    <li data-team=${id}>
      <div class="account-who">
        <bdi>${name}</bdi>
        <span class="quiet">${who.length > 0 ? list(who) : t('teams.nobody')}</span>
        <span class="quiet">${numbers.length > 0 ? list(numbers) : t('teams.no_number')}</span>
      </div>
      ${manages &&
      (isAsked
        ? html`<${Question} name=${name} remove=${remove} onKeep=${() => setAsked(false)} />`
        : html`
            <div class="account-do">
              <${Press} label=${t('teams.change')} name=${t('teams.change_one', { name })} run=${write} />
              <${Press} label=${t('teams.remove')} name=${t('teams.remove_one', { name })} run=${() => setAsked(true)} />
            </div>
          `)}
    </li>
  `;
}

function Question({ name, remove, onKeep }) {
  const focus = useFocus();
  return html`
    <div class="account-question">
      <p>${t('teams.ask', { name })}</p>
      <${Press} label=${t('teams.remove')} name=${t('teams.remove_yes', { name })} tone="danger" run=${remove} />
      <${Press} label=${t('team.keep')} name=${t('team.keep_one', { name })} run=${onKeep} focus=${focus} />
    </div>
  `;
}

function Write({ team, scope, members, save, onCancel }) {
  const focus = useFocus();
  return html`
    <${Form} label=${t('teams.save')} run=${save} onCancel=${onCancel}>
      <${Field} label=${t('teams.name')} name="name" required maxlength="100" autocomplete="off" defaultValue=${team.name ?? ''} inputRef=${focus} />
      <${Boxes} legend=${t('teams.members')} name="members" options=${members.map((one) => [one.user_id, one.name])} chosen=${team.members ?? []} />
      <${Boxes} legend=${t('limit.numbers')} name="numbers" options=${scope.numbers.map((one) => [one.phone_number_id, numberText(one)])} chosen=${team.numbers ?? []} />
    <//>
  `;
}
