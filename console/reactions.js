// A few emoji to answer a message with.

import { h } from './dom.js';
import { t } from './language.js';

const EMOJI = ['👍', '❤️', '🙏', '😂', '🎉'];

/** Opens the choice beside a button; `choose` gets the emoji. */
export function pickReaction(anchor, choose) {
  document.querySelector('.pick')?.remove();
  const pick = h(
    'div',
    { class: 'pick', role: 'menu', 'aria-label': t('message.react') },
    EMOJI.map((emoji) =>
      h('button', { type: 'button', role: 'menuitem', onclick: () => (close(), choose(emoji)) }, emoji),
    ),
  );
  const leave = (event) => !pick.contains(event.target) && close();
  const escape = (event) => event.key === 'Escape' && (event.stopPropagation(), close());
  function close() {
    pick.remove();
    document.removeEventListener('pointerdown', leave);
    anchor.focus();
  }
  anchor.closest('.tools').append(pick);
  pick.addEventListener('keydown', escape);
  document.addEventListener('pointerdown', leave);
  pick.querySelector('button').focus();
}
