// What stands for the customer, the agent and what is known of the customer in a canned reply: `{{name}}`, `{{agent}}`, `{{attribute.city}}`. Pure.

const HOLE = /\{\{\s*([^{}\s][^{}\n]{0,79}?)\s*\}\}/g;
const ATTRIBUTE = /^attribute\.([a-z0-9_]{1,64})$/;

/** The first hole of a text that stands for nothing, such as `{{nombre}}`; null if there is none. */
export function unknownHole(text) {
  return [...text.matchAll(HOLE)].find(([, key]) => !['name', 'agent'].includes(key) && !ATTRIBUTE.test(key))?.[0] ?? null;
}

/**
 * What a text becomes: `{text, left}`. A hole that nothing is known for stays, and is in `left`; what was filled in is none, whatever it
 * looks like. `values` are `{name, agent, attributes}`.
 */
export function fillIn(text, { name, agent, attributes = {} }) {
  const known = { name, agent };
  const left = [];
  const filled = text.replace(HOLE, (hole, key) => {
    const attribute = ATTRIBUTE.exec(key)?.[1];
    const [from, what] = attribute === undefined ? [known, key] : [attributes, attribute];
    const value = Object.hasOwn(from, what) ? from[what] : undefined;
    if (typeof value === 'number' || (typeof value === 'string' && value !== '')) return String(value);
    left.push(hole);
    return hole;
  });
  return { text: filled, left };
}

/** Where the first of `holes` is in a text: `[start, end]`, or null. */
export function firstHole(text, holes) {
  const found = holes.map((hole) => [text.indexOf(hole), hole]).filter(([at]) => at >= 0);
  if (found.length === 0) return null;
  const [at, hole] = found.reduce((one, other) => (other[0] < one[0] ? other : one));
  return [at, at + hole.length];
}
