// The menu of somebody who is signed in, in the head of the inbox: a button with the name, and what stands below it.

import { fill, h } from './dom.js';
import { icon } from './icons.js';
import { nodes } from './language.js';
import { face } from './people.js';

/** What closes the menu that a place has now: the place and the page are listened to once, however often it is made anew. */
const CLOSES = new WeakMap();

/** Puts it into `place`. `what` says what the user is here; `entries` are `[label, run]`. */
export function personMenu(place, { user, what, entries }) {
  const choose = (run) => () => {
    close();
    run();
  };
  const list = h(
    'div',
    { class: 'menu', id: 'person-menu', hidden: true },
    h(
      'p',
      { class: 'menu-head' },
      h('strong', null, h('bdi', null, user.name)),
      h('bdi', null, user.email),
      h('span', null, what),
    ),
    entries.map(([label, run]) => h('button', { type: 'button', onclick: choose(run) }, label)),
  );
  const button = h(
    'button',
    {
      type: 'button',
      class: 'me-button',
      'aria-expanded': 'false',
      'aria-controls': 'person-menu',
      onclick: () => (list.hidden ? open() : close()),
    },
    face(user.name, user.user_id, 'small'),
    nodes('menu.account', { name: h('span', { class: 'me-name', dir: 'auto' }, user.name) }).map((part) =>
      typeof part === 'string' ? h('span', { class: 'hidden' }, part) : part,
    ),
    icon('chevron_down'),
  );

  function open() {
    list.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    list.querySelector('button').focus();
  }

  function close() {
    if (list.hidden) return;
    const inside = list.contains(document.activeElement);
    list.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    if (inside) button.focus();
  }

  const steps = { ArrowDown: 1, ArrowUp: -1 };
  list.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      close();
    } else if (steps[event.key]) {
      event.preventDefault();
      const all = [...list.querySelectorAll('button')];
      all.at((all.indexOf(document.activeElement) + steps[event.key]) % all.length).focus();
    }
  });
  if (!CLOSES.has(place)) {
    place.addEventListener('focusout', (event) => event.relatedTarget && !place.contains(event.relatedTarget) && CLOSES.get(place)());
    document.addEventListener('pointerdown', (event) => !place.contains(event.target) && CLOSES.get(place)());
  }
  CLOSES.set(place, close);
  fill(place, button, list);
}
