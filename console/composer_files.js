// How files come to what is being written: chosen, pasted, dropped on the conversation, or recorded. What is done with them is read when it is needed.

import { h } from './dom.js';
import { icon } from './icons.js';
import { t } from './language.js';
import { voiceType } from './voice.js';

export class ComposerFiles {
  tray = h('ul', { class: 'tray', 'aria-label': t('write.files'), hidden: true });
  input = h('input', { type: 'file', multiple: true, hidden: true });
  veil = h('p', { class: 'drop-here', 'aria-hidden': 'true' }, t('write.drop'));
  attachButton = button('clip', t('any.with_key', { label: t('write.attach'), key: 'Alt+A' }), () => this.choose());
  recordButton = button('mic', t('write.record'), () => this.#with((part, draft) => part.record(draft)));
  #form;
  #text;
  #read;
  #draft;
  #began;
  #refuse;
  #changed;
  /** What files are attached with, once it was needed. */
  #part = null;

  /**
   * `read()` gives what files are attached with, `draft()` the draft that is shown; `began(draft)` is told that something was added to it,
   * `refuse(why)` what cannot be done.
   */
  constructor({ form, text, read, draft, began, refuse, changed }) {
    this.#form = form;
    this.#text = text;
    this.#read = read;
    this.#draft = draft;
    this.#began = began;
    this.#refuse = refuse;
    this.#changed = changed;
    this.input.addEventListener('change', () => {
      this.#add(this.input.files);
      this.input.value = '';
    });
    text.addEventListener('paste', (event) => this.#pasted(event));
    this.#listenToDrops();
  }

  /** Lets the agent choose files. */
  async choose() {
    if (this.attachButton.hidden) return;
    try {
      this.#part = await this.#read();
      this.input.accept = this.#part.accept;
      this.input.click();
    } catch {
      this.#refuse(t('page.lost'));
    }
  }

  /** Attaches a file that the gateway has already. */
  addKept(file) {
    this.#with((part, draft) => part.addKept(draft, file));
  }

  #add(list) {
    const files = [...list];
    if (files.length > 0) this.#with((part, draft) => part.add(draft, files));
  }

  async #with(run) {
    const draft = this.#draft();
    try {
      this.#part = await this.#read();
      this.#began(draft);
      await run(this.#part, draft);
    } catch {
      this.#refuse(t('page.lost'));
    }
    this.#changed();
    if (draft === this.#draft()) this.#text.focus({ preventScroll: true });
  }

  // A cell of a spreadsheet is a text and a picture of it: then the text is meant.
  #pasted(event) {
    const { files, types } = event.clipboardData;
    if (files.length === 0 || types.includes('text/plain') || this.attachButton.hidden) return;
    event.preventDefault();
    this.#add(files);
  }

  // Anywhere on the page: a browser leaves the page for a file that is dropped beside the place for it.
  #listenToDrops() {
    const place = this.#form.parentElement;
    const tell = (takes) => {
      this.#form.dataset.dropping = String(takes);
    };
    const on = (name, run) =>
      document.addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.includes('Files')) return;
        event.preventDefault();
        run(event, place.contains(event.target) && !this.#form.hidden && !this.attachButton.hidden);
      });
    on('dragover', (event, takes) => {
      event.dataTransfer.dropEffect = takes ? 'copy' : 'none';
      tell(takes);
    });
    on('drop', (event, takes) => {
      tell(false);
      if (takes) this.#add(event.dataTransfer.files);
    });
    document.addEventListener('dragleave', (event) => event.relatedTarget === null && tell(false));
  }

  /** Brings the files of a draft up to date; `mayAttach` says whether it may have more. */
  render(draft, mayAttach) {
    this.attachButton.hidden = !mayAttach;
    this.recordButton.hidden = !mayAttach || voiceType() === null;
    if (draft.mode === 'reply' && this.#part) this.#part.render(this.tray, draft, () => this.#text.focus());
    else this.tray.hidden = true;
  }

  /** Why a draft's files cannot be sent yet, in words; null when they can. */
  blocked(draft) {
    return this.#part?.blocked(draft) ?? null;
  }

  /** The messages of a draft that has files: `[{message, file}]`. */
  messages(draft, text) {
    return this.#part.messages(draft, text);
  }

  /** Takes what was sent out of the draft. */
  sent(draft) {
    this.#part?.sent(draft);
  }
}

function button(sign, label, run) {
  return h('button', { type: 'button', class: 'canned-open', 'aria-label': label, title: label, onclick: run }, icon(sign));
}
