// The canned replies above the composer: a list box that opens when a text begins with "/", or by its button.

import { findReplies, isShortcut } from './canned.js';
import { Cache, fill, h, setText } from './dom.js';
import { icon } from './icons.js';
import { t } from './language.js';

const LIST = 'canned-list';
// A combobox has one line, so the text is one only while the list is open.
const WHILE_OPEN = {
  role: 'combobox',
  'aria-autocomplete': 'list',
  'aria-haspopup': 'listbox',
  'aria-expanded': 'true',
  'aria-controls': LIST,
};

export class CannedList {
  /** The list, and the button that opens it. */
  element;
  button;
  #text;
  #replies;
  #insert;
  #manage;
  #fillIn;
  #attach;
  /** `null` when closed; `slash` replaces "/…" by what is taken, `draft` adds it to what is written. */
  #kind = null;
  #active = null;
  #options = [];
  #parts;
  #nodes = new Cache();

  /**
   * `insert(text, {whole})` fills a text in and puts it in the place of all that is written, or at the cursor; `manage({add})` opens the
   * dialog, with a new canned reply if `add` says how it begins; `fillIn(text)` gives what it would say to this customer; `attach()` gives
   * what attaches a file at hand, or null where none can be.
   */
  constructor({ text, replies, insert, manage, fillIn, attach }) {
    this.#fillIn = fillIn;
    this.#attach = attach;
    this.#text = text;
    this.#replies = replies;
    this.#insert = insert;
    this.#manage = manage;
    const status = h('p', { class: 'canned-status', role: 'status' });
    const found = h('div', { class: 'canned-found', role: 'group', 'aria-label': t('canned.found') });
    const actions = h('div', { class: 'canned-actions', role: 'group', 'aria-label': t('canned.more') });
    const list = h('div', { id: LIST, class: 'canned-list', role: 'listbox', 'aria-label': t('canned.title') }, found, actions);
    this.#parts = { status, found, actions };
    this.element = h(
      'div',
      { class: 'canned', hidden: true },
      status,
      list,
      h('p', { class: 'canned-keys', 'aria-hidden': 'true' }, t('canned.keys')),
    );
    this.button = h(
      'button',
      {
        type: 'button',
        class: 'canned-open',
        'aria-label': t('canned.title'),
        'aria-haspopup': 'listbox',
        title: t('canned.open'),
        onclick: () => this.#toggle(),
      },
      icon('bolt'),
    );
    // The focus stays where one writes.
    for (const node of [this.element, this.button]) node.addEventListener('mousedown', (event) => event.preventDefault());
    list.addEventListener('mousemove', (event) => this.#point(event));
    list.addEventListener('click', (event) => this.#run(this.#optionOf(event)));
    text.addEventListener('focus', () => this.render());
    text.addEventListener('blur', () => (this.#kind === 'draft' ? this.close() : this.render()));
  }

  // --- opening and closing -----------------------------------------------------------------------------------------

  /** Follows what is written: only a "/" that is the first character of an empty text opens the list. */
  typed(before, now) {
    const stays = this.#kind === 'slash' && now.startsWith('/') && !now.includes('\n');
    const opens = now === '/' || (before === '' && now.startsWith('/') && !now.includes('\n'));
    if (opens) this.#open('slash');
    else if (stays) this.#activate(null);
    else this.close();
  }

  #toggle() {
    this.#text.focus();
    if (this.#kind !== null) {
      this.close();
    } else if (this.#text.value.trim() === '' || this.#text.value === '/') {
      this.#insert('/', { whole: true });
      this.#open('slash');
    } else {
      this.#open('draft');
    }
  }

  #open(kind) {
    this.#kind = kind;
    this.#replies.need();
    this.#activate(null);
  }

  /** Closes it; what is written stays. */
  close() {
    if (this.#kind === null) return;
    this.#kind = null;
    this.render();
  }

  // --- choosing ----------------------------------------------------------------------------------------------------

  /** Lets it have a key. Says whether it took it. */
  key(event) {
    if (!this.#isShown() || event.isComposing) return false;
    const moved = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (event.key === 'Enter' && !event.shiftKey) {
      // Nothing is sent while the list is open, also when it has nothing to take: "/hours" is not for the customer.
      this.#run(this.#activeOption());
    } else if (event.key === 'Tab' && !moved && this.#activeOption()) {
      this.#run(this.#activeOption());
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && !moved) {
      this.#step(event.key === 'ArrowDown' ? 1 : -1);
    } else if (event.key === 'Escape') {
      this.close();
    } else {
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #step(by) {
    const count = this.#options.length;
    if (count === 0) return;
    const at = this.#options.findIndex((option) => option.key === this.#active);
    const next = at === -1 ? (by > 0 ? 0 : count - 1) : (at + by + count) % count;
    this.#activate(this.#options[next].key);
    document.getElementById(idOf(this.#active))?.scrollIntoView({ block: 'nearest' });
  }

  #activate(key) {
    this.#active = key;
    this.render();
  }

  #activeOption() {
    return this.#options.find((option) => option.key === this.#active);
  }

  #optionOf(event) {
    const id = event.target.closest('[role="option"]')?.id;
    return this.#options.find((option) => idOf(option.key) === id);
  }

  // Not when the list comes to lie under a pointer that rests.
  #point(event) {
    if (event.movementX === 0 && event.movementY === 0) return;
    const option = this.#optionOf(event);
    if (option && option.key !== this.#active) this.#activate(option.key);
  }

  #run(option) {
    if (!option) return;
    const draft = this.#text.value;
    const whole = this.#kind === 'slash';
    if (option.reply?.file) {
      this.close();
      if (whole) this.#insert('', { whole });
      this.#attach()?.(option.reply.file);
    } else if (option.reply) {
      this.close();
      this.#insert(option.reply.text, { whole });
    } else if (option.key === 'retry') {
      this.#replies.load();
    } else if (option.key === 'manage') {
      this.#manage({});
    } else {
      const query = this.#query().trim();
      this.#manage({ add: whole ? { shortcut: isShortcut(query) ? query : '', text: '' } : { shortcut: '', text: draft } });
    }
  }

  // --- showing -----------------------------------------------------------------------------------------------------

  #query() {
    return this.#kind === 'slash' ? this.#text.value.slice(1) : '';
  }

  #isShown() {
    return this.#kind !== null && document.activeElement === this.#text;
  }

  /** Brings it up to date with what is known. */
  render() {
    const shown = this.#isShown();
    this.element.hidden = !shown;
    this.button.setAttribute('aria-expanded', String(shown));
    for (const [name, value] of Object.entries(WHILE_OPEN)) {
      if (shown) this.#text.setAttribute(name, value);
      else this.#text.removeAttribute(name);
    }
    this.#options = shown ? this.#choices() : [];
    if (!this.#activeOption()) this.#active = this.#options.find(isFirstChoice)?.key ?? null;
    setText(this.#parts.status, shown ? this.#status() : '');
    this.#parts.status.hidden = this.#parts.status.textContent === '';
    const nodes = (which) => this.#options.filter(which).map((option) => this.#node(option));
    fill(this.#parts.found, nodes((option) => option.reply));
    fill(this.#parts.actions, nodes((option) => !option.reply));
    this.#nodes.sweep();
    if (this.#active !== null) this.#text.setAttribute('aria-activedescendant', idOf(this.#active));
    else this.#text.removeAttribute('aria-activedescendant');
  }

  #choices() {
    const { all, files, state, failed, loading } = this.#replies;
    if (state === 'unknown') return failed && !loading ? [{ key: 'retry', label: t('any.try_again'), sign: 'retry' }] : [];
    const kept = this.#attach() === null ? [] : files.map((file) => ({ shortcut: file.shortcut, text: file.name ?? '', file }));
    const found = findReplies([...all, ...kept], this.#query()).map((reply) => ({ key: `${reply.file ? 'file' : reply.private ? 'own' : 'reply'}-${reply.shortcut}`, reply }));
    const add = t(this.#kind === 'slash' ? 'canned.new_more' : 'canned.save_as');
    found.push({ key: 'add', label: add, sign: 'plus' });
    if (all.length + files.length > 0) found.push({ key: 'manage', label: t('canned.manage'), sign: 'list' });
    return found;
  }

  #status() {
    const { all, files, state, failed, loading } = this.#replies;
    if (state === 'unknown') return failed && !loading ? t('canned.not_loaded') : t('any.loading');
    if (all.length + files.length === 0) return t('canned.none');
    if (this.#options.some((option) => option.reply)) return '';
    return t('canned.none_has', { query: this.#query().trim() });
  }

  #node(option) {
    // What it would say to this customer.
    const said = option.reply && (option.reply.file ? option.reply.text : this.#fillIn(option.reply.text));
    const node = this.#nodes.get(option.key, [said, option.reply?.private, option.label], () =>
      h(
        'div',
        { role: 'option', id: idOf(option.key), class: option.reply ? 'canned-reply' : 'canned-action' },
        option.reply
          ? [
              h('span', { class: 'canned-shortcut' }, `/${option.reply.shortcut}`),
              // A space for who hears it; a line of its own for who sees it.
              ' ',
              h(
                'span',
                { class: 'canned-text', dir: 'auto' },
                option.reply.file ? icon('clip') : option.reply.private ? [icon('lock'), h('span', { class: 'hidden' }, t('canned.private'), ' ')] : null,
                said,
              ),
            ]
          : [icon(option.sign), option.label],
      ),
    );
    node.setAttribute('aria-selected', String(option.key === this.#active));
    return node;
  }
}

// What Enter takes before one has chosen: no dialog opens unasked.
function isFirstChoice(option) {
  return Boolean(option.reply) || option.key === 'retry';
}

function idOf(key) {
  return `canned-${key}`;
}
