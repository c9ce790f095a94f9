// Styles that only some pages need.

/** Loads a style sheet once, and resolves when it holds. One that cannot be loaded is asked for again the next time. */
export function addStyle(name) {
  const href = `/console/${name}.css`;
  const known = /** @type {HTMLLinkElement | null} */ (document.querySelector(`link[href="${href}"]`));
  if (known?.sheet) return Promise.resolve();
  known?.remove();
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    Object.assign(link, { rel: 'stylesheet', href, onload: () => resolve(), onerror: () => (link.remove(), reject(new Error(href))) });
    // Where everything stands is said last.
    document.head.insertBefore(link, document.querySelector('link[href="/console/frame.css"]'));
  });
}
