// What a change of the retention would do, of which the gateway tells a part at a time. No DOM in here.

const MOST_PARTS = 10_000;

const least = (one, other) => (one === null || (other !== null && other < one) ? other : one);
const most = (one, other) => (one === null || (other !== null && other > one) ? other : one);

/** Asks for all parts by `ask({days, cursor?})` and adds them up, until `signal` says that nobody wants to know any more. */
export async function addedUp(days, ask, signal) {
  let whole = null;
  let cursor = null;
  for (let part = 0; part < MOST_PARTS; part += 1) {
    const next = await ask(cursor === null ? { days } : { days, cursor });
    whole = whole === null ? next : joined(whole, next);
    signal?.throwIfAborted();
    cursor = next.next_cursor ?? null;
    if (cursor === null) return whole;
  }
  throw new Error('the preview has no end');
}

function joined(one, next) {
  return {
    ...one,
    messages: one.messages + next.messages,
    gone: one.gone + next.gone,
    gone_oldest: least(one.gone_oldest, next.gone_oldest),
    gone_newest: most(one.gone_newest, next.gone_newest),
    ends_first: least(one.ends_first, next.ends_first),
    ends_last: most(one.ends_last, next.ends_last),
  };
}
