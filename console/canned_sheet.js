// The dialog of the canned replies: all of them, a form for one, and a question before one is deleted.

import { isShortcut, sentenceOf } from './canned.js';
import { unknownHole } from './canned_fill.js';
import { Cache, fill, h, setText } from './dom.js';
import { ApiError } from './http.js';
import { icon } from './icons.js';
import { nodes, t } from './language.js';

const MOST = 4096;

export class CannedSheet {
  #dialogs;
  #replies;
  #say;
  #rows = h('ul', { class: 'canned-rows' });
  #status = h('p', { class: 'quiet', role: 'status' });
  #problem = h('p', { class: 'sheet-problem', role: 'alert' });
  #again = h('button', { type: 'button', class: 'plain', onclick: () => this.#replies.load() }, t('any.try_again'));
  #add = h('button', { type: 'button', class: 'primary', onclick: () => this.#write({}) }, t('canned.new'));
  /** The key of the one that is to be deleted, before that is confirmed. */
  #asked = null;
  #nodes = new Cache();
  #mayBePrivate;

  /** `mayBePrivate()` says whether somebody is here who can have replies of their own. */
  constructor({ dialogs, replies, say, mayBePrivate }) {
    this.#mayBePrivate = mayBePrivate;
    this.#dialogs = dialogs;
    this.#replies = replies;
    this.#say = say;
  }

  /** Opens it; with a form for a new one if `add` says how that begins: `{shortcut, text}`. */
  open({ add }) {
    this.#replies.load();
    if (add) this.#write(add, { then: () => this.#dialogs.close() });
    else this.#list();
  }

  /** Opens it with a form for the text of one that there is. */
  edit(reply) {
    this.#write(reply, { isKnown: true, then: () => this.#dialogs.close() });
  }

  // --- all of them -------------------------------------------------------------------------------------------------

  #list() {
    this.#asked = null;
    setText(this.#problem, '');
    this.#dialogs.show(t('canned.title'), [
      h('p', { class: 'quiet' }, t('canned.about')),
      h('p', { class: 'canned-head' }, this.#add, this.#again, this.#status),
      this.#problem,
      this.#rows,
    ]);
    this.render();
    this.#add.focus({ preventScroll: true });
  }

  /** Brings the list up to date with what is known. */
  render() {
    if (!this.#rows.isConnected) return;
    const { all, state, failed, loading } = this.#replies;
    fill(
      this.#rows,
      all.map((reply) => {
        const asked = keyOf(reply) === this.#asked;
        const isRemovable = this.#replies.isRemovable(reply);
        return this.#nodes.get(keyOf(reply), [reply.text, asked, isRemovable], () => this.#row(reply, asked, isRemovable));
      }),
    );
    this.#nodes.sweep();
    const lost = failed && !loading;
    this.#again.hidden = !lost;
    setText(
      this.#status,
      lost
        ? t('canned.not_loaded')
        : state === 'unknown'
          ? t('any.loading')
          : all.length === 0
            ? t('canned.none_yet')
            : '',
    );
  }

  #row(reply, asked, isRemovable) {
    const { shortcut, text, private: isPrivate } = reply;
    const button = (label, name, run, tone = '') =>
      h('button', { type: 'button', class: `plain ${tone}`, 'aria-label': name, onclick: run }, label);
    return h(
      'li',
      { 'data-key': keyOf(reply) },
      h('span', { class: 'canned-shortcut' }, `/${shortcut}`),
      h('p', { class: 'canned-text', dir: 'auto' }, text),
      isPrivate ? h('p', { class: 'quiet' }, icon('lock'), ' ', t('canned.private')) : null,
      asked
        ? h(
            'div',
            { class: 'canned-decide' },
            h('span', null, t(isPrivate ? 'canned.delete_own' : 'canned.delete_all')),
            button(t('canned.delete'), t('canned.delete_one', { shortcut }), () => this.#remove(reply), 'danger'),
            button(t('canned.keep'), t('canned.keep_one', { shortcut }), () => this.#ask(null, reply)),
          )
        : h(
            'div',
            { class: 'canned-decide' },
            button(t('canned.edit'), t('canned.edit_one', { shortcut }), () => this.#write(reply, { isKnown: true })),
            isRemovable ? button(t('canned.delete'), t('canned.delete_one', { shortcut }), () => this.#ask(keyOf(reply), reply)) : null,
          ),
    );
  }

  /** Asks before it deletes one, or does not ask any more. The focus goes to the harmless button. */
  #ask(asked, reply) {
    this.#asked = asked;
    setText(this.#problem, '');
    this.render();
    this.#rows.querySelector(`[data-key="${keyOf(reply)}"] button:last-child`)?.focus();
  }

  async #remove(reply) {
    this.#asked = null;
    try {
      await this.#replies.remove(reply.shortcut);
      this.render();
      this.#add.focus({ preventScroll: true });
    } catch (error) {
      this.#ask(null, reply);
      setText(this.#problem, sentenceOf(error));
    }
  }

  // --- one of them -------------------------------------------------------------------------------------------------

  /** A form for a new one, or for the text of one that there is. */
  #write({ shortcut = '', text = '', private: wasPrivate = false }, { isKnown = false, then = () => this.#list() } = {}) {
    const { name, body } = fields(shortcut, text);
    const own = h('input', { type: 'checkbox', id: 'canned-own', checked: wasPrivate, 'aria-describedby': 'canned-own-hint' });
    const begun = body.value;
    const problem = h('p', { class: 'sheet-problem', role: 'alert', id: 'canned-problem' });
    const save = h('button', { class: 'primary' }, t('any.save'));
    let saves = false;
    // The button stays enabled: one that is disabled loses the focus.
    const saving = (on) => {
      saves = on;
      setText(save, t(on ? 'any.saving' : 'any.save'));
    };
    const refuse = (why, field) => {
      setText(problem, why);
      for (const one of [name, body]) one.setAttribute('aria-invalid', String(one === field));
      field?.focus();
    };
    const done = async (event) => {
      event.preventDefault();
      if (saves) return;
      const wanted = { shortcut: name.value.trim().replace(/^\//, '').toLowerCase(), text: body.value.trim() };
      const wrong = wrongIn(wanted);
      if (wrong) {
        refuse(wrong.why, wrong.of === 'shortcut' ? name : body);
        return;
      }
      saving(true);
      try {
        if (!isKnown) await this.#refuseTaken(wanted.shortcut, own.checked);
        await this.#replies.put(wanted.shortcut, wanted.text, { isPrivate: own.checked });
        this.#say(t('canned.saved', { shortcut: wanted.shortcut }), 'good');
        // Whoever pressed Cancel meanwhile is elsewhere.
        if (form.isConnected) then();
      } catch (error) {
        refuse(sentenceOf(error), error.code === 'taken' ? name : null);
      }
      saving(false);
    };
    // What was written is not thrown away by a key or a press beside the dialog.
    const escape = () => {
      if (name.value === shortcut && body.value === begun && own.checked === wasPrivate) then();
      else refuse(t('canned.unsaved'), null);
    };
    const form = h(
      'form',
      { onsubmit: done, novalidate: true },
      isKnown ? null : h('div', null, h('label', { for: 'canned-name' }, t('canned.shortcut')), name),
      h('div', null, h('label', { for: 'canned-body' }, t('canned.text')), body, h('p', { class: 'quiet', id: 'canned-variables' }, nodes('canned.variables', { holes: HOLES() }))),
      this.#mayBePrivate() && h('p', { class: 'canned-own' }, own, h('span', null, h('label', { for: 'canned-own' }, t('canned.own')), h('span', { class: 'quiet', id: 'canned-own-hint' }, t('canned.own_hint')))),
      problem,
      h(
        'p',
        { class: 'sheet-foot' },
        h('button', { type: 'button', class: 'plain', onclick: then }, t('any.cancel')),
        save,
      ),
    );
    this.#dialogs.show(isKnown ? t('canned.edit_one', { shortcut }) : t('canned.new'), form, { closable: false, escape });
    const first = isKnown || shortcut !== '' ? body : name;
    first.focus();
  }

  // What a colleague saved under the same shortcut is not replaced unseen, so the list is read again first.
  async #refuseTaken(shortcut, isPrivate) {
    await this.#replies.load();
    if (this.#replies.failed) throw new ApiError(0, 'unreachable', '');
    if (!this.#replies.get(shortcut, isPrivate)) return;
    throw new ApiError(409, 'taken', t('canned.taken', { shortcut }));
  }
}

// One's own may stand under a shortcut that everybody's has, too.
const keyOf = ({ shortcut, private: isPrivate }) => `${isPrivate ? 'own' : 'all'}-${shortcut}`;

/** What may stand in a text for the customer and the agent. */
const KNOWN = ['{{name}}', '{{agent}}', '{{attribute.…}}'];
const HOLES = () => h('code', { dir: 'ltr' }, KNOWN.join(' '));

function fields(shortcut, text) {
  const name = h('input', {
    type: 'text',
    id: 'canned-name',
    value: shortcut,
    placeholder: t('canned.example'),
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    'aria-describedby': 'canned-problem',
  });
  const body = h('textarea', { id: 'canned-body', dir: 'auto', rows: '6', 'aria-describedby': 'canned-variables canned-problem' });
  body.value = text;
  return { name, body };
}

function wrongIn({ shortcut, text }) {
  if (!isShortcut(shortcut)) return { of: 'shortcut', why: t('canned.shortcut_rule') };
  const length = [...text].length;
  if (length === 0) return { of: 'text', why: t('canned.empty') };
  if (length > MOST) return { of: 'text', why: t('canned.too_long', { count: length - MOST, most: MOST }) };
  const hole = unknownHole(text);
  return hole ? { of: 'text', why: t('canned.unknown_hole', { hole, holes: KNOWN.join(', ') }) } : null;
}
