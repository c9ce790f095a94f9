// A template that was sent, as the customer sees it. The message says only which template and what filled it; the text is the template's
// own, as it was when the message was made.

import { chips } from './cards.js';
import { fill, h } from './dom.js';
import { icon } from './icons.js';
import { has, t } from './language.js';
import { readTemplates } from './template_list.js';
import { previewOf, valuesOf } from './templates.js';
import { prose } from './words.js';

const MOST_PAGES = 5;
const SIGNS = { image: 'image', video: 'video', document: 'file', location: 'pin' };

export class SentTemplates {
  #ask;
  #picture;
  #grew;
  #now;
  /** What was read of a template and when, by account, name and language. */
  #known = new Map();

  /** `picture(media_id)` draws one; `grew()` is called when a message has become higher. */
  constructor({ ask, picture, grew, now }) {
    this.#ask = ask;
    this.#picture = picture;
    this.#grew = grew;
    this.#now = now;
  }

  /** Puts what the customer sees into the card of a message; where the template is not known, the card stays what it is. */
  async show(card, { sent, waba_id, at }) {
    const template = await this.#template(sent, waba_id, at);
    if (!template) return;
    const preview = previewOf(template, valuesOf(template, sent.components));
    fill(card, this.#seen(preview), h('p', { class: 'card-kind' }, icon('template'), t('kind.template'), h('bdi', null, sent.name), h('span', { class: 'code' }, template.language)));
    this.#grew();
  }

  /** The template with the components that it had at that time, or null. */
  async #template({ name, language }, waba_id, at) {
    const key = [waba_id, name, language?.code].join(' ');
    let known = this.#known.get(key);
    // A message that is newer than what was read may be of a later version.
    if (!known || known.read < at) {
      known = { read: this.#now(), ...this.#read({ name, language: language?.code, waba_id }) };
      this.#known.set(key, known);
    }
    try {
      const template = await known.template();
      if (!template || template.changed_at <= at) return template?.components ? template : null;
      const versions = (await known.versions()).filter((one) => one.components);
      // Where its history begins later, its oldest version is the nearest.
      const version = versions.find((one) => one.at <= at) ?? versions.at(-1);
      return version ? { ...template, ...version } : null;
    } catch {
      this.#known.delete(key);
      return null;
    }
  }

  #read(wanted) {
    const template = once(async () => (await this.#find(wanted)) ?? this.#find({ ...wanted, status: 'DELETED' }));
    const versions = once(async () => (await this.#ask('GET', `/v1/templates/${encodeURIComponent((await template()).template_id)}/versions`)).versions);
    return { template, versions };
  }

  async #find(wanted) {
    let cursor = null;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const page = await readTemplates(this.#ask, wanted, cursor);
      const found = page.templates.filter((one) => one.name === wanted.name && one.language === wanted.language);
      // Without the account of the number, one that several accounts have is not told apart.
      if (found.length > 0) return wanted.waba_id || found.length === 1 ? found[0] : null;
      if (page.cursor === null) return null;
      cursor = page.cursor;
    }
    return null;
  }

  #seen({ header, body, footer, buttons, offer, cards }) {
    return [
      this.#header(header),
      offer ? h('p', { class: 'card-kind', dir: 'auto' }, offer) : null,
      body ? prose(body) : null,
      footer ? h('p', { class: 'quiet', dir: 'auto' }, footer) : null,
      chipsOf(buttons),
      cards.length > 0 ? h('ol', { class: 'items' }, cards.map((one) => h('li', { class: 'template-card' }, this.#header(one.header), one.body ? prose(one.body) : null, chipsOf(one.buttons)))) : null,
    ];
  }

  #header(header) {
    if (!header) return null;
    const { format, text, media_id } = header;
    if (format === 'text') return h('p', { class: 'card-title', dir: 'auto' }, text);
    const kind = has(`kind.${format}`) ? t(`kind.${format}`) : format;
    const line = h('p', { class: 'card-kind' }, icon(SIGNS[format] ?? 'file'), h('bdi', null, text || kind));
    if (format === 'image' && media_id)
      this.#picture(media_id).then((canvas) => {
        if (!canvas) return;
        fill(line, canvas);
        this.#grew();
      }, () => {});
    return line;
  }
}

const chipsOf = (buttons) => (buttons.length > 0 ? chips(buttons.map((button) => button.text)) : null);

function once(read) {
  let reading = null;
  return () => (reading ??= read());
}
