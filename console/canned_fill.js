// What stands for the customer, the agent and what is known of the customer in a canned reply: `{{name}}`, `{{agent}}`, `{{attribute.city}}`. Pure.

const HOLE = /\{\{\s*(name|agent|attribute\.([a-z0-9_]{1,64}))\s*\}\}/;

/**
 * What a text becomes: `{text, left}`. A hole that nothing is known for stays, and is in `left`; what was filled in is none, whatever it
 * looks like. `values` are `{name, agent, attributes}`.
 */
export function fillIn(text, { name, agent, attributes = {} }) {
  const known = { name, agent };
  const left = [];
  const filled = text.replace(new RegExp(HOLE, 'g'), (hole, key, attribute) => {
    const value = attribute === undefined ? known[key] : Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
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
