// The same change to many contacts, a few at a time. No DOM in here.

const AT_ONCE = 3;
/** A call that is asked to wait is made again so often. */
const MOST_TRIES = 6;

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Runs `run(item)` for each of `items`: `{done, failed}`, with `failed` a list of `{item, error}`. `onStep(done, failed)` hears how many
 * so far. A refusal that would meet all of them ends it: those that were not tried are among the failed.
 *
 * @template Item
 * @param {Item[]} items
 * @param {(item: Item) => Promise<unknown>} run
 * @param {{signal?: AbortSignal, onStep?: (done: number, failed: number) => void, pause?: (ms: number) => Promise<unknown>}} [how]
 * @returns {Promise<{done: number, failed: {item: Item, error: any}[]}>}
 */
export async function changeAll(items, run, { signal, onStep = () => {}, pause = rest } = {}) {
  const waiting = [...items];
  const failed = [];
  let done = 0;
  /** Why nothing more is tried. */
  let end = null;
  const one = async (item) => {
    for (let tries = 1; ; tries += 1)
      try {
        return await run(item);
      } catch (error) {
        const mayPass = error.status === 429 || error.status === 503 || error.code === 'busy';
        if (!mayPass || tries === MOST_TRIES || signal?.aborted) throw error;
        await pause(error.wait ?? 1_000 * tries);
      }
  };
  const work = async () => {
    while (waiting.length > 0 && end === null && !signal?.aborted) {
      const item = waiting.shift();
      try {
        await one(item);
        done += 1;
      } catch (error) {
        failed.push({ item, error });
        if ([0, 401, 403].includes(error.status)) end = error;
      }
      onStep(done, failed.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (end !== null) failed.push(...waiting.map((item) => ({ item, error: end })));
  return { done, failed };
}

/** The reason that most of what failed has. */
export function mostFrequent(failed) {
  const counts = new Map();
  for (const { error } of failed) {
    const key = `${error.status} ${error.code} ${error.message}`;
    counts.set(key, { error, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((one, other) => other.count - one.count)[0]?.error ?? null;
}

/** Parts of at most so many. */
export function partsOf(items, most) {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, i) => items.slice(i * most, (i + 1) * most));
}
