// Making elements. Text becomes text nodes, always: there is no way in here for a string to become markup.

/**
 * An element with properties and children. A function under `on…` listens, `true` sets an empty attribute, nothing
 * (`null`, `undefined`, `false`) is left out. Children are nodes, texts, nothing, or lists of these.
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  set(element, properties);
  element.append(...nodes(children));
  return element;
}

function set(element, properties) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false && child !== '');
}

/** Makes the children of an element exactly these nodes, moving as few as it can. */
export function fill(parent, ...children) {
  let place = parent.firstChild;
  for (const child of nodes(children)) {
    const node = child instanceof Node ? child : document.createTextNode(child);
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

/** Sets a text only if it differs, so that nothing is announced twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Keeps nodes by key, and makes one anew only when something that it shows has changed. */
export class Cache {
  #nodes = new Map();
  #used = new Set();

  /**
   * The node of a key; `shown` is everything that `make` looks at, compared by identity. `make` gets the node that was there
   * before, and may change and return it: a node that stays keeps its focus, and a press that has begun on it.
   */
  get(key, shown, make) {
    this.#used.add(key);
    const known = this.#nodes.get(key);
    if (known && known.shown.length === shown.length && known.shown.every((value, i) => value === shown[i]))
      return known.node;
    const node = make(known?.node);
    this.#nodes.set(key, { node, shown });
    return node;
  }

  /** Forgets the nodes that were not asked for since the last sweep. */
  sweep() {
    for (const key of this.#nodes.keys()) if (!this.#used.has(key)) this.#nodes.delete(key);
    this.#used.clear();
  }
}
