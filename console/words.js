// Text as WhatsApp shows it: *bold*, _italic_, ~struck~, `code`, links. Built from text nodes alone.

import { h } from './dom.js';

const PATTERN = new RegExp(
  [
    String.raw`\u0060{3}([\s\S]+?)\u0060{3}`,
    String.raw`\u0060([^\u0060\n]+)\u0060`,
    String.raw`(?<![\p{L}\p{N}])([*_~])(?=\S)((?:(?!\3)[^\n])*?\S)\3(?![\p{L}\p{N}])`,
    String.raw`(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'’*_~])`,
  ].join('|'),
  'gu',
);
const MARKS = { '*': 'strong', _: 'em', '~': 's' };
const EMOJI_ALONE =
  /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D|\p{Emoji_Modifier}|\p{Extended_Pictographic})*\s*){1,3}$/u;

/** The nodes of a text. */
export function words(text) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(PATTERN)) {
    if (found.index > done) nodes.push(text.slice(done, found.index));
    const [all, block, code, mark, marked, link] = found;
    if (block !== undefined) nodes.push(h('code', { class: 'block' }, block));
    else if (code !== undefined) nodes.push(h('code', null, code));
    else if (mark !== undefined) nodes.push(h(MARKS[mark], null, words(marked)));
    else nodes.push(anchor(link, link));
    done = found.index + all.length;
  }
  if (done < text.length) nodes.push(text.slice(done));
  return nodes;
}

/** A link that leads out, if its address is one for the web; else its words alone. */
export function anchor(address, ...children) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return children;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return children;
  return h('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, children);
}

// Whether a text is nothing but a few emoji, which are shown large.
function isEmojiAlone(text) {
  return text.length <= 40 && EMOJI_ALONE.test(text.trim());
}

/** Text in its own direction, with WhatsApp's marks and links. */
export function prose(text, mayBeLarge = false) {
  const large = mayBeLarge && isEmojiAlone(text);
  return h('p', { class: large ? 'prose large' : 'prose', dir: 'auto' }, words(text));
}
