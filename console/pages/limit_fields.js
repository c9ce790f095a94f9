// What a member may see: all numbers of the business, or those that are named, by themselves and by teams.

import { ApiError } from '../http.js';
import { list, t } from '../language.js';
import { html, useState } from '../view.js';
import { Choice } from './parts.js';

/** Whether members with this role may be limited: owners and admins see everything. */
export function isLimitable(role) {
  return ['supervisor', 'agent', 'read_only'].includes(role);
}

/** The limit that a form with these fields means; null for all numbers. */
export function limitOf({ sees, limit_numbers: numbers = [], limit_teams: teams = [] }) {
  return sees === 'some' ? { numbers, teams } : null;
}

/** The same, where something has to be chosen of what is to be seen. */
export function wantedLimit(values) {
  const limit = limitOf(values);
  if (limit && limit.numbers.length + limit.teams.length === 0) throw new ApiError(0, 'nothing_chosen', t('limit.choose'));
  return limit;
}

/** How people write a number. */
export function numberText({ phone_number_id: id, display_phone_number: display }) {
  return display || id;
}

/** A limit in words. */
export function limitText({ numbers, teams }, scope) {
  const named = [
    ...scope.teams.filter((one) => teams.includes(one.team_id)).map(({ name }) => name),
    ...scope.numbers.filter((one) => numbers.includes(one.phone_number_id)).map(numberText),
  ];
  return named.length > 0 ? t('limit.sees', { what: list(named) }) : t('limit.sees_nothing');
}

/** Boxes of one name. */
export function Boxes({ legend, name, options, chosen }) {
  return html`
    <fieldset class="field whole choices">
      <legend>${legend}</legend>
      ${options.length === 0 && html`<p class="quiet">${t('limit.none')}</p>`}
      ${options.map(
        ([value, text]) => html`
          <label key=${value}><input type="checkbox" name=${name} value=${value} defaultChecked=${chosen.includes(value)} /><bdi>${text}</bdi></label>
        `,
      )}
    </fieldset>
  `;
}

export function LimitFields({ scope, limit }) {
  const [sees, setSees] = useState(limit === null ? 'all' : 'some');
  return html`
    <${Choice} label=${t('limit.title')} name="sees" chosen=${sees} options=${['all', 'some'].map((one) => [one, t(`limit.${one}`)])} onchange=${(event) => setSees(event.currentTarget.value)} />
    ${sees === 'some' &&
    html`
      <${Boxes} legend=${t('limit.numbers')} name="limit_numbers" options=${scope.numbers.map((one) => [one.phone_number_id, numberText(one)])} chosen=${limit?.numbers ?? []} />
      <${Boxes} legend=${t('teams.title')} name="limit_teams" options=${scope.teams.map((one) => [one.team_id, one.name])} chosen=${limit?.teams ?? []} />
    `}
  `;
}
