// What stands for the customer, the agent and what is known of the customer in a canned reply: `{{name}}`, `{{agent}}`, `{{attribute.city}}`. Pure.

const HOLE = /\{\{\s*(name|agent|attribute\.([a-z0-9_]{1,64}))\s*\}\}/;

/** The text with its holes filled; one that nothing is known for stays. `values` are `{name, agent, attributes}`. */
export function filled(text, { name, agent, attributes = {} }) {
  const known = { name, agent };
  return text.replace(new RegExp(HOLE, 'g'), (hole, key, attribute) => {
    const value = attribute === undefined ? known[key] : Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
    return typeof value === 'number' || (typeof value === 'string' && value !== '') ? String(value) : hole;
  });
}

/** Where the first hole of a text is: `[start, end]`, or null. */
export function firstHole(text) {
  const found = HOLE.exec(text);
  return found && [found.index, found.index + found[0].length];
}
