// The REST half of the fake gateway.

import { randomBytes } from 'node:crypto';
import { RIGHTS } from './business.mjs';

const ok = (json, status = 200) => ({ status, json });
const error = (status, code, message = code) => ({ status, json: { error: { code, message } } });
const API = { kind: 'api', key: 'demo' };

/** Answers one request: `{status, json}`. */
export function answer(gateway, method, url, body, headers) {
  const { ledger } = gateway;
  if (url.pathname === '/demo/session') {
    if (gateway.people && !gateway.demo) return error(404, 'not_found');
    return ok({ api_key: gateway.key, agent: 'ana', name: 'Ana', number: ledger.number, people: [{ name: 'Ana', email: 'ana@example.com' }], password: '', mails: null, ...gateway.demo });
  }
  if (url.pathname === '/v1/sign-up' && method === 'GET' && !gateway.people) return ok({ mode: 'closed', demo: true, has_session: false });
  const path = url.pathname.split('/').slice(2);
  if (url.pathname === '/readyz') return ok(gateway.operators.ready, gateway.operators.ready.status === 'ready' ? 200 : 503);
  if (path[0] === 'admin') return gateway.operators.answer(method, path.slice(1), url.searchParams, body, headers);
  if (gateway.people) return ofPerson(gateway, { method, url, path, body, headers });
  if (headers.authorization !== `Bearer ${gateway.key}`) return error(401, 'unauthorized');
  const contacts = gateway.contacts.answer({ method, path, url, body, headers, rights: ['read', 'answer', 'manage_business'], user: 'ana' });
  return contacts ?? ofTenant(gateway, { method, url, path, body, headers, agent: { id: body?.agent, name: body?.name } });
}

/** A call by somebody who signs in, or has. */
function ofPerson(gateway, { method, url, path, body, headers }) {
  try {
    const answered = gateway.people.answer(method, path, body ?? Object.fromEntries(url.searchParams), headers);
    if (method === 'GET' && url.pathname === '/v1/sign-up' && answered?.status === 200) Object.assign(answered.json, { demo: gateway.demo !== null, has_session: /__Host-mesej=./.test(headers.cookie ?? '') });
    if (answered && method === 'GET' && url.pathname === '/v1/session' && answered.json.user) answered.json.subscription = gateway.business.subscription;
    if (answered) return answered;
    const { user, tenant, role, token } = gateway.people.seat(method, headers);
    const isTicket = method === 'POST' && path[0] === 'ws';
    if (role === 'read_only' && method !== 'GET' && !isTicket) return error(403, 'forbidden');
    if (isTicket && Object.keys(body).length > 0) return error(400, 'invalid_request', 'unknown field `agent`');
    const managed = gateway.business.answer(gateway.ledger, tenant, { method, path, url, body, role, user });
    if (managed) return managed;
    if (path[0] === 'broadcasts') return gateway.broadcasts.answer({ method, path, url, body, rights: RIGHTS[role], by: { kind: 'agent', id: user.id } });
    const contacts = gateway.contacts.answer({ method, path, url, body, headers, rights: RIGHTS[role], user: user.id });
    if (contacts) return contacts;
    const agent = { id: user.id, name: user.name, token, readOnly: role === 'read_only', mayManage: RIGHTS[role].includes('manage_business') };
    return ofTenant(gateway, { method, url, path, body, agent, headers });
  } catch (refusal) {
    if (!refusal.answer) throw refusal;
    return refusal.answer;
  }
}

function ofTenant(gateway, { method, url, path, body, agent, headers }) {
  const { ledger } = gateway;
  if (['templates', 'template-library'].includes(path[0])) return gateway.templates.answer(method, path, url, body, agent.mayManage !== false);
  if (['media', 'uploads', 'quick-files'].includes(path[0])) return gateway.media.answer(method, path, url, body);
  const call = `${method} ${path[0]}${path.length > 2 ? `/${path[2]}` : path.length > 1 && path[0] !== 'ws' ? '/one' : ''}`;
  switch (call) {
    case 'POST ws':
      return ticket(gateway, agent);
    case 'GET conversations':
      return conversations(ledger, url.searchParams);
    case 'GET conversations/one':
      return ledger.conversations.has(path[1]) ? ok(withContact(ledger, path[1])) : error(404, 'not_found');
    case 'GET conversations/messages':
      return messages(ledger, path[1], url.searchParams);
    case 'GET messages/one':
      return message(gateway, path[1]);
    case 'DELETE messages/one':
      return withdraw(ledger, path[1]);
    case 'POST messages/resolve':
      return resolve(gateway, path[1], body);
    case 'GET events':
      return events(ledger, url.searchParams);
    case 'GET numbers':
      return ok({ numbers: [{ ...ledger.shownNumber, lane: ledger.lane }, ...ledger.otherNumbers] });
    case 'POST messages':
      return send(gateway, body, headers);
    case 'GET canned-replies':
      return cannedReplies(gateway, url.searchParams);
    case 'PUT canned-replies/one':
      return putCannedReply(gateway, path[1], body);
    case 'DELETE canned-replies/one':
      return deleteCannedReply(gateway, path[1]);
    default:
      return error(404, 'not_found');
  }
}

function ticket(gateway, agent) {
  if (gateway.faults.ticket) return error(gateway.faults.ticket, 'unavailable');
  const ticket = randomBytes(8).toString('hex');
  gateway.tickets.set(ticket, agent);
  return ok({ ticket, expires_in_s: 30 });
}

function withContact(ledger, id) {
  const conversation = ledger.conversations.get(id);
  return { ...conversation, contact: ledger.contacts.get(conversation.contact_id) };
}

function conversations(ledger, query) {
  const limit = Number(query.get('limit') ?? 50);
  const from = Number(query.get('cursor') ?? 0);
  const all = [...ledger.conversations.values()].sort((one, other) => other.last_activity - one.last_activity);
  const rows = all.slice(from, from + limit).map((row) => withContact(ledger, row.id));
  const next_cursor = from + limit < all.length ? String(from + limit) : null;
  return ok({ conversations: rows, next_cursor, epoch: ledger.epoch, as_of_seq: ledger.head });
}

function messages(ledger, id, query) {
  const list = ledger.messages.get(id);
  if (!list) return error(404, 'not_found');
  const limit = Number(query.get('limit') ?? 50);
  const before = query.get('before');
  const older = [...list]
    .sort((one, other) => (one.id < other.id ? 1 : -1))
    .filter((row) => !before || row.id < before);
  const rows = older.slice(0, limit);
  const next_cursor = older.length > limit ? rows.at(-1).id : null;
  return ok({ messages: rows, next_cursor, epoch: ledger.epoch, as_of_seq: ledger.head });
}

function events(ledger, query) {
  const after = Number(query.get('after') ?? 0);
  const list = ledger.events.slice(after, after + Number(query.get('limit') ?? 100));
  return ok({ events: list, next_after: after + list.length, epoch: ledger.epoch, as_of_seq: ledger.head });
}

function message(gateway, id) {
  const found = gateway.ledger.find(id);
  if (!found) return error(404, 'not_found');
  const waits = ['queued', 'claimed'].includes(found.delivery?.state);
  const delay = gateway.delays.get(id) ?? { reason: 'queued', expected_at: null };
  return ok({ ...found, ...(waits && { delay }) });
}

function withdraw(ledger, id) {
  const found = ledger.find(id);
  if (found?.delivery?.state !== 'queued') return error(409, 'already_claimed', 'It is already on its way.');
  ledger.move(found, 'cancelled');
  return ok({});
}

function resolve(gateway, id, body) {
  const found = gateway.ledger.find(id);
  if (found?.delivery?.state !== 'unknown') return error(409, 'not_unknown');
  if (body.action === 'send_again') gateway.travel(found);
  else {
    found.delivery.gave_up = Date.now();
    gateway.ledger.move(found, 'unknown');
  }
  return ok({});
}

function send(gateway, body, headers) {
  if (gateway.faults.send) return error(...gateway.faults.send);
  const key = headers?.['idempotency-key'];
  if (gateway.accepted.has(key)) return gateway.accepted.get(key);
  const { ledger } = gateway;
  const known = [...ledger.contacts.values()].find((one) => body.to && `+${one.phone}` === body.to);
  const there = [...ledger.conversations.values()].find((one) => known && one.contact_id === known.id && one.number === body.number);
  const sent = gateway.ledger.submit(
    body.conversation_id ?? there?.id ?? ledger.begin(known.id),
    { type: body.type, [body.type]: body[body.type] },
    { author: API },
  );
  gateway.travel(sent);
  const accepted = ok({ message_id: sent.id, conversation_id: sent.conversation_id, state: 'queued' }, 202);
  if (key) gateway.accepted.set(key, accepted);
  return accepted;
}

function cannedReplies({ ledger, faults }, query) {
  if (faults.cannedReplies) return error(faults.cannedReplies, 'unavailable');
  const limit = Math.min(Number(query.get('limit') ?? 100), faults.cannedPage ?? 500);
  const after = query.get('cursor') ?? '';
  const rest = [...ledger.cannedReplies.values()]
    .sort((one, other) => (one.shortcut < other.shortcut ? -1 : 1))
    .filter((one) => one.shortcut > after);
  const canned_replies = rest.slice(0, limit);
  return ok({ canned_replies, next_cursor: rest.length > limit ? canned_replies.at(-1).shortcut : null });
}

function putCannedReply({ ledger, faults, people }, shortcut, { text, private: isPrivate = false }) {
  if (faults.changeCannedReply) return error(...faults.changeCannedReply);
  if (isPrivate && !people) return error(400, 'invalid_request', 'a program has no replies of its own');
  const isNew = !ledger.cannedReplies.has(shortcut);
  return ok(ledger.putCannedReply(shortcut, text, API, isPrivate), isNew ? 201 : 200);
}

function deleteCannedReply({ ledger, faults }, shortcut) {
  if (faults.changeCannedReply) return error(...faults.changeCannedReply);
  return ledger.cannedReplies.delete(shortcut) ? ok({ shortcut }) : error(404, 'not_found');
}
