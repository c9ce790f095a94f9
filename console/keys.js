// The keys of the page. Letters alone do nothing while one writes; on a Mac those with Alt neither, which write letters there: é, ł, ø.

/** Whether Alt with a letter writes another one. */
export const altWrites = () => /^(Mac|iP)/.test(navigator.platform);

/** Whether the details lie above the thread; else they are beside it. */
const isDrawer = () => window.matchMedia('(max-width: 68.74rem)').matches;

/** Listens for them. */
export function listenToKeys({ list, composer, head, dialogs, signInSheet, search, show, back, closeAbout, frame, preferences }) {
  const chords = {
    KeyJ: () => go(list.neighbour(1)),
    KeyK: () => go(list.neighbour(-1)),
    KeyL: () => frame.dataset.open === 'true' && composer.mode('reply'),
    KeyP: () => frame.dataset.open === 'true' && composer.mode('note'),
    KeyA: () => frame.dataset.open === 'true' && composer.attach(),
    KeyE: () => head.press(),
  };
  const go = (id) => id && show(id);

  document.addEventListener('keydown', (event) => {
    if (dialogs.isOpen || signInSheet.isOpen || frame.dataset.page !== 'inbox') return;
    const writing = /** @type {Element} */ (event.target).closest?.('input, textarea, select');
    if (writing && altWrites() && event.altKey) return;
    if (event.altKey && !event.ctrlKey && !event.metaKey && chords[event.code]) {
      event.preventDefault();
      chords[event.code]();
    } else if (event.key === 'Escape') {
      step();
    } else if (preferences.letters && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.key === '/') {
        event.preventDefault();
        search.focus();
      } else if (event.key === '?') {
        dialogs.keys();
      }
    }
  });

  /** One step back from wherever one is. */
  function step() {
    if (document.activeElement === search) {
      search.value = '';
      search.dispatchEvent(new Event('input'));
      search.blur();
    } else if (isDrawer() && frame.dataset.about === 'on') {
      closeAbout();
    } else if (!composer.escape()) {
      back();
    }
  }
}
