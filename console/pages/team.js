// The team: its members, open invitations, and for whoever manages it a form that invites.

import { ownRefusal, roleAllows, roleName, rolesGivenBy } from '../account.js';
import { nodes, t } from '../language.js';
import { Face } from '../parts.js';
import { exact } from '../time.js';
import { html, useLayoutEffect, useRef, useState } from '../view.js';
import { LimitFields, isLimitable, limitText, wantedLimit } from './limit_fields.js';
import { Teams } from './teams.js';
import { Choice, Copied, Field, Form, Head, Loading, OwnProof, Press, ProofAlong, useChange, useFocus, useLoaded } from './parts.js';

const bold = (name) => html`<bdi>${name}</bdi>`;

export default function Team({ page, context }) {
  const { account, ask, say, copy, teamChanged, again, leave: goAway } = context;
  const { user, role, has_second_factor: withCode } = context.person();
  const gives = rolesGivenBy(role);
  const manages = gives.length > 0;
  const loaded = useLoaded(async () => {
    const [members, invitations] = await Promise.all([account.team(), manages ? account.invitations() : []]);
    return { members, invitations };
  });
  // Null where the gateway knows no teams: then nobody is limited either.
  const scope = useLoaded(async () => {
    try {
      const [{ teams }, { numbers }] = await Promise.all([ask('GET', '/v1/teams'), ask('GET', '/v1/numbers')]);
      return { teams, numbers };
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  });
  // What is written: nothing, an invitation, or the link of one that was made.
  const [written, setWritten] = useState(null);
  const invite = useRef(null);
  /** Shows what has changed. */
  const changed = async () => {
    teamChanged();
    await loaded.load();
    invite.current?.focus({ preventScroll: true });
  };
  const leave = () => {
    setWritten(null);
    loaded.load();
  };
  // The button is there again only after this render.
  useLayoutEffect(() => {
    if (written === null && loaded.data) invite.current?.focus({ preventScroll: true });
  }, [written]);
  const { members = [], invitations = [] } = loaded.data ?? {};
  return html`
    <${Head} page=${page}>
      ${manages && !written && html`<button type="button" class="primary" ref=${invite} onclick=${() => setWritten({})}>${t('team.invite')}</button>`}
    <//>
    ${written?.link && html`<${Made} made=${written} copy=${copy} onDone=${leave} />`}
    ${written && !written.link && html`<${Invite} account=${account} withCode=${withCode} gives=${gives} scope=${scope.data} onMade=${setWritten} onCancel=${leave} />`}
    <${Loading} loaded=${loaded} />
    ${loaded.data &&
    html`
      <section class="card">
        <ul class="account-rows">
          ${members.map(
            (member) => html`
              <${Member}
                key=${member.user_id}
                ...${{ member, members, gives, account, say, changed, goAway, withCode, scope: scope.data }}
                isMe=${member.user_id === user.user_id}
                handOver=${role === 'owner' && member.user_id !== user.user_id && (async (proof) => (await account.handOver(member.user_id, proof), again()))}
              />
            `,
          )}
        </ul>
      </section>
    `}
    ${scope.data && loaded.data && html`<${Teams} scope=${scope.data} members=${members} manages=${manages} ask=${ask} say=${say} load=${scope.load} />`}
    ${invitations.length > 0 &&
    html`
      <section class="card">
        <h2>${t('team.open')}</h2>
        <ul class="account-rows">
          ${invitations.map(
            (one) => html`<${Invitation} key=${one.invitation_id} ...${{ one, members, gives, scope: scope.data, account, say, changed }} />`,
          )}
        </ul>
      </section>
    `}
  `;
}

function Member({ member, members, gives, isMe, account, say, changed, goAway, handOver, withCode, scope }) {
  const { user_id: id, name, email, role } = member;
  /** What is asked before it is done: `{role}` for another role, `{owner}` for handing ownership over, `{limit}` for what the member sees, `{}` for removing. */
  const [asked, setAsked] = useState(null);
  const select = useRef(null);
  const keep = () => {
    const wasRole = asked?.role;
    setAsked(null);
    if (!select.current) return;
    select.current.value = role;
    if (wasRole) select.current.focus();
  };
  // Going through the roles with the arrow keys asks about each, and takes the focus to none.
  const choose = ({ currentTarget: { value } }) => setAsked(value === role ? null : { role: value });
  return html`
    <li data-user=${id}>
      <${Face} name=${name} id=${id} size="small" />
      <div class="account-who">
        <span>${isMe ? nodes('any.you', { name: bold(name) }) : bold(name)}</span>
        <bdi class="quiet">${email}</bdi>
        ${member.is_provisioned && html`<span class="quiet">${t('team.provisioned')}</span>`}
        ${scope && member.limit && html`<span class="quiet">${limitText(member.limit, scope)}</span>`}
      </div>
      ${asked?.limit
        ? html`<${Limit} ...${{ member, scope, account, say, changed, keep }} />`
        : asked?.owner
        ? html`<${HandOver} name=${name} handOver=${handOver} withCode=${withCode} keep=${keep} />`
        : (!asked || asked.role) &&
          html`
            <div class="account-do">
              ${gives.includes(role)
                ? html`
                    <select ref=${select} aria-label=${t('team.role_of', { name })} onchange=${choose}>
                      ${gives.map((one) => html`<option key=${one} value=${one} selected=${one === (asked?.role ?? role)}>${roleName(one)}</option>`)}
                    </select>
                  `
                : html`<span class="account-role">${roleName(role)}</span>`}
              ${!asked && scope && gives.includes(role) && isLimitable(role) && html`<${Press} label=${t('limit.change')} name=${t('limit.change_of', { name })} run=${() => setAsked({ limit: true })} />`}
              ${!asked && handOver && html`<${Press} label=${t('team.hand_over')} name=${t('team.hand_over_to', { name })} run=${() => setAsked({ owner: true })} />`}
              ${!asked &&
              (gives.includes(role) || isMe) &&
              html`<${Press} label=${t(isMe ? 'team.leave' : 'team.remove')} name=${isMe ? t('team.leave_team') : t('team.remove_one', { name })} run=${() => setAsked({})} />`}
            </div>
          `}
      ${asked && !asked.limit && !asked.owner && html`<${Question} ...${{ member, members, asked, isMe, account, say, changed, goAway, withCode, keep }} />`}
    </li>
  `;
}

/** What a member sees: all numbers, or some. */
function Limit({ member, scope, account, say, changed, keep }) {
  const { user_id: id, name, role, limit } = member;
  const set = async (values) => {
    await account.setRole(id, role, undefined, wantedLimit(values));
    say(t('limit.changed', { name }), 'good');
    keep();
    await changed();
  };
  return html`
    <div class="account-question hand-over">
      <${Form} label=${t('any.save')} run=${set} onCancel=${keep}><${LimitFields} scope=${scope} limit=${limit ?? null} /><//>
    </div>
  `;
}

/** Asks for the password before somebody else becomes the owner, and says what changes for both. */
function HandOver({ name, handOver, withCode, keep }) {
  const focus = useFocus();
  return html`
    <div class="account-question hand-over">
      <p>${nodes('team.ask_hand_over', { name: bold(name), owner: roleAllows('owner'), admin: roleAllows('admin') })}</p>
      <${Form}
        label=${t('team.hand_over')}
        run=${handOver}
        onCancel=${keep}
        explain=${ownRefusal}
      >
        <${OwnProof} withCode=${withCode} inputRef=${focus} />
      <//>
    </div>
  `;
}

/** Asks before something is done. The focus goes to the harmless button, but for a role, which is still being chosen. */
function Question({ member, members, asked, isMe, account, say, changed, goAway, withCode, keep }) {
  const { user_id: id, name } = member;
  const [heir, setHeir] = useState('');
  const [proof, setProof] = useState({});
  // Who is an owner is not changed by whoever finds a page open.
  const isConfirmed = member.role === 'owner' || asked.role === 'owner';
  const harmless = useFocus();
  const { run, problem } = useChange(say, ownRefusal);
  const others = members.filter((one) => one.user_id !== id && one.role !== 'read_only');
  const text = asked.role
    ? nodes(isMe ? 'team.ask_own_role' : 'team.ask_role', { name: bold(name), role: html`<strong>${roleName(asked.role)}</strong>`, allows: roleAllows(asked.role) })
    : nodes(isMe ? 'team.ask_leave' : 'team.ask_remove', { name: bold(name) });
  const done = asked.role ? t('team.role_changed', { name, role: roleName(asked.role) }) : t(isMe ? 'team.left' : 'team.removed', { name });
  const work = async () => {
    if (asked.role) return account.setRole(id, asked.role, proof);
    const { keys = [] } = await account.removeMember(id, heir || undefined, proof);
    // They go on to work: whoever may revoke them is told, and the line stays until it is closed.
    if (keys.length > 0 && !isMe) say(t('team.keys_left', { name, keys: keys.map((key) => key.name).join(', ') }), 'bad');
    return undefined;
  };
  const go = async () => {
    if (!(await run(work, done))) return undefined;
    // One's own session in this team is over.
    if (isMe) return goAway();
    keep();
    return changed();
  };
  const label = t(asked.role ? 'team.change_role' : isMe ? 'team.leave' : 'team.remove');
  return html`
    <div class="account-question">
      <p>${text}</p>
      ${!asked.role &&
      others.length > 0 &&
      html`
        <${Choice}
          label=${t('team.heir')}
          chosen=${heir}
          options=${[['', t('team.no_heir')], ...others.map((one) => [one.user_id, one.name])]}
          onchange=${(event) => setHeir(event.currentTarget.value)}
        />
      `}
      ${isConfirmed && html`<${ProofAlong} withCode=${withCode} onChange=${setProof} />`}
      <${Press}
        label=${label}
        name=${`${label}: ${name}`}
        tone=${asked.role ? '' : 'danger'}
        run=${go}
      />
      <${Press} label=${t('team.keep')} name=${t('team.keep_one', { name })} run=${keep} focus=${asked.role ? undefined : harmless} />
      <p class="page-problem" role="alert">${problem}</p>
    </div>
  `;
}

function Invitation({ one, members, gives, scope, account, say, changed }) {
  const { invitation_id: id, email, role, by, expires, limit } = one;
  const { run, problem } = useChange(say);
  const withdraw = async () => (await run(() => account.withdrawInvitation(id), t('team.withdrawn'))) && changed();
  const inviter = members.find((member) => member.user_id === by)?.name;
  const values = { role: roleName(role), when: exact(expires), name: inviter && bold(inviter) };
  return html`
    <li data-invitation=${id}>
      <div class="account-who">
        <bdi>${email}</bdi>
        <span class="quiet">${nodes(inviter ? 'team.invited_by' : 'team.invited', values)}</span>
        ${scope && limit && html`<span class="quiet">${limitText(limit, scope)}</span>`}
      </div>
      ${gives.includes(role) &&
      html`
        <div class="account-do">
          <${Press}
            label=${t('team.withdraw')}
            name=${t('team.withdraw_one', { email })}
            run=${withdraw}
          />
          <p class="page-problem" role="alert">${problem}</p>
        </div>
      `}
    </li>
  `;
}

function Invite({ account, gives, withCode, scope, onMade, onCancel }) {
  const focus = useFocus();
  const [role, setRole] = useState('agent');
  return html`
    <section class="card" aria-labelledby="invite-title">
      <h2 id="invite-title">${t('team.invite')}</h2>
      <${Form}
        label=${t('team.make_link')}
        busy=${t('team.making_link')}
        explain=${ownRefusal}
        run=${async (values) => onMade(await account.invite(values.email, values.role, values, scope && isLimitable(values.role) ? wantedLimit(values) : undefined))}
        onCancel=${onCancel}
      >
        <${Field}
          label=${t('team.email')}
          kind="email"
          name="email"
          required
          maxlength="254"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          inputRef=${focus}
        />
        <${Choice} label=${t('team.role')} name="role" chosen=${role} onchange=${(event) => setRole(event.currentTarget.value)} options=${gives.map((one) => [one, t('team.role_allows', { role: roleName(one), allows: roleAllows(one) })])} />
        ${scope && isLimitable(role) && html`<${LimitFields} scope=${scope} limit=${null} />`}
        ${role === 'owner' && html`<${OwnProof} withCode=${withCode} />`}
      <//>
    </section>
  `;
}

function Made({ made, copy, onDone }) {
  const { link, email, expires, mailed } = made;
  return html`
    <section class="card" aria-labelledby="made-title">
      <h2 id="made-title">${t('team.send_link')}</h2>
      <p>${nodes(mailed ? 'team.mailed' : 'team.link_about', { email: bold(email), when: exact(expires) })}</p>
      <${Copied} label=${t('team.link')} text=${link} copy=${copy} />
      <p class="quiet">${t('team.link_once')}</p>
      <p class="form-foot"><button type="button" class="plain" onclick=${onDone}>${t('any.done')}</button></p>
    </section>
  `;
}
