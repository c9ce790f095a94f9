// The files of a contact, newest first: those of its conversations' messages, found page by page.

import { sentenceOf } from '../account.js';
import { contentOf } from '../content.js';
import { t } from '../language.js';
import { moment } from '../time.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { Press } from './parts.js';

/** One press reads so many pages at most, and stops once it has found enough. */
const MOST_PAGES = 5;
const ENOUGH = 12;
const PAGE = 100;

/**
 * Reads on in several conversations: `places` says where, `[{id, before}]`, and what comes back is `{found, places}`; a conversation of which
 * all is read is no place any more. The one whose next page is newest cannot be told, so they take turns.
 *
 * @param {(path: string) => Promise<{messages: any[], next_cursor?: string | null}>} read
 * @param {{id: string, before: string | null}[]} places
 */
export async function readFiles(read, places) {
  const found = [];
  let left = places;
  for (let pages = 0; pages < MOST_PAGES && left.length > 0 && found.length < ENOUGH; pages += 1) {
    const [{ id, before }, ...others] = left;
    const query = new URLSearchParams({ limit: String(PAGE), ...(before !== null && { before }) });
    const page = await read(`/v1/conversations/${encodeURIComponent(id)}/messages?${query}`);
    found.push(...page.messages.filter(({ media }) => media));
    left = page.next_cursor ? [...others, { id, before: page.next_cursor }] : others;
  }
  return { found, places: left };
}

/** `conversations` are those of the contact that the person may see. */
export function Files({ contact, conversations, context }) {
  const { ask, mediaView } = context;
  const begin = () => ({ files: [], places: conversations.map(({ id }) => ({ id, before: null })), isBegun: false });
  const [state, setState] = useState(begin);
  const [problem, setProblem] = useState('');
  const shown = useRef(contact.id);
  useEffect(() => {
    shown.current = contact.id;
    setState(begin);
    setProblem('');
  }, [contact.id, conversations.length]);
  const read = async () => {
    setProblem('');
    const of = contact.id;
    try {
      const { found, places } = await readFiles((path) => ask('GET', path), state.places);
      if (shown.current !== of) return;
      const files = [...state.files, ...found].sort((one, other) => other.created - one.created);
      setState({ files, places, isBegun: true });
    } catch (error) {
      if (shown.current === of) setProblem(sentenceOf(error));
    }
  };
  if (conversations.length === 0) return false;
  const { files, places, isBegun } = state;
  const isDone = places.length === 0;
  const text = files.length > 0 ? '' : t(isDone ? 'contact.no_files' : 'contact.no_files_yet');
  return html`
    <section class="contact-files" aria-label=${t('contact.files')}>
      <h3>${t('contact.files')}</h3>
      ${files.length > 0 && html`<ul>${files.map((message) => html`<${FileOf} key=${message.id} message=${message} view=${mediaView} />`)}</ul>`}
      <p class="quiet" role="status">${isBegun ? text : ''}</p>
      <p class="page-problem" role="alert">${problem}</p>
      ${!isDone && html`<p><${Press} label=${t(isBegun ? 'contact.older_files' : 'contact.show_files')} run=${read} /></p>`}
    </section>
  `;
}

/** A file as the thread shows it, and when it came or went. */
function FileOf({ message, view }) {
  const place = useRef(null);
  useEffect(() => {
    const show = (card, about) => view().then((media) => media.show(card, about), () => {});
    place.current.replaceChildren(...[contentOf(message.content, { file: message.media, show, showTemplate: () => {} })].flat().filter(Boolean));
  }, [message.id, message.media.state]);
  return html`<li data-message=${message.id}><div ref=${place}></div><span class="quiet">${t(message.direction === 'inbound' ? 'contact.file_came' : 'contact.file_went', { when: moment(message.created, Date.now()) })}</span></li>`;
}
