// What a browser can record of a voice message.

/** Opus in OGG is the one form in which WhatsApp shows a recording as a voice message; of WebM it is made. */
const TYPES = ['audio/ogg;codecs=opus', 'audio/webm;codecs=opus'];

/** The form in which this browser records; null where it cannot. */
export function voiceType() {
  if (!navigator.mediaDevices?.getUserMedia) return null;
  return TYPES.find((type) => window.MediaRecorder?.isTypeSupported(type) === true) ?? null;
}
