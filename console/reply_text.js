// A text that is being written, as a message. Pure.

/** As many characters as WhatsApp takes. */
export const MOST = 4096;

/** How many characters a text has: Meta and the gateway do not count the halves of which JavaScript counts two for an emoji. */
export function lengthOf(text) {
  return [...text.trim()].length;
}

/** Whether a text can be sent. */
export function sendable(text) {
  const length = lengthOf(text);
  return length > 0 && length <= MOST;
}

/** The message of a text, which may answer another one. */
export function messageOf(text, quoted) {
  const message = { type: 'text', text: { body: text } };
  if (quoted?.wamid) message.context = { message_id: quoted.wamid };
  return message;
}
