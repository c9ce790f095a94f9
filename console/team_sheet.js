// The dialog of the team: its members, open invitations, and for whoever manages it a form that invites.

import { roleAllows, roleName, rolesGivenBy, sentenceOf } from './account.js';
import { fill, h, setText } from './dom.js';
import { accountForm, emailField } from './fields.js';
import { nodes, t } from './language.js';
import { face } from './people.js';
import { exact } from './time.js';

export class TeamSheet {
  #dialogs;
  #account;
  #say;
  #copy;
  #changed;
  #me;
  #members = [];
  #invitations = [];
  /** What is asked before it is done: `{user_id, role}` for another role, `{user_id}` for removing. */
  #asked = null;
  #rows = h('ul', { class: 'account-rows' });
  #open = h('ul', { class: 'account-rows' });
  #openTitle = h('h3', { hidden: true }, t('team.open'));
  #status = h('p', { class: 'quiet', role: 'status' });
  #problem = h('p', { class: 'sheet-problem', role: 'alert' });
  #invite = h('button', { type: 'button', class: 'primary', onclick: () => this.#write() }, t('team.invite'));
  #again = h('button', { type: 'button', class: 'plain', hidden: true, onclick: () => this.#load() }, t('any.try_again'));

  /** `copy(text)` copies it; `changed()` is called when the team is another one. */
  constructor({ dialogs, account, say, copy, changed }) {
    this.#dialogs = dialogs;
    this.#account = account;
    this.#say = say;
    this.#copy = copy;
    this.#changed = changed;
  }

  /** Opens it for somebody: `{user, role}`. */
  open(person) {
    this.#me = { id: person.user.user_id, gives: rolesGivenBy(person.role) };
    this.#show();
    return this.#load();
  }

  get #manages() {
    return this.#me.gives.length > 0;
  }

  #show() {
    this.#asked = null;
    setText(this.#problem, '');
    this.#dialogs.show(
      t('menu.team'),
      [
        h('p', { class: 'sheet-bar' }, this.#manages ? this.#invite : null, this.#again, this.#status),
        this.#problem,
        this.#rows,
        this.#openTitle,
        this.#open,
      ],
      { kind: 'wide' },
    );
    this.#render();
    if (this.#manages) this.#invite.focus({ preventScroll: true });
  }

  async #load() {
    this.#again.hidden = true;
    if (this.#members.length === 0) setText(this.#status, t('any.loading'));
    try {
      const invitations = this.#manages ? this.#account.invitations() : [];
      [this.#members, this.#invitations] = await Promise.all([this.#account.team(), invitations]);
      setText(this.#status, '');
    } catch (error) {
      setText(this.#status, sentenceOf(error));
      this.#again.hidden = false;
    }
    this.#render();
  }

  // --- who is there ------------------------------------------------------------------------------------------------

  #render() {
    fill(this.#rows, this.#members.map((member) => this.#member(member)));
    fill(this.#open, this.#invitations.map((one) => this.#invitation(one)));
    this.#openTitle.hidden = this.#invitations.length === 0;
  }

  #member(member) {
    const { user_id: id, name, email, role } = member;
    const isMe = id === this.#me.id;
    const asked = this.#asked?.user_id === id ? this.#asked : null;
    return h(
      'li',
      { 'data-user': id },
      face(name, id, 'small'),
      h('div', { class: 'account-who' }, h('span', null, isMe ? nodes('any.you', { name: h('bdi', null, name) }) : h('bdi', null, name)), h('bdi', { class: 'quiet' }, email)),
      asked ? this.#question(member, asked, isMe) : this.#controls(member, isMe, role),
    );
  }

  #controls(member, isMe, role) {
    const { name } = member;
    const gives = this.#me.gives.includes(role);
    const select = gives
      ? h(
          'select',
          { 'aria-label': t('team.role_of', { name }), onchange: () => this.#ask({ user_id: member.user_id, role: select.value }) },
          this.#me.gives.map((one) => h('option', { value: one, selected: one === role }, roleName(one))),
        )
      : h('span', { class: 'account-role' }, roleName(role));
    const remove = this.#press(t(isMe ? 'team.leave' : 'team.remove'), isMe ? t('team.leave_team') : t('team.remove_one', { name }), () =>
      this.#ask({ user_id: member.user_id }),
    );
    return h('div', { class: 'account-do' }, select, gives || isMe ? remove : null);
  }

  #question(member, asked, isMe) {
    const { name, user_id: id } = member;
    const who = { name: h('bdi', null, name) };
    const text = asked.role
      ? nodes(isMe ? 'team.ask_own_role' : 'team.ask_role', { ...who, role: h('strong', null, roleName(asked.role)), allows: roleAllows(asked.role) })
      : nodes(isMe ? 'team.ask_leave' : 'team.ask_remove', who);
    const run = asked.role
      ? () => this.#do(() => this.#account.setRole(id, asked.role), t('team.role_changed', { name, role: roleName(asked.role) }))
      : () => this.#do(() => this.#account.removeMember(id), isMe ? t('team.left') : t('team.removed', { name }));
    const label = t(asked.role ? 'team.change_role' : isMe ? 'team.leave' : 'team.remove');
    return h(
      'div',
      { class: 'account-question' },
      h('p', null, text),
      this.#press(label, `${label}: ${name}`, run, asked.role ? '' : 'danger'),
      this.#press(t('team.keep'), t('team.keep_one', { name }), () => this.#ask(null, id)),
    );
  }

  /** Asks before something is done, or does not ask any more. The focus goes to the harmless button. */
  #ask(asked, id = asked.user_id) {
    this.#asked = asked;
    setText(this.#problem, '');
    this.#render();
    this.#rows.querySelector(`[data-user="${CSS.escape(id)}"] :is(button, select):last-child`)?.focus();
  }

  async #do(run, done) {
    this.#asked = null;
    try {
      await run();
      this.#say(done, 'good');
      this.#changed();
    } catch (error) {
      setText(this.#problem, sentenceOf(error));
    }
    await this.#load();
    if (this.#rows.isConnected) this.#invite.focus({ preventScroll: true });
  }

  #press(label, name, run, tone = '') {
    return h('button', { type: 'button', class: `plain ${tone}`, 'aria-label': name, onclick: run }, label);
  }

  // --- invitations -------------------------------------------------------------------------------------------------

  #invitation({ invitation_id: id, email, role, by, expires }) {
    const until = { role: roleName(role), when: exact(expires) };
    const inviter = this.#members.find((member) => member.user_id === by)?.name;
    return h(
      'li',
      { 'data-invitation': id },
      h(
        'div',
        { class: 'account-who' },
        h('bdi', null, email),
        h('span', { class: 'quiet' }, inviter ? nodes('team.invited_by', { ...until, name: h('bdi', null, inviter) }) : t('team.invited', until)),
      ),
      this.#me.gives.includes(role)
        ? h(
            'div',
            { class: 'account-do' },
            this.#press(t('team.withdraw'), t('team.withdraw_one', { email }), () =>
              this.#do(() => this.#account.withdrawInvitation(id), t('team.withdrawn')),
            ),
          )
        : null,
    );
  }

  #write() {
    const address = emailField(t('team.email'));
    address.input.autocomplete = 'off';
    const role = h(
      'select',
      { id: 'invite-role' },
      this.#me.gives.map((one) => h('option', { value: one, selected: one === 'agent' }, t('team.role_allows', { role: roleName(one), allows: roleAllows(one) }))),
    );
    const begun = () => address.input.value !== '';
    const back = () => {
      this.#show();
      this.#load();
    };
    const form = accountForm({
      parts: [address.node, h('div', null, h('label', { for: 'invite-role' }, t('team.role')), role)],
      fields: [address],
      label: t('team.make_link'),
      busy: t('team.making_link'),
      run: async () => {
        const made = await this.#account.invite(address.input.value.trim(), role.value);
        // Whoever pressed Cancel meanwhile finds the invitation in the list, and may make a new link.
        if (form.isConnected) this.#made(made, back);
      },
      explain: (error) => ({
        text: sentenceOf(error),
        ...(['already_member', 'invalid_request'].includes(error.code) && { field: address }),
      }),
      also: [h('button', { type: 'button', class: 'plain', onclick: back }, t('any.cancel'))],
    });
    const escape = () => {
      if (begun()) address.refuse(t('team.not_invited'));
      else back();
    };
    this.#dialogs.show(t('team.invite'), form, { closable: false, escape });
    address.input.focus();
  }

  #made({ link, email, expires }, back) {
    const text = h('input', { type: 'text', readonly: true, value: link, 'aria-label': t('team.link'), dir: 'ltr' });
    const copy = h('button', { type: 'button', class: 'primary', onclick: () => this.#copy(link) }, t('team.copy_link'));
    this.#dialogs.show(
      t('team.send_link'),
      [
        h('p', null, nodes('team.link_about', { email: h('bdi', null, email), when: exact(expires) })),
        h('p', { class: 'pair link-row' }, text, copy),
        h('p', { class: 'quiet' }, t('team.link_once')),
        h('p', { class: 'sheet-foot' }, h('button', { type: 'button', class: 'plain', onclick: back }, t('any.done'))),
      ],
      { closable: false, escape: back },
    );
    copy.focus();
  }
}
