// Files on their way to the gateway: piece by piece, so that a line that is cut costs one piece, and goes on where it was. No DOM in here.

import { sentenceOf } from './account.js';
import { backoff } from './backoff.js';
import { ApiError } from './http.js';
import { has, t } from './language.js';
import { PIECE } from './media.js';

/** After so many failures in a row, some minutes, somebody has to press a button. */
const MOST_FAILURES = 12;

/** Why a file was not taken, in words. */
export function uploadRefusal(error) {
  if (error.status === undefined) return t('attach.unreadable');
  const known = { file_too_large: 'attach.too_large', file_type_refused: 'attach.refused', limit_reached: 'attach.full' }[error.code];
  return known && has(known) ? t(known) : sentenceOf(error);
}

// Refusals that say "not now": the line, a gateway that is busy, and a piece that begins elsewhere than the gateway stands. 507 is the
// business's own quota, which lasts.
const isPassing = ({ status }) => status === 0 || status === 409 || status === 429 || (status >= 500 && status !== 507);

/** One file. `state` is `uploading`, `waiting` for the connection, `ready`, or `failed` with `why`. */
export class Upload {
  /** @type {'uploading' | 'waiting' | 'ready' | 'failed'} */
  state = 'uploading';
  /** How much of it the gateway has. */
  offset = 0;
  why = '';
  /** The file as the gateway has it: `{media_id, kind, mime, bytes, name}`. */
  media = null;
  #api;
  #changed;
  #timers;
  #random;
  #id = null;
  #isSure = true;
  /** @type {AbortController | null} */
  #running = null;

  /**
   * @param {object} of
   * @param {Blob} of.file
   * @param {string} of.name
   * @param {string} of.mime
   * @param {string} of.kind
   * @param {boolean} [of.isVoice]
   * @param {any} of.api
   * @param {() => void} of.changed
   * @param {any} of.timers
   * @param {() => number} of.random
   */
  constructor({ file, name, mime, kind, isVoice = false, api, changed, timers, random }) {
    this.file = file;
    this.name = name;
    this.mime = mime;
    this.kind = kind;
    this.isVoice = isVoice;
    this.bytes = file.size;
    this.#api = api;
    this.#changed = changed;
    this.#timers = timers;
    this.#random = random;
  }

  /** Uploads it, or goes on with it. */
  async start() {
    this.stop();
    this.#running = new AbortController();
    const { signal } = this.#running;
    let failures = 0;
    for (;;) {
      this.#become('uploading');
      try {
        await this.#send(signal, () => {
          failures = 0;
        });
        if (!signal.aborted) this.#become('ready');
        return;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#isSure = false;
        // The gateway has forgotten what came before: from the beginning.
        const isForgotten = error.status === 404 && this.#id !== null;
        if (isForgotten) [this.#id, this.offset] = [null, 0];
        if ((!isPassing(error) && !isForgotten) || failures > MOST_FAILURES) {
          this.why = uploadRefusal(error);
          this.#become('failed');
          return;
        }
        this.#become('waiting');
        await this.#rest(error.wait ?? backoff(failures, this.#random), signal);
        if (signal.aborted) return;
      }
    }
  }

  /** Stops it; what the gateway has of it goes by itself. */
  stop() {
    this.#running?.abort();
  }

  async #send(signal, progressed) {
    if (this.#id === null) {
      const { upload_id: id, offset } = await this.#api.begin({ bytes: this.bytes, mime: this.mime, name: this.name });
      [this.#id, this.offset] = [id, offset];
    } else if (!this.#isSure) {
      this.#take(await this.#api.upload(this.#id));
    }
    this.#isSure = true;
    while (this.media === null && !signal.aborted) {
      // Read first: a file that is gone from the disk is no line that was cut.
      const piece = new Blob([await this.file.slice(this.offset, this.offset + PIECE).arrayBuffer()]);
      const before = this.offset;
      this.#take(await this.#api.piece(this.#id, before, piece, signal));
      // Somewhere else than after this piece: it is asked again, after a while.
      if (this.offset <= before && this.media === null) throw new ApiError(409, 'conflict', '');
      progressed();
      this.#changed();
    }
  }

  // A gateway that has all of it says no more where it stands.
  #take({ offset, media_id, kind, mime, name }) {
    this.offset = media_id ? this.bytes : offset;
    if (media_id) this.media = { media_id, kind: kind ?? this.kind, mime: mime ?? this.mime, bytes: this.bytes, name: name ?? this.name };
  }

  #rest(wait, signal) {
    return new Promise((resolve) => {
      const timer = this.#timers.setTimeout(resolve, wait);
      signal.addEventListener('abort', () => {
        this.#timers.clearTimeout(timer);
        resolve();
      });
    });
  }

  #become(state) {
    this.state = state;
    this.#changed();
  }
}

/** A file that the gateway has already. */
export function readyFile({ media_id, name, mime, bytes, kind }) {
  return { state: 'ready', kind, name, mime, bytes, offset: bytes, media: { media_id, kind, mime, bytes, name }, stop: () => {} };
}

/** As many characters as WhatsApp takes below a picture, a video or a document. Source: Cloud API, Media messages. */
const LONGEST_CAPTION = 1_024;
const WITH_CAPTION = ['image', 'video', 'document'];

/**
 * The messages that files and a text become: `[{message, file}]`. The text stands below the first file where WhatsApp has room for it
 * there, else it is a message of its own after them.
 */
export function messagesOf(files, text, quoted) {
  const context = quoted?.wamid ? { context: { message_id: quoted.wamid } } : {};
  const isCaption = text !== '' && WITH_CAPTION.includes(files[0].media.kind) && [...text].length <= LONGEST_CAPTION;
  const messages = files.map(({ media, isVoice }, i) => {
    const { media_id, kind, name } = media;
    const object = { media_id, ...(kind === 'document' && name && { filename: name }), ...(isVoice && { voice: true }), ...(isCaption && i === 0 && { caption: text }) };
    return { message: { type: kind, [kind]: object, ...(i === 0 && context) }, file: { ...media, state: 'stored' } };
  });
  if (text !== '' && !isCaption) messages.push({ message: { type: 'text', text: { body: text } }, file: undefined });
  return messages;
}
