// Reading the list of templates: in pages, of which the gateway may give short ones, and in no order.

const PAGE = 200;
/** Pages that are read on for the first that has something in it. */
const MOST_EMPTY = 20;

/** A page of templates after `cursor`: `{templates, cursor}`, ordered by name and language. */
export async function readTemplates(ask, wanted, cursor = null) {
  const templates = [];
  let next = cursor;
  for (let pages = 0; pages < MOST_EMPTY && (pages === 0 || (next !== null && templates.length === 0)); pages += 1) {
    const query = Object.entries({ ...wanted, limit: PAGE, cursor: next }).filter(([, value]) => value !== null && value !== undefined && String(value).trim() !== '');
    const page = await ask('GET', `/v1/templates?${new URLSearchParams(query.map(([name, value]) => [name, String(value).trim()]))}`);
    templates.push(...page.templates);
    next = page.next_cursor ?? null;
  }
  return { templates: inOrder(templates), cursor: next };
}

/** Templates by name and language. */
export function inOrder(templates) {
  return templates.toSorted((one, other) => one.name.localeCompare(other.name) || one.language.localeCompare(other.language));
}
