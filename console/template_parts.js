// What the page of the templates and the composer's picker have in common: how a template stands, and how the customer sees it.

import { sentenceOf } from './account.js';
import { has, t } from './language.js';
import { Icon } from './parts.js';
import { exact } from './time.js';
import { html, useLayoutEffect, useRef } from './view.js';
import { words } from './words.js';
import { fill } from './dom.js';

const TONES = { APPROVED: 'good', PENDING: 'doubtful', IN_APPEAL: 'doubtful', PAUSED: 'doubtful', REJECTED: 'bad', DISABLED: 'bad', LIMIT_EXCEEDED: 'bad' };
const HEADER_SIGNS = { image: 'image', video: 'video', document: 'file', location: 'pin' };
const BUTTON_SIGNS = { URL: 'link', PHONE_NUMBER: 'number', QUICK_REPLY: 'reply', COPY_CODE: 'copy', OTP: 'copy', FLOW: 'form', CATALOG: 'cart' };

/** A word of Meta's in the page's language; one that the page does not know as it is. */
export const named = (group, word) => (has(`${group}.${word}`) ? t(`${group}.${word}`) : word);

/** How a template stands with Meta. */
export function Status({ status }) {
  return html`<span class=${`template-status verdict-${TONES[status] ?? 'doubtful'}`}>${named('template_status', status)}</span>`;
}

/** Why WhatsApp, or the gateway, did not take a template. */
export function refusalOf(error) {
  const { limit, until, meta } = error.more ?? {};
  if (error.code === 'template_limit' && has(`editor.limit.${limit}`)) return t(`editor.limit.${limit}`, { until: until ? exact(until) : '' });
  const { title, details } = meta ?? {};
  return error.code === 'meta_refused' ? t('editor.refused', { why: [title, details].filter(Boolean).join(': ') || error.message }) : sentenceOf(error);
}

let languages = null;

/** A language as people call it: "Portuguese (Brazil)", with Meta's word for it. */
export function languageName(code, locale = document.documentElement.lang) {
  if (languages?.resolvedOptions().locale !== locale) languages = new Intl.DisplayNames(locale, { type: 'language' });
  try {
    return languages.of(code.replace('_', '-')) ?? code;
  } catch {
    return code;
  }
}

/** Text as WhatsApp shows it. */
function Prose({ text }) {
  const place = useRef(null);
  useLayoutEffect(() => fill(place.current, words(text)), [text]);
  return html`<p class="prose" dir="auto" ref=${place}></p>`;
}

/** How the customer sees it. `picture(media_id)` gives a drawing of a picture of the header. */
export function TemplatePreview({ preview, label = t('fill.preview'), picture }) {
  const { offer, footer, cards = [] } = preview;
  return html`
    <section class="template-preview" aria-label=${label}>
      <div class="bubble">
        <${Header} header=${preview.header} picture=${picture} />
        ${offer && html`<p class="card-kind" dir="auto">${offer}</p>`}
        ${preview.body && html`<${Prose} text=${preview.body} />`}
        ${footer && html`<p class="quiet" dir="auto">${footer}</p>`}
        <${Buttons} buttons=${preview.buttons} />
      </div>
      ${cards.length > 0 &&
      html`
        <ol class="template-cards" tabindex="0" aria-label=${t('fill.cards')}>
          ${cards.map(
            (card, i) => html`
              <li key=${i} class="bubble">
                <${Header} header=${card.header} picture=${picture} />
                ${card.body && html`<${Prose} text=${card.body} />`}
                <${Buttons} buttons=${card.buttons} />
              </li>
            `,
          )}
        </ol>
      `}
    </section>
  `;
}

function Header({ header, picture }) {
  if (!header) return null;
  if (header.format === 'text') return html`<p class="card-title" dir="auto">${header.text}</p>`;
  return html`
    <div class="template-file">
      ${header.media_id && header.format === 'image' && picture ? html`<${Picture} id=${header.media_id} picture=${picture} />` : html`<${Icon} name=${HEADER_SIGNS[header.format] ?? 'file'} />`}
      <span dir="auto">${header.text || named('kind', header.format)}</span>
    </div>
  `;
}

function Picture({ id, picture }) {
  const place = useRef(null);
  useLayoutEffect(() => {
    let isThere = true;
    picture(id).then((canvas) => isThere && canvas && fill(place.current, canvas));
    return () => {
      isThere = false;
    };
  }, [id]);
  return html`<span class="template-picture" ref=${place}></span>`;
}

function Buttons({ buttons = [] }) {
  if (buttons.length === 0) return null;
  return html`
    <ul class="template-buttons">
      ${buttons.map(
        ({ type, text, value }, i) => html`
          <li key=${i}>
            <span class="chip"><${Icon} name=${BUTTON_SIGNS[type] ?? 'template'} /><bdi>${text || named('template_button', type)}</bdi></span>
            ${value && html`<small class="quiet" dir="ltr">${value}</small>`}
          </li>
        `,
      )}
    </ul>
  `;
}
