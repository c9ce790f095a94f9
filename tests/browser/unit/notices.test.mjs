import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Notices } from '../../../console/notices.js';
import { Preferences } from '../../../console/preferences.js';

/** A browser's notifications: what was shown, with a leave that is given when it is asked for. */
function browser(permission, answer = 'granted') {
  const shown = [];
  class Notification {
    static permission = permission;
    static async requestPermission() {
      Notification.permission = answer;
    }
    constructor(title, more) {
      shown.push(this);
      Object.assign(this, { title, ...more });
    }
    close() {
      this.isClosed = true;
    }
  }
  return { Notification, shown };
}

const message = { id: 'c1', name: 'Sari', text: 'Hello', at: 1_000_000 };

function made({ Notification }, { isWanted = true, isSeen = false, now = 1_000_500 } = {}) {
  const opened = [];
  return { opened, notices: new Notices({ Notification, isWanted: () => isWanted, isSeen: () => isSeen, now: () => now, open: (id) => opened.push(id) }) };
}

test('a new message is told with its writer, and a press on it opens the conversation', () => {
  const chrome = browser('granted');
  const { notices, opened } = made(chrome);
  notices.tell(message);
  const [{ title, body, tag }] = chrome.shown;
  assert.deepEqual([title, body, tag], ['Sari', 'Hello', 'c1']);
  chrome.shown[0].onclick();
  assert.deepEqual([opened, chrome.shown[0].isClosed], [['c1'], true]);
});

test('nothing is told unwanted, without leave, to who looks at the page, or of what is old', () => {
  for (const [permission, how] of [['granted', { isWanted: false }], ['denied', {}], ['default', {}], ['granted', { isSeen: true }], ['granted', { now: 1_060_001 }]]) {
    const chrome = browser(permission);
    made(chrome, how).notices.tell(message);
    assert.equal(chrome.shown.length, 0, JSON.stringify([permission, how]));
  }
  const { notices } = made({});
  notices.tell(message);
  assert.equal(notices.permission, 'none');
});

test('the leave is asked for once, and a refusal is one', async () => {
  assert.equal(await made(browser('default')).notices.ask(), true);
  assert.equal(await made(browser('default', 'denied')).notices.ask(), false);
  assert.equal(await made(browser('denied')).notices.ask(), false);
  assert.equal(await made({}).notices.ask(), false);
});

test('a browser that shows none by this way breaks nothing', () => {
  class Notification {
    static permission = 'granted';
    constructor() {
      throw new TypeError('Illegal constructor');
    }
  }
  made({ Notification }).notices.tell(message);
});

test('what a person prefers is kept, and what goes without saying is not', () => {
  const jar = new Map();
  const document = {
    get cookie() {
      return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    },
    set cookie(text) {
      const [, name, value, rest] = /^(\w+)=([^;]*)(.*)$/.exec(text);
      if (rest.includes('Max-Age=0')) jar.delete(name);
      else jar.set(name, value);
    },
  };
  const preferences = new Preferences({ document, navigator: {}, location: { protocol: 'https:' } });
  assert.deepEqual([preferences.letters, preferences.notices, jar.size], [true, false, 0]);
  preferences.letters = false;
  preferences.notices = true;
  assert.deepEqual([preferences.letters, preferences.notices, Object.fromEntries(jar)], [false, true, { letters: 'off', notices: 'on' }]);
  preferences.letters = true;
  preferences.notices = false;
  assert.equal(jar.size, 0);
});
