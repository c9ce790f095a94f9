// The server side of WebSockets, as far as the page needs it: text frames, ping, close. RFC 6455.

import { createHash } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Answers an upgrade and gives the open connection. */
export function accept(request, stream, protocol) {
  const key = createHash('sha1')
    .update(request.headers['sec-websocket-key'] + GUID)
    .digest('base64');
  stream.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  );
  return new Connection(stream);
}

/** Refuses an upgrade. */
export function refuse(stream, status) {
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** One connection: `onText`, `onEnd` are the owner's. */
export class Connection {
  onText = () => {};
  onEnd = () => {};
  #stream;
  #rest = Buffer.alloc(0);

  constructor(stream) {
    this.#stream = stream;
    stream.on('data', (chunk) => this.#read(chunk));
    stream.on('close', () => this.onEnd());
    stream.on('error', () => stream.destroy());
  }

  /** Sends an object as JSON text. */
  say(frame) {
    this.#write(TEXT, Buffer.from(JSON.stringify(frame)));
  }

  /** Closes with a code. */
  close(code) {
    const body = Buffer.alloc(2);
    body.writeUInt16BE(code);
    this.#write(CLOSE, body);
    this.#stream.end();
  }

  /** Cuts the line without a word. */
  cut() {
    this.#stream.destroy();
  }

  #write(kind, body) {
    if (this.#stream.destroyed || !this.#stream.writable) return;
    let head;
    if (body.length < 126) {
      head = Buffer.from([0x80 | kind, body.length]);
    } else if (body.length < 65_536) {
      head = Buffer.alloc(4);
      head[0] = 0x80 | kind;
      head[1] = 126;
      head.writeUInt16BE(body.length, 2);
    } else {
      head = Buffer.alloc(10);
      head[0] = 0x80 | kind;
      head[1] = 127;
      head.writeBigUInt64BE(BigInt(body.length), 2);
    }
    this.#stream.write(Buffer.concat([head, body]));
  }

  #read(chunk) {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const frame = this.#next();
      if (!frame) return;
      if (frame.kind === TEXT) this.onText(frame.body.toString());
      else if (frame.kind === PING) this.#write(PONG, frame.body);
      else if (frame.kind === CLOSE) {
        this.#write(CLOSE, frame.body);
        this.#stream.end();
      }
    }
  }

  #next() {
    const bytes = this.#rest;
    if (bytes.length < 6) return null;
    let length = bytes[1] & 0x7f;
    let at = 2;
    if (length === 126) {
      length = bytes.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (bytes.length < 14) return null;
      length = Number(bytes.readBigUInt64BE(2));
      at = 10;
    }
    const end = at + 4 + length;
    if (bytes.length < end) return null;
    const mask = bytes.subarray(at, at + 4);
    const body = Buffer.from(bytes.subarray(at + 4, end));
    for (let i = 0; i < body.length; i += 1) body[i] ^= mask[i % 4];
    this.#rest = bytes.subarray(end);
    return { kind: bytes[0] & 0x0f, body };
  }
}
