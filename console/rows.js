// A conversation's row as events change it: given whole, or as a merge patch of what changed. Pure.

const FAILURES = ['failed', 'expired'];

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A merge patch (RFC 7396): `null` takes a field away, objects are gone into, everything else is replaced. */
export function merge(target, patch) {
  if (!isObject(patch)) return patch;
  const merged = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value);
  }
  return merged;
}

/** The conversation that an event is about. */
export function conversationOf(event) {
  return event.conversation_id ?? event.data.conversation?.id;
}

/**
 * The row after an event; `undefined` where the event tells only what changed, and what it was before is not known.
 * Every value in an event is absolute: one that the row holds already changes nothing, as long as all later ones follow.
 */
export function rowAfter(row, { kind, data }) {
  if (kind === 'status') return row && withDelivery(row, data);
  // The person's messages go on in another one.
  if (kind === 'contact' && row && row.id !== data.conversation.id) return { ...row, contact_id: data.contact.id };
  if (data.conversation) return whole(row, data);
  return row && merge(row, data.conversation_changes ?? {});
}

// An event tells the beginning of a message only if it is about that message.
function whole(row, { conversation, message }) {
  const shown = { ...conversation };
  if (message?.id !== shown.last_message_id && row?.last_message_id === shown.last_message_id) {
    shown.preview = row?.preview;
  }
  return shown;
}

// The list tells of a last message whether it failed.
function withDelivery(row, { message_id, state }) {
  if (row.last_message_id !== message_id) return row;
  return { ...row, last_message_failed: FAILURES.includes(state) };
}
