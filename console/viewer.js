// A picture over the whole page. Arrows go to the others of the thread, Esc closes; the picture's bytes go when it is closed.

import { sentenceOf } from './account.js';
import { fill, h } from './dom.js';
import { icon } from './icons.js';
import { direction, t } from './language.js';
import { demandDrawable } from './picture_size.js';

export class Viewer {
  #api;
  #download;
  #dialog;
  #stage = h('div', { class: 'viewer-stage' });
  #caption = h('p', { class: 'viewer-caption', dir: 'auto' });
  #place = h('span', { class: 'viewer-place', role: 'status' });
  #buttons;
  #files = [];
  #at = 0;
  #address = null;
  #loading = null;

  /** `download(file)` lets the browser keep a file. */
  constructor({ api, download }) {
    this.#api = api;
    this.#download = download;
    const button = (label, sign, run, kind = '') =>
      h('button', { type: 'button', class: `icon-button ${kind}`, 'aria-label': label, title: label, onclick: run }, icon(sign));
    this.#buttons = {
      before: button(t('media.before'), 'back', () => this.#go(-1), 'viewer-before'),
      next: button(t('media.next'), 'forward', () => this.#go(1), 'viewer-next'),
      size: button(t('media.size'), 'zoom', () => this.#resize()),
      keep: button(t('media.download'), 'download', () => this.#download(this.#files[this.#at])),
      close: button(t('any.close'), 'cross', () => this.#dialog.close()),
    };
    const { before, next, size, keep, close } = this.#buttons;
    this.#dialog = h(
      'dialog',
      { class: 'viewer', 'aria-label': t('media.viewer') },
      h('header', null, this.#place, size, keep, close),
      before,
      this.#stage,
      next,
      this.#caption,
    );
    this.#dialog.addEventListener('close', () => this.#empty());
    this.#dialog.addEventListener('click', (event) => event.target === this.#stage && this.#dialog.close());
    this.#dialog.addEventListener('keydown', (event) => this.#key(event));
    document.body.append(this.#dialog);
  }

  /** Shows one of `files`. The focus goes back to where it was when it is closed. */
  open(file, files) {
    this.#files = files;
    this.#at = Math.max(0, files.findIndex((one) => one.media_id === file.media_id));
    this.#dialog.showModal();
    this.#show();
    this.#buttons.close.focus();
  }

  // No key of the page below is meant while this is open.
  #key(event) {
    event.stopPropagation();
    const along = direction() === 'rtl' ? -1 : 1;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'ArrowRight') this.#go(along);
    else if (event.key === 'ArrowLeft') this.#go(-along);
    else if (event.key === '+' || event.key === '-') this.#resize(event.key === '+');
    else return;
    event.preventDefault();
  }

  #go(by) {
    const next = this.#at + by;
    if (next < 0 || next >= this.#files.length || this.#dialog.dataset.size === 'whole') return;
    this.#at = next;
    this.#show();
  }

  #resize(isWhole = this.#dialog.dataset.size !== 'whole') {
    this.#dialog.dataset.size = isWhole ? 'whole' : 'fit';
    this.#buttons.size.setAttribute('aria-pressed', String(isWhole));
    this.#stage.tabIndex = isWhole ? 0 : -1;
    if (isWhole) this.#stage.focus();
  }

  async #show() {
    this.#empty();
    const file = this.#files[this.#at];
    const { before, next } = this.#buttons;
    before.disabled = this.#at === 0;
    next.disabled = this.#at === this.#files.length - 1;
    this.#place.textContent = t('media.place', { at: this.#at + 1, of: this.#files.length });
    this.#caption.textContent = file.caption ?? '';
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    fill(this.#stage, h('p', { role: 'status' }, t('any.loading')));
    try {
      const blob = await this.#api.bytes(file.media_id, signal);
      await demandDrawable(blob);
      if (signal.aborted) return;
      // Of the type that the gateway found in it, whatever the answer calls it.
      this.#address = URL.createObjectURL(new Blob([blob], { type: file.mime }));
      const picture = h('img', { src: this.#address, alt: file.caption || file.name || t('kind.image') });
      picture.addEventListener('error', () => fill(this.#stage, h('p', { role: 'alert' }, t('media.unreadable'))));
      fill(this.#stage, picture);
    } catch (error) {
      if (!signal.aborted) fill(this.#stage, h('p', { role: 'alert' }, error.isHuge ? t('media.huge') : error.status === undefined ? t('media.unreadable') : sentenceOf(error)));
    }
  }

  #empty() {
    this.#loading?.abort();
    this.#resize(false);
    fill(this.#stage);
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = null;
  }
}
