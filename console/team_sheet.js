// The dialog of the team: its members, open invitations, and for whoever manages it a form that invites.

import { ROLES, roleName, rolesGivenBy, sentenceOf } from './account.js';
import { fill, h, setText } from './dom.js';
import { accountForm, emailField } from './fields.js';
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
  #openTitle = h('h3', { hidden: true }, 'Invitations that nobody has accepted yet');
  #status = h('p', { class: 'quiet', role: 'status' });
  #problem = h('p', { class: 'sheet-problem', role: 'alert' });
  #invite = h('button', { type: 'button', class: 'primary', onclick: () => this.#write() }, 'Invite somebody');
  #again = h('button', { type: 'button', class: 'plain', hidden: true, onclick: () => this.#load() }, 'Try again');

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
      'Team',
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
    if (this.#members.length === 0) setText(this.#status, 'Loading…');
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
      h('div', { class: 'account-who' }, h('span', null, h('bdi', null, name), isMe ? ' (you)' : null), h('bdi', { class: 'quiet' }, email)),
      asked ? this.#question(member, asked, isMe) : this.#controls(member, isMe, role),
    );
  }

  #controls(member, isMe, role) {
    const { name } = member;
    const gives = this.#me.gives.includes(role);
    const select = gives
      ? h(
          'select',
          { 'aria-label': `Role of ${name}`, onchange: () => this.#ask({ user_id: member.user_id, role: select.value }) },
          this.#me.gives.map((one) => h('option', { value: one, selected: one === role }, roleName(one))),
        )
      : h('span', { class: 'account-role' }, roleName(role));
    const remove = this.#press(isMe ? 'Leave' : 'Remove', `${isMe ? 'Leave the team' : `Remove ${name}`}`, () =>
      this.#ask({ user_id: member.user_id }),
    );
    return h('div', { class: 'account-do' }, select, gives || isMe ? remove : null);
  }

  #question(member, asked, isMe) {
    const { name, user_id: id } = member;
    const signed = isMe ? 'You are signed out.' : 'The member is signed out.';
    const text = asked.role
      ? [isMe ? 'Be ' : [h('bdi', null, name), ' becomes '], h('strong', null, roleName(asked.role)), `: ${ROLES[asked.role].allows}. ${signed}`]
      : [isMe ? 'Leave the team? ' : ['Remove ', h('bdi', null, name), '? '], `${signed} Conversations stay assigned as they are.`];
    const run = asked.role
      ? () => this.#do(() => this.#account.setRole(id, asked.role), `${name}: ${roleName(asked.role)}`)
      : () => this.#do(() => this.#account.removeMember(id), isMe ? 'You left the team' : `${name} is out of the team`);
    const label = asked.role ? 'Change the role' : isMe ? 'Leave' : 'Remove';
    return h(
      'div',
      { class: 'account-question' },
      h('p', null, text),
      this.#press(label, `${label}: ${name}`, run, asked.role ? '' : 'danger'),
      this.#press('Keep as it is', `Keep ${name} as it is`, () => this.#ask(null, id)),
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
    const inviter = this.#members.find((member) => member.user_id === by)?.name;
    return h(
      'li',
      { 'data-invitation': id },
      h(
        'div',
        { class: 'account-who' },
        h('bdi', null, email),
        h('span', { class: 'quiet' }, `${roleName(role)}, until ${exact(expires)}`, inviter ? [', invited by ', h('bdi', null, inviter)] : null),
      ),
      this.#me.gives.includes(role)
        ? h(
            'div',
            { class: 'account-do' },
            this.#press('Take back', `Take back the invitation of ${email}`, () =>
              this.#do(() => this.#account.withdrawInvitation(id), 'The link works no more'),
            ),
          )
        : null,
    );
  }

  #write() {
    const address = emailField('E-mail of the person');
    address.input.autocomplete = 'off';
    const role = h(
      'select',
      { id: 'invite-role' },
      this.#me.gives.map((one) => h('option', { value: one, selected: one === 'agent' }, `${roleName(one)}: ${ROLES[one].allows}`)),
    );
    const begun = () => address.input.value !== '';
    const back = () => {
      this.#show();
      this.#load();
    };
    const form = accountForm({
      parts: [address.node, h('div', null, h('label', { for: 'invite-role' }, 'Role'), role)],
      fields: [address],
      label: 'Make the link',
      busy: 'Making…',
      run: async () => {
        const made = await this.#account.invite(address.input.value.trim(), role.value);
        // Whoever pressed Cancel meanwhile finds the invitation in the list, and may make a new link.
        if (form.isConnected) this.#made(made, back);
      },
      explain: (error) => ({
        text: sentenceOf(error),
        ...(['already_member', 'invalid_request'].includes(error.code) && { field: address }),
      }),
      also: [h('button', { type: 'button', class: 'plain', onclick: back }, 'Cancel')],
    });
    const escape = () => {
      if (begun()) address.refuse('Nobody is invited yet. Make the link, or cancel.');
      else back();
    };
    this.#dialogs.show('Invite somebody', form, { closable: false, escape });
    address.input.focus();
  }

  #made({ link, email, expires }, back) {
    const text = h('input', { type: 'text', readonly: true, value: link, 'aria-label': 'Link of the invitation', dir: 'ltr' });
    const copy = h('button', { type: 'button', class: 'primary', onclick: () => this.#copy(link) }, 'Copy the link');
    this.#dialogs.show(
      'Send this link',
      [
        h('p', null, 'Send it to ', h('bdi', null, email), ' yourself. It works once, until ', exact(expires), ', and lets in whoever has it.'),
        h('p', { class: 'pair link-row' }, text, copy),
        h('p', { class: 'quiet' }, 'It is shown only now. Invite the person again for a new one; this one is over then.'),
        h('p', { class: 'sheet-foot' }, h('button', { type: 'button', class: 'plain', onclick: back }, 'Done')),
      ],
      { closable: false, escape: back },
    );
    copy.focus();
  }
}
