// Files of messages in the thread: a picture, a player, or a card, as soon as the gateway has the file. A file is never part of the
// document: pictures are drawn, players get an address, everything else is downloaded.

import { sentenceOf } from './account.js';
import { fill, h } from './dom.js';
import { icon } from './icons.js';
import { has, isolated, t } from './language.js';
import { bytesText } from './media.js';
import { demandDrawable } from './picture_size.js';
import { Viewer } from './viewer.js';

/** What is drawn; anything else that calls itself a picture is a document. */
const DRAWN = new Set(['image/jpeg', 'image/png', 'image/webp']);
const WIDEST = 320;
const HIGHEST = 320;
/** Pictures that are kept drawn: a bubble that is made anew shows its picture at once. */
const MOST_KEPT = 60;
const SPEEDS = [1, 1.5, 2];

export class MediaView {
  #api;
  #say;
  #viewer;
  #grew;
  #drawn = new Map();
  /** The file of each picture on the page. */
  #pictures = new WeakMap();
  /** Pictures that are not in view are not loaded yet. */
  #waiting = new WeakMap();
  #sight;
  /** The player that was started last: a bubble that is made anew goes on with it. */
  #playing = null;

  /** `grew()` is called when a card has become higher; `say(text, tone)` shows a passing line. */
  constructor({ api, say, grew }) {
    this.#api = api;
    this.#say = say;
    this.#grew = grew;
    this.#viewer = new Viewer({ api, download: (file) => this.#download(file) });
    this.#sight = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach(({ target }) => this.#seen(target)), { rootMargin: '400px' });
  }

  /** Shows a file in its card: `{file, kind, name}` as the message has them. */
  show(card, about) {
    this.#fill(card, about);
    this.#grew();
  }

  #fill(card, { file, kind, name, caption }) {
    card.dataset.media = file.state;
    if (file.state !== 'stored') return this.#absent(card, file);
    const shown = { ...file, name: file.name ?? name, caption };
    if (file.media_id === this.#playing?.id) return this.#goOn(card);
    if ((kind === 'image' || kind === 'sticker') && DRAWN.has(file.mime)) return this.#picture(card, shown, kind);
    if (kind === 'video' && file.mime?.startsWith('video/')) return this.#player(card, shown, 'video');
    if (kind === 'audio' && file.mime?.startsWith('audio/')) return this.#player(card, shown, 'audio');
    return this.#document(card, shown);
  }

  // --- files that are not there ------------------------------------------------------------------------------------

  #absent(card, { state, why, bytes }) {
    const text = has(`media.${state}`) ? t(`media.${state}`) : t('media.failed');
    // The gateway's own words, such as the type that it found.
    const reason = why ? t('media.why', { why }) : null;
    const size = bytes ? bytesText(bytes) : null;
    nameOf(card).append(h('small', { class: 'media-state' }, [text, reason, size].filter(Boolean).join(' ')));
  }

  // --- pictures ----------------------------------------------------------------------------------------------------

  #picture(card, file, kind) {
    const name = file.caption || file.name || t(`kind.${kind}`);
    const button = h('button', { type: 'button', class: `picture picture-${kind}`, 'aria-label': t('media.open', { name }), 'data-media-id': file.media_id });
    button.addEventListener('click', () => this.#viewer.open(file, [...button.closest('#log, .contact-files').querySelectorAll('.picture')].map((one) => this.#pictures.get(one)).filter(Boolean)));
    this.#pictures.set(button, file);
    const known = this.#drawn.get(file.media_id);
    card.classList.add('has-picture');
    fill(card, button);
    if (known) {
      button.append(copyOf(known));
      return;
    }
    button.append(h('span', { class: 'picture-waits' }, icon('image')));
    this.#waiting.set(button, file);
    this.#sight.observe(button);
  }

  async #seen(button) {
    this.#sight.unobserve(button);
    const file = this.#waiting.get(button);
    this.#waiting.delete(button);
    // A bubble that was made anew meanwhile has a button of its own.
    if (!file || !button.isConnected) return;
    try {
      const canvas = await thumbnail(await this.#api.bytes(file.media_id));
      this.#keep(file.media_id, canvas);
      fill(button, copyOf(canvas));
      this.#grew();
    } catch (error) {
      this.#lost(button, file, error);
    }
  }

  #lost(button, file, error) {
    const card = button.parentElement;
    if (!card) return;
    const isUnreadable = error.status === undefined;
    const why = error.isHuge ? t('media.huge') : isUnreadable ? t('media.unreadable') : refusalOf(error);
    const again = () => {
      fill(card, button);
      this.#waiting.set(button, file);
      this.#sight.observe(button);
    };
    card.classList.remove('has-picture');
    fill(
      card,
      h('span', { class: 'media-sign' }, icon('image')),
      h(
        'span',
        { class: 'media-name' },
        h('small', { class: 'media-state' }, why),
        isUnreadable ? this.#downloadButton(file) : h('button', { type: 'button', class: 'plain', onclick: again }, t('any.try_again')),
      ),
    );
  }

  #keep(id, canvas) {
    this.#drawn.set(id, canvas);
    for (const old of this.#drawn.keys()) {
      if (this.#drawn.size <= MOST_KEPT) break;
      this.#drawn.delete(old);
    }
  }

  /** Draws a picture of which the page has the bytes, so that it is not asked for again. */
  async draw(id, blob) {
    if (this.#drawn.has(id) || !DRAWN.has(blob.type)) return;
    const canvas = await thumbnail(blob).catch(() => null);
    if (canvas) this.#keep(id, canvas);
  }

  /** A drawing of a picture that is about to be sent; null where it cannot be had. */
  async picture(id, blob) {
    if (blob) await this.draw(id, blob);
    else if (!this.#drawn.has(id)) await this.#api.bytes(id).then((bytes) => this.draw(id, bytes), () => {});
    const canvas = this.#drawn.get(id);
    return canvas ? copyOf(canvas) : null;
  }

  // --- players -----------------------------------------------------------------------------------------------------

  #player(card, file, kind) {
    const name = file.caption || file.name || nameOf(card).textContent;
    const status = h('small', { class: 'media-state', role: 'status' });
    const play = h('button', { type: 'button', class: 'media-play', 'aria-label': t('media.play', { name }) }, icon('play'));
    const sign = card.querySelector('.media-sign');
    play.addEventListener('click', async () => {
      play.disabled = true;
      status.textContent = t('any.loading');
      try {
        const address = await this.#api.link(file.media_id);
        status.textContent = '';
        this.#play(card, { file, kind, name, address });
      } catch (error) {
        status.textContent = refusalOf(error);
        play.disabled = false;
      }
    });
    sign.replaceWith(play);
    card.querySelector('.media-kind')?.remove();
    nameOf(card).append(h('small', null, sizeOf(file)), status);
  }

  #play(card, { file, kind, name, address }) {
    const player = h(kind, { controls: true, src: address, preload: 'metadata', class: `player player-${kind}`, 'aria-label': name, playsinline: kind === 'video' });
    const status = h('small', { class: 'media-state', role: 'status' });
    let renewed = false;
    player.addEventListener('error', async () => {
      // An address lasts for a while; after it another one goes on where this one ended. A file that no address helps cannot be played.
      const at = player.currentTime;
      if (renewed || player.error?.code === MediaError.MEDIA_ERR_DECODE || at === 0) return this.#unplayable(card, file, status);
      renewed = true;
      try {
        player.src = await this.#api.link(file.media_id);
        player.currentTime = at;
        await player.play();
      } catch (error) {
        if (error.name !== 'AbortError') status.textContent = refusalOf(error);
      }
      return undefined;
    });
    player.addEventListener('playing', () => {
      renewed = false;
      // One at a time.
      const players = /** @type {NodeListOf<HTMLMediaElement>} */ (document.querySelectorAll('audio, video'));
      for (const other of players) if (other !== player) other.pause();
    });
    const parts = [player];
    if (kind === 'audio') parts.push(speedButton(player));
    parts.push(status);
    this.#playing = { id: file.media_id, player, parts, isOn: false };
    const playing = this.#playing;
    player.addEventListener('play', () => (playing.isOn = true));
    player.addEventListener('pause', () => player.isConnected && (playing.isOn = false));
    card.classList.add('has-player');
    fill(card, parts);
    player.focus();
    player.play().catch(() => {});
  }

  // A player that is taken out of the page stops.
  #goOn(card) {
    const { player, parts, isOn } = this.#playing;
    card.classList.add('has-player');
    fill(card, parts);
    if (isOn) player.play().catch(() => {});
  }

  #unplayable(card, file, status) {
    card.classList.remove('has-player');
    this.#playing = null;
    status.textContent = t('media.unplayable');
    fill(card, h('span', { class: 'media-sign' }, icon('file')), h('span', { class: 'media-name' }, status, this.#downloadButton(file)));
  }

  // --- everything else ---------------------------------------------------------------------------------------------

  #document(card, file) {
    nameOf(card).append(h('small', null, sizeOf(file)), this.#downloadButton(file));
    card.querySelector('.media-kind')?.remove();
  }

  #downloadButton(file) {
    const label = t('media.download_one', { name: file.name || t('kind.document') });
    const run = async () => {
      button.disabled = true;
      await this.#download(file);
      button.disabled = false;
      button.focus();
    };
    const button = h('button', { type: 'button', class: 'plain media-download', 'aria-label': label, onclick: run }, icon('download'), t('media.download'));
    return button;
  }

  // By an address of its own: the browser writes it to the disk as it comes, and nothing of it is in memory.
  async #download(file) {
    try {
      const address = await this.#api.link(file.media_id);
      h('a', { href: address, download: file.name ?? '', rel: 'noopener' }).click();
    } catch (error) {
      this.#say(refusalOf(error), 'bad');
    }
  }
}

function refusalOf(error) {
  if (error.code === 'media_pending') return t('media.pending');
  if (error.code === 'media_removed' || error.status === 404) return t('media.removed');
  return error.status === undefined ? t('refusal.other') : sentenceOf(error);
}

function nameOf(card) {
  return card.querySelector('.media-name');
}

function sizeOf({ bytes, mime }) {
  const type = (mime ?? '').split(';')[0].split('/').pop();
  const short = type.length <= 5 ? type.toUpperCase() : '';
  return [short && isolated(short), bytes ? bytesText(bytes) : ''].filter(Boolean).join(' · ');
}

function speedButton(player) {
  const button = h('button', { type: 'button', class: 'plain media-speed' });
  const tell = () => {
    const speed = t('media.times', { times: player.playbackRate });
    button.textContent = speed;
    button.setAttribute('aria-label', t('media.speed', { speed }));
  };
  button.addEventListener('click', () => {
    const next = SPEEDS[(SPEEDS.indexOf(player.playbackRate) + 1) % SPEEDS.length];
    // A player that loads another address begins with its default.
    player.defaultPlaybackRate = next;
    player.playbackRate = next;
    tell();
  });
  tell();
  return button;
}

/** Pictures are decoded one after another: each takes four bytes a pixel until it is drawn small. */
let lastDrawn = Promise.resolve();

/** A small picture of a file, drawn by the browser. */
function thumbnail(blob) {
  const drawn = lastDrawn.then(() => drawSmall(blob));
  lastDrawn = drawn.then(
    () => {},
    () => {},
  );
  return drawn;
}

async function drawSmall(blob) {
  await demandDrawable(blob);
  const bitmap = await createImageBitmap(blob);
  const scale = Math.min(1, (WIDEST * devicePixelRatio) / bitmap.width, (HIGHEST * devicePixelRatio) / bitmap.height);
  const canvas = Object.assign(document.createElement('canvas'), {
    width: Math.max(1, Math.round(bitmap.width * scale)),
    height: Math.max(1, Math.round(bitmap.height * scale)),
  });
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

/** A node can stand in one place: a bubble that is made anew gets a drawing of its own. */
function copyOf(canvas) {
  const copy = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height });
  copy.getContext('2d').drawImage(canvas, 0, 0);
  copy.setAttribute('aria-hidden', 'true');
  return copy;
}
