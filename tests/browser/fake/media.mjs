// Files on the fake gateway, as docs/api.md has them: those of messages, uploads by pieces, files at hand.

import { randomBytes } from 'node:crypto';

const hex = (bytes) => randomBytes(bytes).toString('hex');
const ok = (json, status = 200) => ({ status, json });
const error = (status, code, message = code) => ({ status, json: { error: { code, message } } });
const KINDS = { image: 'image', video: 'video', audio: 'audio' };
const kindOf = (mime) => (mime === 'image/webp' ? 'sticker' : (KINDS[mime.split('/')[0]] ?? 'document'));
const PIECE = 8 * 1_048_576;

export class Media {
  files = new Map();
  uploads = new Map();
  quick = new Map();
  links = new Map();
  /** Every call: "PUT uploads". */
  heard = [];
  /** What is refused: `{begin: [status, code], piece: [status, code], bytes: [status, code], link: [status, code], quick: [status, code]}`. */
  faults = {};

  /** A file that is there; gives it as a message shows it. */
  keep(mime, bytes, name) {
    const media_id = hex(16);
    this.files.set(media_id, { mime, bytes, name });
    return this.shown(media_id);
  }

  /** A file as a message shows it. */
  shown(media_id) {
    const { mime, bytes, name } = this.files.get(media_id);
    return { media_id, state: 'stored', mime, bytes: bytes.length, ...(name && { name }) };
  }

  /** The file that a message names, as it shows it; nothing for one without. */
  of(message) {
    const id = message[message.type]?.media_id;
    return this.files.has(id) ? this.shown(id) : undefined;
  }

  answer(method, [part, id, more], url, body) {
    this.heard.push(`${method} ${part}${more ? `/${more}` : ''}`);
    if (part === 'uploads') return this.#upload(method, id, url, body);
    if (part === 'quick-files') return this.#quick(method, id, body);
    const file = this.files.get(id);
    const fault = this.faults[more === 'link' ? 'link' : 'bytes'];
    if (fault) return error(...fault);
    if (!file) return error(404, 'not_found');
    if (more === 'link') {
      const token = hex(12);
      this.links.set(token, id);
      return ok({ url: `https://chat.example.com/media/${token}`, expires_in_s: 300 });
    }
    return this.#sent(file);
  }

  /** What a link gives, whole or a part of it. */
  followed(token, range) {
    const file = this.files.get(this.links.get(token));
    return file ? this.#sent(file, range) : error(404, 'not_found');
  }

  #sent({ mime, bytes, name }, range) {
    const headers = {
      'content-type': mime,
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name ?? 'file')}`,
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-store',
      'accept-ranges': 'bytes',
    };
    const asked = /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
    if (!asked) return { status: 200, raw: bytes, headers: { ...headers, 'content-length': bytes.length } };
    const [from, to] = [Number(asked[1]), Math.min(bytes.length - 1, asked[2] === '' ? Infinity : Number(asked[2]))];
    return { status: 206, raw: bytes.subarray(from, to + 1), headers: { ...headers, 'content-range': `bytes ${from}-${to}/${bytes.length}`, 'content-length': to - from + 1 } };
  }

  #upload(method, id, url, body) {
    if (method === 'POST') {
      if (this.faults.begin) return error(...this.faults.begin);
      const upload_id = hex(8);
      this.uploads.set(upload_id, { ...body, parts: [], offset: 0, media_id: null });
      return ok({ upload_id, offset: 0 }, 201);
    }
    const upload = this.uploads.get(id);
    if (!upload) return error(404, 'not_found');
    if (method === 'GET') return ok(this.#progress(upload));
    if (this.faults.piece) return error(...this.faults.piece);
    const bytes = body ?? Buffer.alloc(0);
    if (Number(url.searchParams.get('offset')) !== upload.offset) return ok(this.#progress(upload));
    if (bytes.length > PIECE || upload.offset + bytes.length > upload.bytes) return error(413, 'file_too_large');
    upload.parts.push(bytes);
    upload.offset += bytes.length;
    if (upload.offset === upload.bytes && upload.media_id === null) upload.media_id = this.keep(upload.mime, Buffer.concat(upload.parts), upload.name).media_id;
    return ok(this.#progress(upload));
  }

  #progress({ offset, bytes, mime, name, media_id }) {
    return media_id === null ? { offset, bytes } : { bytes, media_id, kind: kindOf(mime), mime, name };
  }

  #quick(method, shortcut, body) {
    if (method !== 'GET' && this.faults.quick) return error(...this.faults.quick);
    if (method === 'DELETE') return this.quick.delete(shortcut) ? ok({ shortcut }) : error(404, 'not_found');
    if (method === 'PUT') {
      if (!this.files.has(body.media_id)) return error(404, 'not_found');
      this.quick.set(shortcut, body.media_id);
    }
    const all = [...this.quick].map(([name, media_id]) => ({ shortcut: name, ...this.shown(media_id) }));
    const shown = all.map(({ state: _, ...file }) => file).sort((one, other) => (one.shortcut < other.shortcut ? -1 : 1));
    return method === 'PUT' ? ok(shown.find((file) => file.shortcut === shortcut), 201) : ok({ quick_files: shown });
  }
}
