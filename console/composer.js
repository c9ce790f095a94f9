// Where the agent writes: a reply to the customer, or a note for the other agents. One draft for each conversation.

import { fillIn, firstHole } from './canned_fill.js';
import { CannedList } from './canned_list.js';
import { fill, h, setText } from './dom.js';
import { icon } from './icons.js';
import { ComposerFiles } from './composer_files.js';
import { summaryOf } from './content.js';
import { delayOf } from './lanes.js';
import { nodes, number, t } from './language.js';
import { authorName, nameOf, typingText } from './people.js';
import { MOST, lengthOf, messageOf, sendable } from './reply_text.js';
import { moment, serviceWindow } from './time.js';

const COUNT_FROM = 3500;
const STOPPED_TYPING = 4_000;

export class Composer {
  #form;
  #desk;
  #view;
  #askTemplate;
  #changed;
  #canned;
  #drafts = new Map();
  #shown = null;
  #enterSends = true;
  #stopped = null;
  #parts;
  #files;

  /** `replies` are the canned ones; `manageReplies` opens their dialog; `attachments()` gives what files are attached with. */
  constructor({ form, desk, view, askTemplate, changed, replies, manageReplies, attachments }) {
    this.#form = form;
    this.#desk = desk;
    this.#view = view;
    this.#askTemplate = askTemplate;
    this.#changed = changed;
    this.#build(replies, manageReplies, attachments);
  }

  #build(replies, manage, attachments) {
    const tab = (mode, label, key) =>
      h(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: `tab-${mode}`,
          'aria-controls': 'write',
          title: t('any.with_key', { label, key: `Alt+${key}` }),
          onclick: () => this.mode(mode),
        },
        label,
      );
    const parts = {
      bar: h('div', { class: 'bar', role: 'alert', hidden: true }),
      delay: h('p', { class: 'delay', id: 'delay', role: 'status', hidden: true }),
      quote: h('div', { class: 'quoting', hidden: true }),
      reply: tab('reply', t('write.reply'), 'L'),
      note: tab('note', t('write.note'), 'P'),
      typing: h('span', { class: 'others', 'aria-live': 'polite' }),
      count: h('span', { class: 'length', id: 'length' }),
      enter: h('button', { type: 'button', class: 'enter', onclick: () => this.#toggleEnter() }),
      text: h('textarea', {
        id: 'write',
        dir: 'auto',
        rows: '1',
        enterkeyhint: 'send',
        'aria-describedby': 'closed delay length',
      }),
      send: h('button', { type: 'submit', class: 'send' }, icon('send')),
      template: h('button', { type: 'button', class: 'canned-open', 'aria-label': t('template.send'), title: t('template.send'), onclick: () => this.#askTemplate() }, icon('template')),
      refusal: h('p', { class: 'delay', role: 'alert', hidden: true }),
      closed: h('p', { class: 'closed', id: 'closed', hidden: true }),
    };
    this.#parts = parts;
    const modes = h('div', { class: 'modes', role: 'tablist', 'aria-label': t('write.modes') }, parts.reply, parts.note);
    const insert = (text, { whole }) => this.#insert(text, whole);
    this.#files = new ComposerFiles({
      form: this.#form,
      text: parts.text,
      read: attachments,
      draft: () => this.#draft(),
      began: (draft) => (draft.since ??= this.#desk.state.seq),
      refuse: (why) => this.#refuse(why),
      changed: this.#changed,
    });
    const attach = (file) => this.#files.addKept(file);
    this.#canned = new CannedList({ text: parts.text, replies, insert, manage, fillIn: (reply) => fillIn(reply, this.#values()).text, attach: () => (this.#draft().mode === 'reply' ? attach : null) });
    parts.head = h('div', { class: 'write-head' }, modes, parts.typing, parts.count, parts.enter, parts.template, this.#files.attachButton, this.#files.recordButton, this.#canned.button);
    parts.text.addEventListener('input', () => this.#typed());
    parts.text.addEventListener('keydown', (event) => this.#key(event));
    parts.text.addEventListener('blur', () => this.#desk.typing(false));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    fill(
      this.#form,
      parts.bar,
      h(
        'div',
        { class: 'write' },
        this.#canned.element,
        parts.head,
        parts.quote,
        parts.closed,
        parts.delay,
        parts.refusal,
        this.#files.tray,
        h('div', { class: 'write-row' }, parts.text, parts.send),
        this.#files.input,
        this.#files.veil,
      ),
    );
  }

  /** Brings the composer up to date with what is known. */
  render(now) {
    const { open, state } = this.#desk;
    const row = state.conversations.get(open);
    this.#form.hidden = !row;
    if (!row) {
      this.#canned.close();
      this.#shown = null;
      return;
    }
    const draft = this.#draft();
    if (open !== this.#shown) this.#enter(draft);
    const contact = state.contacts.get(row.contact_id);
    const left = serviceWindow(row.last_inbound, now, contact?.group_id);
    const readOnly = state.me.readOnly === true;
    const closed = readOnly || (draft.mode === 'reply' && !left.open);
    const name = nameOf(contact);
    const { text, send, reply, note, head } = this.#parts;
    head.hidden = readOnly;
    this.#form.dataset.mode = draft.mode;
    this.#form.dataset.closed = String(closed);
    for (const [button, mode] of [
      [reply, 'reply'],
      [note, 'note'],
    ])
      button.setAttribute('aria-selected', String(mode === draft.mode));
    text.disabled = closed;
    text.placeholder = draft.mode === 'note' ? t('write.note_hint') : closed ? '' : t('write.to', { name });
    text.setAttribute('aria-label', draft.mode === 'note' ? t('write.note') : t('write.reply_to', { name }));
    const label = t(draft.mode === 'note' ? 'write.add_note' : 'write.send');
    send.title = label;
    send.setAttribute('aria-label', label);
    send.disabled = !this.#maySend(draft);
    this.#files.render(draft, !closed && draft.mode === 'reply');
    this.#renderClosed(closed, name, row, readOnly);
    this.#renderDelay(draft.mode === 'reply' && delayOf(state.lanes.get(row.number), now));
    this.#renderBar(draft, name, now);
    this.#renderQuote(draft);
    this.#renderHead(lengthOf(text.value), state);
    this.#canned.button.hidden = closed;
    this.#parts.template.hidden = closed || draft.mode === 'note';
    this.#canned.render();
  }

  #draft() {
    const id = this.#desk.open;
    if (!this.#drafts.has(id)) this.#drafts.set(id, { mode: 'reply', reply: '', note: '', quoted: null, since: null, files: [], recording: null, holes: [] });
    return this.#drafts.get(id);
  }

  #enter(draft) {
    // Nobody is recorded for a conversation that is not in view.
    if (this.#shown !== this.#desk.open) this.#drafts.get(this.#shown)?.recording?.stop();
    this.#shown = this.#desk.open;
    this.#refuse('');
    this.#canned.close();
    this.#parts.text.value = draft[draft.mode];
    this.#grow();
  }

  // What a canned reply is filled in with: a customer without a name has none in it.
  #values() {
    const { open, state } = this.#desk;
    const contact = state.contacts.get(state.conversations.get(open)?.contact_id);
    return { name: contact?.given_name || contact?.name, agent: state.me.name, attributes: contact?.attributes };
  }

  // --- what stands around the text ---------------------------------------------------------------------------------

  #renderClosed(closed, name, row, readOnly) {
    const { closed: line } = this.#parts;
    const why = row.last_inbound ? 'write.window_closed' : 'write.not_written';
    if (line.hidden === !closed && line.dataset.name === name && line.dataset.why === why) return;
    line.hidden = !closed;
    Object.assign(line.dataset, { name, why });
    if (readOnly) {
      fill(line, icon('lock'), h('span', null, t('write.read_only')));
      return;
    }
    fill(
      line,
      icon('lock'),
      h('span', null, nodes(why, { name: h('bdi', null, name) })),
      h('button', { type: 'button', class: 'primary', onclick: () => this.#askTemplate() }, t('template.send')),
    );
  }

  /** That what is sent now does not go out now. */
  #renderDelay(delay) {
    const { delay: line } = this.#parts;
    line.hidden = !delay;
    if (!delay) return;
    line.dataset.tone = delay.tone;
    setText(line, delay.text);
  }

  /** What somebody else wrote since the agent began: shown before the customer gets two answers. */
  #conflict(draft) {
    const id = this.#desk.open;
    const refused = this.#desk.conflicts.get(id);
    const began = draft.mode === 'reply' && (draft.reply.trim() !== '' || draft.files.length > 0) && draft.since !== null;
    const since = refused ? refused[0].seen : began ? draft.since : Infinity;
    const last = this.#desk.others.get(id);
    const other = last?.seq > since ? last : null;
    return refused || other ? { other } : null;
  }

  #renderBar(draft, name, now) {
    const { bar } = this.#parts;
    const conflict = this.#conflict(draft);
    bar.hidden = !conflict;
    if (!conflict) {
      fill(bar);
      return;
    }
    const { other } = conflict;
    const text = other
      ? t('write.replied', { name: authorName(other.by, this.#desk.state.me), when: moment(other.at, now) })
      : t('write.wrote_too', { name });
    if (bar.firstChild) {
      setText(bar.firstChild, text);
      return;
    }
    fill(
      bar,
      h('span', null, text),
      h('button', { type: 'button', onclick: () => this.#review() }, t('write.review')),
      h('button', { type: 'button', onclick: () => this.#anyway() }, t('write.anyway')),
    );
  }

  #renderQuote(draft) {
    const { quote } = this.#parts;
    const { quoted } = draft;
    quote.hidden = !quoted || draft.mode === 'note';
    if (quote.hidden || quote.dataset.quoted === quoted.id) return;
    quote.dataset.quoted = quoted.id;
    const { icon: sign, text } = summaryOf(quoted.content);
    const stop = () => {
      draft.quoted = null;
      this.#changed();
    };
    fill(
      quote,
      icon('reply'),
      h('span', { dir: 'auto' }, sign ? icon(sign) : null, text),
      h('button', { type: 'button', 'aria-label': t('write.no_quote'), onclick: stop }, icon('cross')),
    );
  }

  #renderHead(length, state) {
    const { typing, count, enter } = this.#parts;
    const others = [...(state.typing.get(this.#desk.open)?.keys() ?? [])].filter((agent) => agent !== state.me.agent);
    setText(
      typing,
      others.length === 0
        ? ''
        : typingText(others, state.me),
    );
    const over = length - MOST;
    setText(count, over > 0 ? t('write.too_many', { count: over }) : length >= COUNT_FROM ? `${number(length)} / ${number(MOST)}` : '');
    count.classList.toggle('over', over > 0);
    this.#parts.text.setAttribute('aria-invalid', String(over > 0));
    const mac = navigator.platform.startsWith('Mac');
    setText(enter, t('write.key_sends', { key: this.#enterSends ? 'Enter' : `${mac ? '⌘' : 'Ctrl'}+Enter` }));
    enter.title = t('write.change_key');
  }

  #toggleEnter() {
    this.#enterSends = !this.#enterSends;
    this.#parts.text.focus();
    this.#changed();
  }

  // --- writing -----------------------------------------------------------------------------------------------------

  #typed() {
    const draft = this.#draft();
    this.#canned.typed(draft[draft.mode], this.#parts.text.value);
    this.#written();
  }

  /** Puts a canned reply in the place of all that is written, or at the cursor, which then stands behind it. Nothing is sent. */
  #insert(reply, whole) {
    const { text } = this.#parts;
    const { text: inserted, left } = fillIn(reply, this.#values());
    const draft = this.#draft();
    draft.holes = whole ? left : [...draft.holes, ...left];
    const at = whole ? [0, text.value.length] : [text.selectionEnd, text.selectionEnd];
    text.setRangeText(inserted, ...at, 'end');
    this.#written();
    // What nothing is known for is the agent's to fill in.
    if (left.length > 0) this.#selectHole(draft);
    if (text.selectionEnd === text.value.length) text.scrollTop = text.scrollHeight;
  }

  #written() {
    this.#refuse('');
    const draft = this.#draft();
    const text = this.#parts.text.value;
    draft[draft.mode] = text;
    if (draft.mode === 'reply') {
      const began = text.trim() !== '';
      if (began && draft.since === null) draft.since = this.#desk.state.seq;
      if (!began && draft.files.length === 0) draft.since = null;
      this.#desk.typing(began);
      clearTimeout(this.#stopped);
      this.#stopped = setTimeout(() => this.#desk.typing(false), STOPPED_TYPING);
    }
    this.#grow();
    this.#changed();
  }

  #key(event) {
    if (this.#canned.key(event)) return;
    if (event.key !== 'Enter' || event.isComposing || event.shiftKey) return;
    const chord = event.ctrlKey || event.metaKey;
    if (chord || (this.#enterSends && !event.altKey)) {
      event.preventDefault();
      this.#send();
    }
  }

  // The frame grows with the text by CSS where the browser can, and by its height in lines where it cannot.
  #grow() {
    const { text } = this.#parts;
    if (CSS.supports('field-sizing', 'content')) return;
    text.rows = Math.min(8, Math.max(1, text.value.split('\n').length));
  }

  #send() {
    const draft = this.#draft();
    const text = this.#parts.text.value.trim();
    if (!this.#maySend(draft)) return;
    if (draft.mode === 'note') {
      this.#desk.note(this.#desk.open, text);
      this.#sent(draft);
      return;
    }
    if (!this.#isWhole(draft, text)) return;
    if (this.#conflict(draft)) {
      this.#parts.bar.querySelector('button').focus();
      return;
    }
    this.#sendDraft(draft, text);
  }

  #maySend({ mode, files }) {
    const { disabled, value } = this.#parts.text;
    return !disabled && (sendable(value) || (mode === 'reply' && files.length > 0 && value.trim() === ''));
  }

  /** Whether nothing of a reply is missing: a file on its way, or what is to be filled in. */
  #isWhole(draft, text) {
    const isBlocked = this.#files.blocked(draft);
    if (isBlocked) this.#refuse(isBlocked);
    else if (firstHole(text, draft.holes)) this.#selectHole(draft);
    else return true;
    return false;
  }

  #selectHole({ holes }) {
    const { text } = this.#parts;
    const [start, end] = firstHole(text.value, holes);
    text.setSelectionRange(start, end);
    this.#refuse(t('write.fill_in', { what: text.value.slice(start, end) }));
  }

  #refuse(why) {
    const { refusal } = this.#parts;
    refusal.hidden = why === '';
    setText(refusal, why);
  }

  #sendDraft(draft, text, how) {
    const files = draft.files.length > 0 ? this.#files.messages(draft, text) : [{ message: messageOf(text, draft.quoted) }];
    for (const { message, file } of files) this.#desk.send(this.#desk.open, message, { ...how, file });
    this.#files.sent(draft);
    this.#sent(draft);
  }

  #sent(draft) {
    draft[draft.mode] = '';
    draft.holes = [];
    this.#canned.close();
    if (draft.mode === 'reply') {
      draft.quoted = null;
      draft.since = null;
      clearTimeout(this.#stopped);
      this.#desk.typing(false);
    }
    this.#parts.text.value = '';
    this.#grow();
    this.#view.pin();
    this.#changed();
  }

  // Back to the text, with what the other wrote in view; the next Enter sends.
  #review() {
    const draft = this.#draft();
    const id = this.#desk.open;
    const refused = this.#desk.conflicts.get(id) ?? [];
    const other = this.#conflict(draft)?.other;
    this.#desk.conflicts.delete(id);
    const quoted = refused.map((item) => item.content.context?.message_id).find(Boolean);
    draft.quoted ??=
      this.#desk.state.threads.get(id)?.messages.find((message) => quoted && message.wamid === quoted) ?? null;
    draft.reply = [...refused.map((item) => item.content.text.body), draft.reply].filter(Boolean).join('\n');
    this.mode('reply');
    draft.since = this.#desk.state.seq;
    this.#changed();
    if (other) this.#view.jump(other.id);
    this.#parts.text.focus();
  }

  #anyway() {
    const draft = this.#draft();
    const id = this.#desk.open;
    const refused = this.#desk.conflicts.get(id);
    this.#desk.conflicts.delete(id);
    this.#view.pin();
    if (refused) {
      for (const item of refused) this.#desk.send(id, item.content, { anyway: true });
    } else {
      if (!this.#isWhole(draft, draft.reply.trim())) return;
      this.#sendDraft(draft, draft.reply.trim(), { anyway: true });
    }
    this.#changed();
    this.#parts.text.focus();
  }

  // --- from outside ------------------------------------------------------------------------------------------------

  /** Lets the agent choose files to attach. */
  attach() {
    this.#files.choose();
  }

  /** Whether files would be lost with the page. */
  get hasFiles() {
    return [...this.#drafts.values()].some(({ files, recording }) => files.length > 0 || recording);
  }

  /** Changes to `reply` or `note`. */
  mode(mode) {
    const draft = this.#draft();
    draft.mode = mode;
    this.#enter(draft);
    this.#changed();
    this.#parts.text.focus();
  }

  /** Answers one message in particular. */
  quote(message) {
    const draft = this.#draft();
    draft.quoted = message;
    this.mode('reply');
  }

  /** Undoes the smallest thing: the quote, then the focus. Says whether there was one. */
  escape() {
    const draft = this.#drafts.get(this.#desk.open);
    if (draft?.quoted) {
      draft.quoted = null;
      this.#changed();
      return true;
    }
    if (document.activeElement !== this.#parts.text) return false;
    this.#parts.text.blur();
    return true;
  }

  /** Puts the cursor where one writes. */
  focus() {
    this.#parts.text.focus({ preventScroll: true });
  }
}
