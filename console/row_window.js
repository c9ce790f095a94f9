// Which rows of a list are in view, where rows are of different heights. No DOM in here.

/** A row that was never shown is taken for as high as most. */
const USUAL = 90;

export class RowWindow {
  #heights = new Map();

  /** Notes how high a row is. */
  measured(id, height) {
    if (height > 0) this.#heights.set(id, height);
  }

  #heightOf(id) {
    return this.#heights.get(id) ?? USUAL;
  }

  /**
   * Of rows in their order, those from `from` to before `to` are in view at `top`, or `spare` rows beside it; `above` and `below` is
   * how much room the others take.
   */
  of(ids, { top, room, spare = 10 }) {
    let at = 0;
    const tops = ids.map((id) => {
      const before = at;
      at += this.#heightOf(id);
      return before;
    });
    let first = 0;
    while (first < ids.length - 1 && tops[first + 1] <= top) first += 1;
    let last = first;
    while (last < ids.length && tops[last] < top + room) last += 1;
    const [from, to] = [Math.max(0, first - spare), Math.min(ids.length, last + spare)];
    this.#forget(ids);
    return { from, to, above: tops[from] ?? 0, below: at - (tops[to] ?? at) };
  }

  /** Where a row begins and ends. */
  place(ids, index) {
    const top = ids.slice(0, index).reduce((sum, id) => sum + this.#heightOf(id), 0);
    return { top, bottom: top + this.#heightOf(ids[index]) };
  }

  // Rows that come and go for days: those that are listed no more are forgotten now and then.
  #forget(ids) {
    if (this.#heights.size <= 2 * ids.length + 100) return;
    const listed = new Set(ids);
    for (const id of this.#heights.keys()) if (!listed.has(id)) this.#heights.delete(id);
  }
}
