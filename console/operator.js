// The operators' part of the console: asks for a token, then shows its own rail and pages. Loaded for addresses of operators alone.

import { sentenceOf } from './account.js';
import { accountForm, field } from './fields.js';
import { h } from './dom.js';
import { leave } from './gate.js';
import { addTexts, t } from './language.js';
import { personMenu } from './menu.js';
import { OperatorAccess } from './operator_access.js';
import { Pages, readPage } from './pages.js';
import { renderOperatorRail } from './rail.js';
import { routeOf } from './route.js';

const MODULES = {
  'operator/tenants': () => import('./pages/tenants.js'),
  'operator/health': () => import('./pages/health.js'),
  'operator/quarantine': () => import('./pages/quarantine.js'),
};
const oneTenant = () => import('./pages/tenant.js');

/** Begins at an operator's address; `route` is where. */
export async function beginAsOperator({ gate, preferences, say, copy, window, route }) {
  await Promise.all(['operator', 'manage', 'told'].map(addTexts));
  const { document, location } = window;
  const $ = (id) => document.getElementById(id);
  const access = new OperatorAccess({ fetch: (...call) => window.fetch(...call), onLost: () => location.reload() });
  $('frame').dataset.page = 'operator';
  const operator = await askForToken(gate, access, () => goHome(location));
  const pages = new Pages({
    frame: $('frame'),
    place: $('page'),
    load: (page) => readPage(MODULES[page] ?? oneTenant, ['operator', 'manage']),
    allows: () => true,
    context: {
      ask: (...call) => access.ask(...call),
      health: () => access.health(),
      mayChange: operator.role === 'admin',
      rights: () => [],
      preferences,
      say,
      copy,
    },
  });
  const go = (page) => {
    pages.show(page);
    const place = MODULES[page] ? page : 'operator/tenants';
    document.title = `${t(`page.${place}`)} · Mesej`;
    renderOperatorRail($('rail-nav'), page);
  };
  const name = operator.name ?? t('operator.settings');
  personMenu($('rail-me'), {
    user: { user_id: operator.id ?? 'settings', name, email: operator.id ?? '' },
    what: t(operator.role === 'admin' ? 'operator.admin' : 'operator.viewer'),
    entries: [[t('menu.sign_out'), () => goHome(location)]],
  });
  $('rail').hidden = false;
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    pages.focus();
  });
  window.addEventListener('hashchange', () => {
    const next = routeOf(location.hash);
    if (next?.kind === 'operator') go(next.page);
    else location.reload();
  });
  go(route.page);
}

/** Leaves the operators' part; the page is loaded anew, so that the token is gone. */
function goHome(location) {
  location.hash = '#/';
  location.reload();
}

function askForToken(gate, access, goBack) {
  return new Promise((resolve) => {
    const token = field(t('operator.token'), {
      type: 'password',
      name: 'token',
      autocomplete: 'off',
      spellcheck: 'false',
      maxlength: '500',
      dir: 'ltr',
    }, { hint: t('operator.token_hint') });
    const form = accountForm({
      parts: [token.node],
      fields: [token],
      label: t('sign_in.do'),
      busy: t('sign_in.doing'),
      run: async () => {
        const operator = await access.signIn(token.input.value.trim());
        token.input.value = '';
        gate.close();
        resolve(operator);
      },
      explain: (error) => {
        if (error.status === 401) return { text: t('operator.wrong_token'), field: token };
        return { text: error.status === 404 ? t('operator.not_here') : sentenceOf(error) };
      },
      also: [leave(t('any.back'), goBack)],
    });
    gate.show(t('operator.title'), [h('p', null, t('operator.about')), form]);
    token.input.focus();
  });
}
