// Puts the page together: the desk that knows and does, the views that show, the keys.

import { AboutView } from './about.js';
import { Access } from './access.js';
import { Account, sentenceOf } from './account.js';
import { Api } from './api.js';
import { backoff } from './backoff.js';
import { BannerView } from './banner.js';
import { CannedReplies } from './canned.js';
import { Colleagues } from './colleagues.js';
import { Composer } from './composer.js';
import { summaryOf } from './content.js';
import { Desk } from './desk.js';
import { Dialogs } from './dialogs.js';
import { fill, h } from './dom.js';
import { Gate } from './gate.js';
import { HeadView } from './head.js';
import { listenToKeys } from './keys.js';
import { t } from './language.js';
import { LinkSheets } from './link_sheets.js';
import { ListView } from './list.js';
import { renderLive } from './live.js';
import { Notices } from './notices.js';
import { onDemand } from './on_demand.js';
import { Pages } from './pages.js';
import { agentName, customerOf, face, nameOf } from './people.js';
import { preferenceFoot } from './preference_foot.js';
import { Preferences } from './preferences.js';
import { Profile } from './profile.js';
import { renderRail } from './rail.js';
import { pickReaction } from './reactions.js';
import { hashOf, isSecret } from './route.js';
import { SignInSheet } from './sign_in_sheet.js';
import { SignUpSheet } from './sign_up_sheet.js';
import { SignedIn } from './signed_in.js';
import { ThreadView } from './thread.js';
import { toast } from './toast.js';

const $ = (id) => document.getElementById(id);

const preferences = new Preferences({ document, navigator, location });
// Before any view is made: they read their texts as they are.
await preferences.show();

const timers = {
  setTimeout: (run, wait) => window.setTimeout(run, wait),
  clearTimeout: (id) => window.clearTimeout(id),
};
const say = (text, tone) => toast($('toasts'), text, tone);
const copy = (text) =>
  navigator.clipboard.writeText(text).then(
    () => say(t('any.copied')),
    () => say(t('any.copy_refused'), 'bad'),
  );
// Made first: what hears a key first is above.
const signInDialogs = new Dialogs($('sign-in'));
const dialogs = new Dialogs($('dialog'));
// The sheets before the inbox have a choice of language and theme below them.
const foot = () => preferenceFoot(preferences, () => signedIn.again());
const access = new Access({
  fetch: (path, how) => fetch(path, how),
  onLost: () => signedIn.lost(),
  onOther: () => signedIn.leave(),
});
const api = new Api(access);
const account = new Account(access);
const colleagues = new Colleagues({
  read: () => account.colleagues(),
  loaded: (known) => desk.dispatch({ type: 'colleagues_loaded', colleagues: known }),
});
const replies = new CannedReplies({ api, changed });
let openedSheet = null;
const readSheet = onDemand(() => import('./canned_sheet.js'), {
  texts: ['canned'],
  make: ({ CannedSheet }) => (openedSheet = new CannedSheet({ dialogs, replies, say, mayBePrivate: () => access.isSession })),
});
const withSheet = (run) => readSheet().then(run, () => say(t('page.lost'), 'bad'));
const cannedSheet = { open: (how) => withSheet((sheet) => sheet.open(how)), edit: (reply) => withSheet((sheet) => sheet.edit(reply)) };

const isLookedAt = () => document.visibilityState === 'visible' && document.hasFocus();
const notices = new Notices({
  Notification: window.Notification,
  isWanted: () => preferences.notices,
  isSeen: isLookedAt,
  now: () => Date.now(),
  open: (id) => {
    window.focus();
    if (signedIn.person) location.hash = hashOf(id);
    else show(id);
  },
});

/** Tells of what a customer wrote, unless a colleague looks after it. */
function arrived(message) {
  const { conversations, contacts, me } = desk.state;
  const assignee = conversations.get(message.conversation_id)?.assignee;
  if (['system', 'reaction'].includes(message.content.type) || (assignee && assignee !== me.agent)) return;
  notices.tell({ id: message.conversation_id, name: nameOf(contacts.get(message.contact_id)), text: summaryOf(message.content).text, at: message.created });
}

/** Who wants to hear how broadcasts go. */
const listeners = new Set();

const desk = new Desk({
  api,
  changed,
  watched: () => pages.current === 'inbox' && isLookedAt(),
  say,
  met: (agents) => desk.state.me.colleagues && colleagues.ensure(agents, desk.state.me.colleagues),
  arrived,
  progressed: (told) => listeners.forEach((listen) => listen(told)),
  mayForget: () => list.isAtRest,
  now: () => Date.now(),
  uuid: newId,
  socket: {
    url: `${location.origin.replace(/^http/, 'ws')}/v1/ws`,
    WebSocket,
    timers,
    random: Math.random,
  },
});

const gate = new Gate({ dialogs: signInDialogs, foot });
const signUp = new SignUpSheet({ gate, account });
const signInSheet = new SignInSheet({ gate, account, signUp, goTo: (address) => location.assign(address) });
const sheets = {
  signIn: signInSheet,
  signUp,
  links: new LinkSheets({ gate, account }),
};
const signedIn = new SignedIn({ access, account, sheets, desk, say, window });

const NOBODY = new Map();

/** What pages, and the contact beside the thread, work with. */
const context = {
  ask: (...request) => access.asked(...request),
  rights: () => signedIn.rights,
  person: () => signedIn.person,
  colleagues: () => desk.state.me.colleagues ?? NOBODY,
  newId,
  pickTemplate: async (to, send) => (await templatePicker()).open(to, send),
  onBroadcast: (listen) => {
    listeners.add(listen);
    return () => listeners.delete(listen);
  },
  contactChanged: (contact) => desk.dispatch({ type: 'contact_changed', contact }),
  teamChanged: () => colleagues.load(),
  refresh: () => signedIn.refresh(),
  again: () => signedIn.again(),
  leave: () => signedIn.leave(),
  profile: new Profile(access),
  preferences,
  notices,
  account,
  replies,
  cannedSheet,
  mediaApi: () => mediaApi(),
  mediaView: () => mediaView(),
  timers,
  say,
  copy,
};

const pages = new Pages({ frame: $('frame'), place: $('page'), context });

const contactBeside = onDemand(() => import('./pages/contact_beside.js'), { texts: ['contacts'], styles: ['page', 'contacts'] });
let shownContact = null;

/** The contact beside the thread. Where it cannot be loaded, the next conversation tries again. */
function showContact(place, shown) {
  // Nothing is loaded to show nothing.
  if (!shown.contact && shownContact === null) return;
  shownContact = shown;
  contactBeside().then(
    (part) => shown === shownContact && part.showContact(place, { ...shown, context }),
    () => {},
  );
}

const mediaApi = onDemand(() => import('./media.js'), { texts: ['media'], styles: ['media'], make: ({ MediaApi }) => new MediaApi(access) });
const mediaView = onDemand(() => Promise.all([mediaApi(), import('./media_view.js')]), {
  make: ([api, { MediaView }]) => new MediaView({ api, say, grew: () => view.grew() }),
});
const attachments = onDemand(() => Promise.all([mediaApi(), mediaView(), import('./attachments.js')]), {
  make: ([api, media, { Attachments }]) => new Attachments({ api, media, changed, say, timers, random: Math.random }),
});
const templatePicker = onDemand(() => import('./template_picker.js'), {
  texts: ['templates', 'media'],
  styles: ['templates'],
  make: ({ TemplatePicker }) => new TemplatePicker({ dialogs, ask: (...request) => access.asked(...request), api: mediaApi, media: mediaView, timers, random: Math.random }),
});

const sentTemplates = onDemand(() => import('./sent_template.js'), {
  make: ({ SentTemplates }) => new SentTemplates({ ask: (...request) => access.asked(...request), picture: (id) => mediaView().then((media) => media.picture(id)), grew: () => view.grew(), now: () => Date.now() }),
});

const act = {
  // Where it cannot be read the card stays what it is, and is tried again when the message is shown anew.
  showFile: (card, about) => mediaView().then((media) => media.show(card, about), () => {}),
  showTemplate: (card, { content, number = desk.state.conversations.get(desk.open)?.number, created }) => {
    const about = { sent: content.template, waba_id: desk.state.numbers.get(number)?.waba_id, at: created };
    sentTemplates().then((templates) => templates.show(card, about), () => {});
  },
  quote: (message) => composer.quote(message),
  react: (message, anchor) =>
    pickReaction(anchor, (emoji) =>
      desk.send(desk.open, { type: 'reaction', reaction: { message_id: message.wamid, emoji } }),
    ),
  copy,
  details: (message) => details(message),
  resend: (message) => (view.pin(), desk.send(message.conversation_id, message.content, { file: message.media })),
  again: (item) => desk.again(item),
  drop: (item) => desk.drop(item),
  withdraw: (id) => desk.withdraw(id).catch((error) => say(sentenceOf(error), 'bad')),
  resolve: (id, action) => desk.resolve(id, action).catch((error) => say(sentenceOf(error), 'bad')),
};

const list = new ListView({
  rows: $('rows'),
  foot: $('rows-foot'),
  fresh: $('fresh'),
  tabs: $('tabs'),
  search: $('search'),
  status: $('status-filter'),
  numbers: $('number-filter'),
  desk,
  changed,
  onShow: show,
});
const view = new ThreadView({ log: $('log'), toEnd: $('to-end'), desk, act });
const composer = new Composer({
  form: $('composer'),
  desk,
  view,
  askTemplate,
  changed,
  replies,
  manageReplies: (how) => cannedSheet.open(how),
  attachments,
});
const head = new HeadView({ head: $('thread-head'), desk, onBack: back, onAbout: toggleAbout });
const banner = new BannerView({
  banner: $('banner'),
  desk,
  subscription: () => (signedIn.rights.includes('manage_business') ? signedIn.person.subscription : null),
});
const about = new AboutView({ panel: $('about'), desk, changed, onClose: toggleAbout, showContact });

// --- showing -------------------------------------------------------------------------------------------------------
let frame = null;
let late = null;

/** Shows what changed, once for everything that changes in one go. A page in the background has no frames: a timer helps. */
function changed() {
  if (frame !== null) return;
  frame = requestAnimationFrame(render);
  late = timers.setTimeout(render, 100);
}

/**
 * Shows at once what changed, before anything is done with the page: what is written, pasted or dropped belongs to the conversation that is
 * open, and no frame may have passed since another one was opened.
 */
function showFirst() {
  if (frame !== null) render();
}

function render() {
  cancelAnimationFrame(frame);
  timers.clearTimeout(late);
  frame = null;
  const now = Date.now();
  const { state, open } = desk;
  $('frame').dataset.open = String(Boolean(open));
  banner.render(now);
  list.render(now);
  head.render(now);
  view.render(now);
  composer.render(now);
  about.render(now);
  openedSheet?.render();
  renderLive($('live'), state.link, now);
  renderNothing(state);
  const unread = [...state.conversations.values()].filter((row) => row.unread > 0 && row.status !== 'resolved').length;
  const place = pages.current === 'inbox' ? 'Mesej' : `${t(`page.${pages.current}`)} · Mesej`;
  document.title = unread > 0 ? `(${unread}) ${place}` : place;
  if (signedIn.person) renderRail($('rail-nav'), { page: pages.current, rights: signedIn.rights, unread, inbox: hashOf(desk.open ?? left) });
  desk.seen();
}

function renderNothing(state) {
  const nothing = $('nothing');
  nothing.hidden = Boolean(desk.open);
  if (nothing.firstChild || !state.me) return;
  const key = (keys, what) => [
    h(
      'dt',
      null,
      keys.map((one) => h('kbd', null, one)),
    ),
    h('dd', null, what),
  ];
  fill(
    nothing,
    h('img', { src: '/console/icon.svg', alt: '' }),
    h('p', { class: 'nothing-title' }, t('nothing.hello', { name: state.me.name })),
    h('p', null, t('nothing.choose')),
    h('dl', null, key(['Alt', 'J'], t('nothing.next')), key(['/'], t('nothing.find')), key(['?'], t('nothing.keys'))),
  );
}

function show(id) {
  $('frame').dataset.pane = 'thread';
  if (id !== desk.open) desk.show(id);
  signedIn.showAddress(id);
  list.reveal();
  if (window.matchMedia('(min-width: 48rem)').matches) timers.setTimeout(() => (showFirst(), composer.focus()), 0);
}

function back() {
  $('frame').dataset.pane = 'list';
  desk.show(null);
  signedIn.leaveAddress();
}

/** The conversation that was open when the inbox was left for another page: its entry leads back to it. */
let left = null;

/** Shows the place of an address: a page, the inbox, or a conversation in it. */
function go(route) {
  const isInbox = route.kind !== 'page';
  if (!isInbox && desk.open) {
    left = desk.open;
    desk.show(null);
  }
  const wasInbox = pages.current === 'inbox';
  pages.show(isInbox ? 'inbox' : route.page, route.part ?? null);
  if (!isInbox) return changed();
  left = null;
  if (route.kind === 'conversation') return follow(route.id);
  $('frame').dataset.pane = 'list';
  if (desk.open) desk.show(null);
  if (!wasInbox) $('inbox-title').focus({ preventScroll: true });
  return changed();
}

/** Opens the conversation of a link. */
async function follow(id) {
  const { hash } = location;
  const found = await desk.find(id).catch(() => null);
  // Whoever went elsewhere meanwhile stays there.
  if (location.hash !== hash) return;
  if (found) show(id);
  else say(t(found === null ? 'link.not_now' : 'link.nowhere'), 'bad');
}

function toggleAbout() {
  const isShown = $('about').checkVisibility();
  $('frame').dataset.about = isShown ? 'off' : 'on';
  const from = isShown ? '#thread-head button:last-child' : '.about-close';
  /** @type {HTMLElement} */ (document.querySelector(from)).focus({ preventScroll: true });
}

/** Past what comes before the conversation or the page. A plain link would change the address. */
function skip(event) {
  event.preventDefault();
  if (pages.current === 'inbox') $('log').focus();
  else pages.focus();
}

async function askTemplate() {
  const id = desk.open;
  const row = desk.state.conversations.get(id);
  const to = { ...customerOf(desk.state.contacts.get(row.contact_id)), number: row.number, waba_id: desk.state.numbers.get(row.number)?.waba_id };
  try {
    const picker = await templatePicker();
    if (desk.open === id) picker.open(to, (content) => (view.pin(), desk.send(id, content)));
  } catch {
    say(t('page.lost'), 'bad');
  }
}

async function details(message) {
  const fresh = await desk.details(message.id).catch(() => message);
  if (signInSheet.isOpen) return;
  dialogs.details(fresh, { me: desk.state.me, now: Date.now(), act });
}

// --- beginning -----------------------------------------------------------------------------------------------------

/** A random id; the browser's own way is there only on secure origins. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** An agent's id from a name: small letters, digits, `_`. */
function idOf(name) {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return (
    plain.slice(0, 64) ||
    `agent_${[...name]
      .map((char) => char.codePointAt(0).toString(36))
      .join('')
      .slice(0, 50)}`
  );
}

/** By what right the page begins; waits for a server that is not there. */
async function beginning() {
  for (let failures = 0; ; failures += 1) {
    try {
      return await access.begin({ isAgent: agentOfAddress() !== '' });
    } catch (error) {
      // Where operators have a listener of their own, it knows neither a demo nor people.
      if (error.status === 404) return { isForOperators: true };
      const wait = Math.max(error.wait ?? 0, backoff(failures, Math.random));
      renderLive($('live'), { state: 'waiting', until: Date.now() + wait }, Date.now());
      await new Promise((resolve) => timers.setTimeout(resolve, wait));
    }
  }
}

/** The agent that the address names. */
function agentOfAddress() {
  return new URLSearchParams(location.search).get('agent')?.slice(0, 40) ?? '';
}

/** In the demo anybody sits down beside those who sign in, under any name, at the inbox alone: several in one browser. */
function meOfDemo() {
  const wanted = agentOfAddress();
  const name = /^[a-z0-9_]+$/.test(wanted) ? agentName(wanted) : wanted;
  signedIn.follow(goInDemo);
  const me = { agent: idOf(name), name };
  fill($('me'), face(me.name, me.agent, 'small'), h('span', { class: 'me-name' }, me.name));
  return me;
}

/** Who has no account has the inbox alone. */
function goInDemo(route) {
  if (['conversation', 'inbox'].includes(route?.kind)) go(route);
}

async function meOfPerson(route, person) {
  if (!person || route) renderLive($('live'), { state: 'closed' }, Date.now());
  await signedIn.enter(route, person);
  $('rail').hidden = false;
  signedIn.show($('rail-me'), go);
  return signedIn.me;
}

async function begin() {
  const route = signedIn.takeRoute();
  if (route?.kind === 'operator') {
    const { beginAsOperator } = await import('./operator.js');
    return beginAsOperator({ gate, preferences, say, copy, window, route });
  }
  listenToKeys({ list, composer, head, dialogs, signInSheet, search: $('search'), show, back, closeAbout: toggleAbout, frame: $('frame'), preferences });
  // Nobody is connected before somebody has signed in.
  const nudge = () => desk.state.me && !signInSheet.isOpen && desk.socket.nudge();
  for (const event of ['online', 'offline', 'focus']) window.addEventListener(event, nudge);
  document.addEventListener(
    'visibilitychange',
    () => document.visibilityState === 'visible' && (nudge(), changed()),
  );
  window.addEventListener('focus', changed);
  for (const event of ['keydown', 'beforeinput', 'paste', 'dragover', 'drop', 'submit']) window.addEventListener(event, showFirst, { capture: true });
  window.addEventListener('beforeunload', (event) => {
    if ((desk.socket.outbox.size > 0 || composer.hasFiles) && !signedIn.isLeaving) event.preventDefault();
  });
  // What was stopped begins again only by a press.
  $('live').addEventListener('click', () => desk.state.me && !signInSheet.isOpen && (desk.socket.start(), desk.socket.nudge()));
  document.querySelector('.skip').addEventListener('click', skip);

  const { hasKey, isDemo, person, isForOperators } = await beginning();
  if (isForOperators) {
    location.hash = '#/operator';
    return location.reload();
  }
  // Whoever came to a demo by a name is told of nothing, and signs in.
  if (isDemo && !hasKey) signInSheet.demo = signUp.demo = await access.demo().catch(() => null);
  const me = hasKey ? meOfDemo() : await meOfPerson(route, person);
  window.setInterval(() => {
    desk.dispatch({ type: 'typing_ended', now: Date.now() });
  }, 1_000);
  window.setInterval(() => document.visibilityState === 'visible' && desk.askDelays(), 3_000);
  window.setInterval(() => document.visibilityState === 'visible' && desk.refreshPauses(), 30_000);
  await desk.start(me);
  if (hasKey) return goInDemo(route);
  colleagues.load();
  if (route && !isSecret(route)) go(route);
  return undefined;
}

begin();
