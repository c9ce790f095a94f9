// Files that are about to be sent: checked, uploaded, and shown above the text. A voice message is recorded here, too.

import { fill, h, setText } from './dom.js';
import { icon } from './icons.js';
import { t } from './language.js';
import { acceptedTypes, bytesText, kindOfFile, spanText } from './media.js';
import { Recording } from './recording.js';
import { Upload, messagesOf, readyFile } from './uploads.js';

/** More than anybody sends to one customer in one go. */
const MOST_FILES = 10;
/** Uploads at once: the gateway gives a business four places. */
const MOST_AT_ONCE = 2;
const SIGNS = { image: 'image', video: 'video', audio: 'mic', document: 'file', sticker: 'sticker' };

export class Attachments {
  accept = acceptedTypes();
  #api;
  #media;
  #changed;
  #say;
  #timers;
  #random;
  #rows = new WeakMap();
  /** Uploads that have not begun, and how many are under way. */
  #waiting = [];
  #underWay = 0;

  /** `media` draws pictures small; `changed()` is called after every change, `say(text, tone)` shows a passing line. */
  constructor({ api, media, changed, say, timers, random }) {
    this.#api = api;
    this.#media = media;
    this.#changed = changed;
    this.#say = say;
    this.#timers = timers;
    this.#random = random;
  }

  /** Attaches files to a draft, as far as WhatsApp takes them. */
  add(draft, files) {
    for (const file of files) {
      const { kind, mime, problem } = kindOfFile(file);
      if (problem) this.#say(problem, 'bad');
      else this.#attach(draft, { file, kind, mime, name: file.name });
    }
  }

  #attach(draft, of) {
    if (!this.#hasRoom(draft)) return;
    const upload = new Upload({ ...of, api: this.#api, changed: this.#changed, timers: this.#timers, random: this.#random });
    draft.files.push(upload);
    this.#start(upload);
  }

  #start(upload) {
    this.#waiting.push(upload);
    this.#pump();
  }

  async #pump() {
    if (this.#underWay >= MOST_AT_ONCE || this.#waiting.length === 0) return;
    const upload = this.#waiting.shift();
    this.#underWay += 1;
    await upload.start();
    this.#underWay -= 1;
    this.#pump();
    if (upload.state === 'ready') this.#media.draw(upload.media.media_id, upload.file);
  }

  /**
   * Attaches a file that the gateway has already.
   *
   * @param {any} draft
   * @param {import('./types.d.ts').QuickFile} kept
   */
  addKept(draft, { media_id, shortcut, name: given, mime, bytes, kind }) {
    if (!this.#hasRoom(draft)) return;
    // One that a program keeps may have no name.
    const name = given ?? shortcut;
    draft.files.push(readyFile({ media_id, name, mime, bytes, kind: kind ?? kindOfFile({ name, type: mime, size: 1 }).kind ?? 'document' }));
    this.#changed();
  }

  #hasRoom(draft) {
    if (draft.files.length < MOST_FILES) return true;
    this.#say(t('attach.too_many', { most: MOST_FILES }), 'bad');
    return false;
  }

  // --- voice -------------------------------------------------------------------------------------------------------

  /** Begins to record a voice message for a draft. */
  async record(draft) {
    if (draft.recording || !this.#hasRoom(draft)) return;
    const recording = new Recording({ timers: this.#timers, ticked: this.#changed });
    draft.recording = recording;
    this.#changed();
    recording.ended
      .then(
        (file) => {
          draft.recording = null;
          if (file) this.#attach(draft, { file, kind: 'audio', mime: 'audio/ogg', name: 'voice.ogg', isVoice: true });
        },
        () => {
          draft.recording = null;
          this.#say(t('voice.lost'), 'bad');
        },
      )
      .then(() => this.#changed());
    try {
      await recording.start();
    } catch (error) {
      recording.discard();
      this.#say(t(error.name === 'NotFoundError' ? 'voice.none' : 'voice.denied'), 'bad');
    }
  }

  // --- sending -----------------------------------------------------------------------------------------------------

  /** Why the files of a draft cannot be sent yet, in words; null when they can. */
  blocked({ files, recording }) {
    if (recording) return t('voice.not_yet');
    if (files.some(({ state }) => state === 'failed')) return t('attach.without');
    return files.every(({ state }) => state === 'ready') ? null : t('attach.not_yet');
  }

  /** The messages of a draft: `[{message, file}]`. */
  messages({ files, quoted }, text) {
    return messagesOf(files, text, quoted);
  }

  /** Takes what was sent out of the draft. */
  sent(draft) {
    for (const file of draft.files) this.#rows.get(file)?.gone();
    draft.files = [];
  }

  // --- showing -----------------------------------------------------------------------------------------------------

  /** Brings the files above the text up to date; `focus()` is called when one that had the focus is taken away. */
  render(tray, draft, focus) {
    const rows = draft.files.map((file) => {
      if (!this.#rows.has(file)) this.#rows.set(file, this.#row(file, () => this.#remove(draft, file, focus)));
      const row = this.#rows.get(file);
      row.update();
      return row.node;
    });
    if (draft.recording) rows.push(this.#recordingRow(draft.recording, focus));
    fill(tray, rows);
    tray.hidden = rows.length === 0;
  }

  #remove(draft, file, focus) {
    file.stop();
    this.#waiting = this.#waiting.filter((one) => one !== file);
    this.#rows.get(file)?.gone();
    draft.files = draft.files.filter((one) => one !== file);
    this.#changed();
    focus();
  }

  // Made once for each file, and changed in place: what has the focus keeps it.
  #row(file, remove) {
    const sign = h('span', { class: 'media-sign' }, icon(SIGNS[file.kind]));
    const status = h('small', { role: 'status' });
    const progress = h('progress', { max: String(file.bytes), 'aria-label': t('attach.uploading', { name: file.name }) });
    const again = h('button', { type: 'button', class: 'plain', 'aria-label': t('attach.retry', { again: t('any.try_again'), name: file.name }), onclick: () => this.#start(file) }, t('any.try_again'));
    const away = h('button', { type: 'button', class: 'icon-button', onclick: remove }, icon('cross'));
    const { player, address } = file.isVoice ? listening(file.file) : {};
    const node = h(
      'li',
      { class: 'tray-file' },
      sign,
      h('span', { class: 'tray-words' }, h('span', { class: 'tray-name', dir: 'auto' }, file.isVoice ? t('kind.voice') : file.name), status, progress, player),
      h('span', { class: 'tray-do' }, again, away),
    );
    let isDrawn = file.kind !== 'image' && file.kind !== 'sticker';
    const update = () => {
      const { state } = file;
      node.dataset.state = state;
      progress.hidden = state === 'ready' || state === 'failed';
      progress.value = file.offset;
      again.hidden = state !== 'failed';
      const label = t(state === 'uploading' || state === 'waiting' ? 'attach.cancel' : 'attach.remove', { name: file.name });
      away.setAttribute('aria-label', label);
      away.title = label;
      const said = { uploading: bytesText(file.bytes), waiting: t('attach.waits'), ready: t('attach.ready'), failed: t('attach.failed', { why: file.why ?? '' }) };
      setText(status, said[state]);
      if (isDrawn || state !== 'ready') return;
      isDrawn = true;
      this.#media.picture(file.media.media_id, file.file).then((canvas) => canvas && fill(sign, canvas));
    };
    return { node, update, gone: () => address && URL.revokeObjectURL(address) };
  }

  #recordingRow(recording, focus) {
    recording.row ??= (() => {
      const time = h('span', { class: 'tray-name', role: 'timer' });
      const end = (run) => () => {
        run();
        focus();
      };
      const stop = h('button', { type: 'button', class: 'icon-button', 'aria-label': t('voice.stop'), title: t('voice.stop'), onclick: end(() => recording.stop()) }, icon('stop'));
      const discard = h('button', { type: 'button', class: 'icon-button', 'aria-label': t('voice.discard'), title: t('voice.discard'), onclick: end(() => recording.discard()) }, icon('cross'));
      const node = h('li', { class: 'tray-file recording' }, h('span', { class: 'media-sign' }, icon('mic')), h('span', { class: 'tray-words' }, time), h('span', { class: 'tray-do' }, stop, discard));
      return { node, time };
    })();
    setText(recording.row.time, t('voice.recording', { time: spanText(recording.seconds) }));
    return recording.row.node;
  }
}

/** What was recorded, to be heard before it is sent. */
function listening(file) {
  const address = URL.createObjectURL(file);
  return { address, player: h('audio', { controls: true, src: address, preload: 'metadata', 'aria-label': t('kind.voice'), class: 'player-audio' }) };
}
