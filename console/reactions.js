// A few emoji to answer a message with.

import { h } from './dom.js';
import { t } from './language.js';

/** Takes the choice that is open off the page. */
let taken = null;

const EMOJI = ['👍', '❤️', '🙏', '😂', '🎉'];

/** Opens the choice beside a button; `choose` gets the emoji. */
export function pickReaction(anchor, choose) {
  taken?.();
  const pick = h(
    'div',
    { class: 'pick', role: 'menu', 'aria-label': t('message.react') },
    EMOJI.map((emoji) =>
      h('button', { type: 'button', role: 'menuitem', onclick: () => (close(), choose(emoji)) }, emoji),
    ),
  );
  // Its message may have been made anew, and it with it.
  const leave = (event) => (pick.isConnected ? !pick.contains(event.target) && close() : remove());
  const escape = (event) => event.key === 'Escape' && (event.stopPropagation(), close());
  function remove() {
    pick.remove();
    document.removeEventListener('pointerdown', leave);
    taken = null;
  }
  function close() {
    remove();
    anchor.focus();
  }
  taken = remove;
  anchor.closest('.tools').append(pick);
  pick.addEventListener('keydown', escape);
  document.addEventListener('pointerdown', leave);
  pick.querySelector('button').focus();
}
