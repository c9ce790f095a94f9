import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CannedReplies, findReplies, isShortcut, sentenceOf } from '../../../console/canned.js';
import { fillIn, firstHole, unknownHole } from '../../../console/canned_fill.js';
import { ApiError } from '../../../console/http.js';
import { addTexts } from '../../../console/language.js';
import '../english.mjs';

await addTexts('canned');

const reply = (shortcut, text = shortcut) => ({ shortcut, text });
const shortcuts = (replies) => replies.map((one) => one.shortcut);

/** The gateway's calls over a map; `pages` are cut after two replies. `hold()` keeps the next page back, and resolves with what lets it go. */
class Shelf {
  kept = new Map();
  asked = [];
  quick = [];
  refusal = null;
  #held = null;

  constructor(...replies) {
    for (const one of replies) this.kept.set(one.shortcut, one);
  }

  hold() {
    return new Promise((reached) => {
      this.#held = reached;
    });
  }

  async cannedReplies(cursor) {
    this.asked.push(cursor);
    const after = [...this.kept.values()]
      .sort((one, other) => (one.shortcut < other.shortcut ? -1 : 1))
      .filter((one) => !cursor || one.shortcut > cursor);
    const page = { canned_replies: after.slice(0, 2), next_cursor: after.length > 2 ? after[1].shortcut : null };
    if (this.#held) {
      const reached = this.#held;
      this.#held = null;
      await new Promise((goOn) => reached(goOn));
    }
    if (this.refusal) throw this.refusal;
    return page;
  }

  async quickFiles() {
    if (this.refusal) throw this.refusal;
    return this.quick;
  }

  async putCannedReply(shortcut, text) {
    if (this.refusal) throw this.refusal;
    this.kept.set(shortcut, reply(shortcut, text));
    return this.kept.get(shortcut);
  }

  async deleteCannedReply(shortcut) {
    if (this.refusal) throw this.refusal;
    if (!this.kept.delete(shortcut)) throw new ApiError(404, 'not_found', 'no canned reply has this shortcut');
  }
}

/** Canned replies over a shelf, and a promise for when they are not being read any more. */
function over(shelf) {
  let settle = () => {};
  const replies = new CannedReplies({ api: shelf, changed: () => !replies.loading && settle() });
  const settled = () => (replies.loading ? new Promise((resolve) => (settle = resolve)) : Promise.resolve());
  return { replies, settled };
}

test('a shortcut is what the gateway takes', () => {
  for (const good of ['hello', '1st', 'a', 'opening-hours_2', 'x'.repeat(32)]) assert.ok(isShortcut(good), good);
  for (const bad of ['', '-a', '_a', 'Hello', 'grüß', 'a b', 'a/b', 'a.b', 'a\n', 'x'.repeat(33)])
    assert.ok(!isShortcut(bad), bad);
});

test('shortcuts that begin with the query come before replies that hold it anywhere', () => {
  const all = [reply('address', 'Our opening hours are on the door'), reply('after-hours'), reply('hours'), reply('thanks')];
  assert.deepEqual(shortcuts(findReplies(all, 'hours')), ['hours', 'address', 'after-hours']);
  assert.deepEqual(shortcuts(findReplies(all, 'A')), ['address', 'after-hours', 'thanks']);
  assert.deepEqual(shortcuts(findReplies(all, 'opening h')), ['address']);
  assert.deepEqual(findReplies(all, ' '), all);
  assert.deepEqual(findReplies(all, 'nothing'), []);
});

test('a text is found without its accents and in any alphabet', () => {
  const all = [reply('a', 'Até amanhã'), reply('b', 'نحن مفتوحون')];
  assert.deepEqual(shortcuts(findReplies(all, 'amanha')), ['a']);
  assert.deepEqual(shortcuts(findReplies(all, 'مفتوحون')), ['b']);
});

test('all pages are read, once, when they are first needed', async () => {
  const shelf = new Shelf(reply('a'), reply('b'), reply('c'), reply('d'), reply('e'));
  const { replies, settled } = over(shelf);
  assert.equal(replies.state, 'unknown');
  replies.need();
  replies.need();
  await settled();
  replies.need();
  assert.deepEqual(shortcuts(replies.all), ['a', 'b', 'c', 'd', 'e']);
  assert.equal(replies.state, 'known');
  assert.deepEqual(shelf.asked, [null, 'b', 'd']);
});

test('a failure is told, and the next who needs them tries again', async () => {
  const shelf = new Shelf(reply('a'));
  shelf.refusal = new ApiError(503, 'unavailable', 'later');
  const { replies, settled } = over(shelf);
  replies.need();
  await settled();
  assert.deepEqual([replies.state, replies.failed], ['unknown', true]);
  assert.deepEqual(shelf.asked, [null]);
  shelf.refusal = null;
  replies.need();
  await settled();
  assert.deepEqual([replies.state, replies.failed, replies.all.length], ['known', false, 1]);
});

test('what was known stays when it cannot be read again', async () => {
  const shelf = new Shelf(reply('a'));
  const { replies, settled } = over(shelf);
  replies.need();
  await settled();
  shelf.refusal = new ApiError(0, 'unreachable', '');
  replies.load();
  await settled();
  assert.deepEqual([replies.state, replies.failed, shortcuts(replies.all)], ['known', true, ['a']]);
});

test('one’s own stands beside everybody’s of the same shortcut, and goes first', async () => {
  const shelf = new Shelf();
  const { replies, settled } = over(shelf);
  shelf.cannedReplies = async () => ({ canned_replies: [{ ...reply('a', 'mine'), private: true }, reply('a', 'ours')], next_cursor: null });
  replies.need();
  await settled();
  assert.deepEqual([replies.get('a').text, replies.get('a', true).text], ['ours', 'mine']);
  assert.deepEqual(replies.all.map((one) => replies.isRemovable(one)), [true, false]);
  shelf.deleteCannedReply = async () => {};
  // What is shown before it is read again.
  const removed = replies.remove('a');
  await removed;
  assert.deepEqual(replies.all.map(({ text }) => text), ['ours']);
});

test('files at hand are read with them; a gateway that keeps none has none', async () => {
  const shelf = new Shelf(reply('a'));
  shelf.quick = [{ shortcut: 'prices', name: 'prices.pdf' }];
  const { replies, settled } = over(shelf);
  replies.need();
  await settled();
  assert.deepEqual(shortcuts(replies.files), ['prices']);
  shelf.quickFiles = async () => {
    throw new ApiError(503, 'unavailable', '');
  };
  replies.load();
  await settled();
  assert.deepEqual([shortcuts(replies.files), replies.failed], [['prices'], false]);
  shelf.quickFiles = async () => {
    throw new ApiError(404, 'not_found', '');
  };
  replies.load();
  await settled();
  assert.deepEqual([replies.files, shortcuts(replies.all)], [[], ['a']]);
});

test('what stands for the customer and the agent is filled in, and what nothing is known for stays', () => {
  const values = { name: 'Sari', agent: 'Ana', attributes: { city: 'Ubud', tier: 0, vip: true, empty: '' } };
  const becomes = (text, known = values) => fillIn(text, known);
  assert.deepEqual(becomes('Hi {{name}}, {{ agent }} from {{attribute.city}}, tier {{attribute.tier}}'), { text: 'Hi Sari, Ana from Ubud, tier 0', left: [] });
  for (const hole of ['{{attribute.street}}', '{{attribute.empty}}', '{{attribute.vip}}', '{{attribute.constructor}}']) assert.deepEqual(becomes(hole), { text: hole, left: [hole] });
  assert.deepEqual(becomes('{{name}}', { agent: 'Ana' }), { text: '{{name}}', left: ['{{name}}'] });
  // A customer may be called like a hole: what was filled in is none.
  assert.deepEqual(becomes('{{name}} {{1}} {{other}} {name}', { name: '$& {{agent}}', agent: 'Ana' }), { text: '$& {{agent}} {{1}} {{other}} {name}', left: ['{{1}}', '{{other}}'] });
  assert.deepEqual([firstHole('Hi {{agent}}, {{attribute.city}}!', ['{{attribute.city}}']), firstHole('Hi {{name}}', [])], [[14, 32], null]);
});

test('a change is shown at once, in its place, and what others changed comes with it', async () => {
  const shelf = new Shelf(reply('a'), reply('c'));
  const { replies, settled } = over(shelf);
  replies.need();
  await settled();
  shelf.kept.set('z', reply('z'));
  await replies.put('b', 'new');
  assert.deepEqual(shortcuts(replies.all), ['a', 'b', 'c']);
  await settled();
  assert.deepEqual(shortcuts(replies.all), ['a', 'b', 'c', 'z']);
  await replies.put('b', 'newer');
  assert.equal(replies.get('b').text, 'newer');
  await replies.remove('c');
  assert.deepEqual(shortcuts(replies.all), ['a', 'b', 'z']);
});

test('a list that was read before a change does not undo it', async () => {
  const shelf = new Shelf(reply('a'));
  const { replies, settled } = over(shelf);
  const reached = shelf.hold();
  replies.load();
  const goOn = await reached;
  await replies.put('b', 'new');
  goOn();
  await settled();
  // The page that was kept back has arrived by now.
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(shortcuts(replies.all), ['a', 'b']);
});

test('a reply that somebody else has deleted is gone, any other refusal leaves it', async () => {
  const shelf = new Shelf(reply('a'), reply('b'));
  const { replies, settled } = over(shelf);
  replies.need();
  await settled();
  shelf.kept.delete('a');
  await replies.remove('a');
  assert.deepEqual(shortcuts(replies.all), ['b']);
  await settled();
  shelf.refusal = new ApiError(403, 'forbidden', 'the key lacks `send`');
  await assert.rejects(replies.remove('b'), { status: 403 });
  await assert.rejects(replies.put('b', 'other'), { status: 403 });
  assert.equal(replies.get('b').text, 'b');
});

test('every refusal is told in words for an agent', () => {
  const told = (status, code, message = 'raw') => sentenceOf(new ApiError(status, code, message));
  assert.match(told(422, 'limit_reached'), /as many .* as there may be\. Delete one first/);
  assert.match(told(403, 'forbidden'), /not change them/);
  assert.match(told(0, 'unreachable'), /cannot be reached/);
  assert.match(told(503, 'unavailable'), /Try again/);
  assert.match(told(429, 'rate_limited'), /Try again/);
  assert.equal(told(400, 'invalid_request', 'the text is too long'), 'the text is too long');
});

test('what stands for nothing is told, and never sent unseen', () => {
  assert.deepEqual(['Hi {{name}}, {{ agent }} {{attribute.city}}', '{{nombre}}', 'a {{ Name }}', '{{attribute.}}', '{name} {{}}', '{{toString}}'].map(unknownHole), [null, '{{nombre}}', '{{ Name }}', '{{attribute.}}', null, '{{toString}}']);
  assert.deepEqual(fillIn('{{foo}} for {{name}} {{toString}}', { name: 'Eva', agent: 'Ana' }), { text: '{{foo}} for Eva {{toString}}', left: ['{{foo}}', '{{toString}}'] });
});
