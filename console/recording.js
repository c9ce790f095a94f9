// A voice message being recorded, in the one form that WhatsApp shows as such: Opus in OGG, mono. What a browser records as WebM is put into
// OGG when it has ended.

import { oggOf, packetsOf } from './ogg_opus.js';
import { voiceType } from './voice.js';

/** Ten minutes of speech are less than 3 MB. */
const LONGEST = 600;
const BITS = 32_000;

export class Recording {
  seconds = 0;
  /** Resolves with the file, or with null when nothing is to be kept; fails where what was recorded is no voice message. */
  ended;
  /** Where it is shown. */
  row = null;
  #timers;
  #ticked;
  #resolve;
  #type = null;
  #recorder = null;
  #stream = null;
  #timer = null;
  #isOver = false;
  #isKept = false;

  /** `ticked()` is called each second. */
  constructor({ timers, ticked }) {
    this.#timers = timers;
    this.#ticked = ticked;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Asks for the microphone, and begins. Fails where it may not be used. */
  async start() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    // Whoever pressed Discard while the browser asked wants no microphone.
    if (this.#isOver) return stream.getTracks().forEach((track) => track.stop());
    this.#stream = stream;
    this.#type = voiceType();
    this.#recorder = new MediaRecorder(stream, { mimeType: this.#type, audioBitsPerSecond: BITS });
    const parts = [];
    this.#recorder.addEventListener('dataavailable', ({ data }) => data.size > 0 && parts.push(data));
    this.#recorder.addEventListener('stop', () => this.#end(this.#isKept && parts.length > 0 ? voiceOf(parts, this.#type) : null));
    this.#recorder.addEventListener('error', () => this.discard());
    this.#recorder.start();
    this.#tick();
    return undefined;
  }

  #tick() {
    this.#timer = this.#timers.setTimeout(() => {
      this.seconds += 1;
      this.#ticked();
      if (this.seconds >= LONGEST) this.stop();
      else this.#tick();
    }, 1_000);
  }

  /** Ends it, and keeps what was said. */
  stop() {
    this.#isKept = true;
    this.#finish();
  }

  /** Ends it, and keeps nothing. */
  discard() {
    this.#isKept = false;
    this.#finish();
  }

  #finish() {
    this.#isOver = true;
    if (this.#recorder?.state === 'recording') this.#recorder.stop();
    else this.#end(null);
  }

  #end(file) {
    this.#timers.clearTimeout(this.#timer);
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#resolve(file);
  }
}

/** The file of a voice message. */
async function voiceOf(parts, type) {
  const recorded = new Blob(parts);
  const isWebm = type.startsWith('audio/webm');
  const [serial] = crypto.getRandomValues(new Uint32Array(1));
  const content = isWebm ? oggOf(packetsOf(new Uint8Array(await recorded.arrayBuffer())), serial) : recorded;
  return new File([content], 'voice.ogg', { type: 'audio/ogg' });
}
