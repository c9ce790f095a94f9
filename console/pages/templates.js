// Message templates: how they stand with Meta, how customers see them, and what can be done with them.

import { sentenceOf } from '../account.js';
import { LONG } from '../http.js';
import { t } from '../language.js';
import { inOrder, readTemplates } from '../template_list.js';
import { Status, languageName, named } from '../template_parts.js';
import { draftOf, emptyDraft } from '../template_draft.js';
import { hashOfPage } from '../route.js';
import { previewOf } from '../templates.js';
import { moment } from '../time.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../view.js';
import { Head, Press } from './parts.js';
import { Editor } from './template_editor.js';
import { Library } from './template_library.js';
import { Detail } from './template_detail.js';

const WAIT_TO_SEARCH = 250;
const LOOK_AGAIN = 2_000;
const STATUSES = ['APPROVED', 'PENDING', 'REJECTED', 'PAUSED', 'DISABLED', 'IN_APPEAL', 'ARCHIVED', 'DELETED'];
const CATEGORIES = ['MARKETING', 'UTILITY', 'AUTHENTICATION'];

function goToTop() {
  document.querySelector('#page')?.scrollTo(0, 0);
  /** @type {HTMLElement | null} */ (document.querySelector('#page-title'))?.focus({ preventScroll: true });
}

export default function Templates({ page, part, context }) {
  // What is beside the list and a template, which the address names: `{draft, of}` in the editor, or the `library`.
  const [place, setPlace] = useState(/** @type {Record<string, any>} */ ({}));
  const [turn, setTurn] = useState(0);
  const [filter, setFilter] = useState({ name: '', status: '', language: '', category: '' });
  const isFirst = useRef(true);
  const mayManage = context.rights().includes('manage_business');
  const open = (template) => {
    location.hash = hashOfPage(page, template?.template_id ?? null);
  };
  const toList = () => {
    setPlace({});
    setTurn((count) => count + 1);
    open(null);
  };
  // Whoever goes elsewhere by the history leaves the editor.
  useLayoutEffect(() => setPlace((before) => (Object.keys(before).length === 0 ? before : {})), [part]);
  useLayoutEffect(() => {
    // The page itself sees to where it begins.
    if (isFirst.current) isFirst.current = false;
    else goToTop();
  }, [place, part]);
  const edit = (template) => setPlace({ draft: draftOf(template), of: template, isKnown: true });
  const variant = (template) => setPlace({ draft: { ...draftOf(template), language: '' }, of: template, isVariant: true });
  if (place.draft !== undefined) return html`<${Editor} key=${place.of?.template_id ?? 'new'} context=${context} ...${place} onDone=${toList} onCancel=${() => setPlace({})} />`;
  if (part !== null) return html`<${Detail} key=${part} context=${context} id=${part} mayManage=${mayManage} open=${open} edit=${edit} variant=${variant} onBack=${toList} />`;
  if (place.library) return html`<${Library} context=${context} use=${(draft) => setPlace({ draft })} onTaken=${toList} onBack=${toList} />`;
  return html`
    <${Head} page=${page}>
      ${mayManage &&
      html`
        <div class="buttons">
          <button type="button" class="plain" onclick=${() => setPlace({ library: true })}>${t('templates.library')}</button>
          <button type="button" class="primary" onclick=${() => setPlace({ draft: emptyDraft() })}>${t('templates.new')}</button>
        </div>
      `}
    <//>
    <p class="page-lead">${t('templates.about')}</p>
    <${Sync} context=${context} mayManage=${mayManage} onDone=${() => setTurn((count) => count + 1)} />
    <${List} context=${context} filter=${filter} setFilter=${setFilter} turn=${turn} open=${open} />
  `;
}

/** How the accounts stand with Meta's list; says so while that is being read. */
function Sync({ context, mayManage, onDone }) {
  const { ask } = context;
  const [accounts, setAccounts] = useState([]);
  const [problem, setProblem] = useState('');
  const timer = useRef(null);
  const isRunning = accounts.some(({ state }) => state === 'running');
  const wasRunning = useRef(false);
  const look = async () => {
    try {
      setAccounts((await ask('GET', '/v1/templates/sync')).accounts);
    } catch (error) {
      if (error.status !== 404) setProblem(sentenceOf(error));
    }
  };
  useEffect(() => {
    look();
  }, []);
  useEffect(() => {
    if (wasRunning.current && !isRunning) onDone();
    wasRunning.current = isRunning;
    if (isRunning) timer.current = setTimeout(look, LOOK_AGAIN);
    return () => clearTimeout(timer.current);
  }, [accounts]);
  const run = async () => {
    if (isRunning) return;
    setProblem('');
    try {
      await ask('POST', '/v1/templates/sync', {}, { deadline: LONG });
      await look();
    } catch (error) {
      setProblem(sentenceOf(error));
    }
  };
  const now = Date.now();
  const text = ({ state, at, templates, error }) => {
    if (state === 'running') return t('templates.syncing', { count: templates ?? 0 });
    if (state === 'failed') return t('templates.sync_failed', { why: error ?? '' });
    return at ? t('templates.synced', { when: moment(at, now), count: templates ?? 0 }) : t('templates.never_synced');
  };
  return html`
    <section class="template-sync" aria-label=${t('templates.sync_title')}>
      <div role="status"><ul>
        ${accounts.map((account) => html`<li key=${account.waba_id} class=${account.state === 'failed' ? 'verdict-bad' : 'quiet'}>${accounts.length > 1 && html`<span class="mono">${account.waba_id}</span> `}${text(account)}</li>`)}
      </ul></div>
      ${isRunning && html`<progress aria-label=${t('templates.sync_title')} />`}
      <p class="page-problem" role="alert">${problem}</p>
      ${mayManage && html`<${Press} label=${t('templates.sync')} run=${run} />`}
    </section>
  `;
}

function List({ context, filter, setFilter, turn, open }) {
  const { ask } = context;
  const [state, setState] = useState({ templates: null, cursor: null, error: null });
  const asked = useRef(0);
  const load = async (cursor = null) => {
    asked.current += 1;
    const mine = asked.current;
    try {
      const page = await readTemplates(ask, { name: filter.name, status: filter.status, language: filter.language }, cursor);
      if (mine === asked.current) setState((before) => ({ ...page, templates: cursor ? inOrder([...before.templates, ...page.templates]) : page.templates, error: null }));
    } catch (error) {
      if (mine === asked.current) setState((before) => ({ ...before, error }));
    }
  };
  const { name, status, language, category } = filter;
  useEffect(() => {
    const timer = setTimeout(load, state.templates === null ? 0 : WAIT_TO_SEARCH);
    return () => clearTimeout(timer);
  }, [name, status, language, turn]);
  const { templates, cursor, error } = state;
  const shown = templates?.filter((template) => category === '' || template.category === category);
  const isFiltered = Object.values(filter).some(Boolean);
  const known = [...new Set([...(templates ?? []).map((template) => template.language), language].filter(Boolean))].sort();
  const choice = (key, label, any, options) => html`
    <label class="field">
      <span>${label}</span>
      <select value=${filter[key]} onchange=${(event) => setFilter({ ...filter, [key]: event.currentTarget.value })}>
        <option value="">${any}</option>
        ${options.map(([value, text]) => html`<option key=${value} value=${value} selected=${filter[key] === value}>${text}</option>`)}
      </select>
    </label>
  `;
  return html`
    <div class="filters" role="search">
      <label class="field">
        <span>${t('templates.search')}</span>
        <input type="text" autocomplete="off" spellcheck="false" defaultValue=${name} oninput=${(event) => setFilter({ ...filter, name: event.currentTarget.value })} />
      </label>
      ${choice('status', t('templates.status'), t('templates.any'), STATUSES.map((one) => [one, named('template_status', one)]))}
      ${choice('category', t('templates.category'), t('templates.any'), CATEGORIES.map((one) => [one, named('template_category', one)]))}
      ${choice('language', t('templates.language'), t('templates.any'), known.map((one) => [one, languageName(one)]))}
    </div>
    ${error && html`<p class="page-status" role="alert"><span>${error.status === 404 ? t('page.not_there') : sentenceOf(error)}</span> ${error.status !== 404 && html`<${Press} label=${t('any.try_again')} run=${() => load()} />`}</p>`}
    ${!error && templates === null && html`<p class="page-status" role="status">${t('any.loading')}</p>`}
    ${shown?.length === 0 && html`<p class="page-empty" role="status">${t(isFiltered ? 'templates.none_like' : 'templates.none')}</p>`}
    ${shown?.length > 0 && html`<ul class="template-list">${shown.map((template) => html`<li key=${template.template_id}><${Row} template=${template} open=${open} /></li>`)}</ul>`}
    ${cursor && html`<p><${Press} label=${t('templates.more')} run=${() => load(cursor)} /></p>`}
  `;
}

function Row({ template, open }) {
  const { name, language, category, status, quality } = template;
  return html`
    <button type="button" class="template-row" onclick=${() => open(template)}>
      <span class="template-name"><bdi>${name}</bdi></span>
      <span class="template-facts quiet">${languageName(language)} · ${named('template_category', category)}</span>
      <span class="template-text" dir="auto">${previewOf(template).body}</span>
      <span class="template-state">
        <${Status} status=${status} />
        ${['GREEN', 'YELLOW', 'RED'].includes(quality) && html`<span class=${`quality quality-${quality.toLowerCase()}`}>${t('templates.quality_is', { quality: named('template_quality', quality) })}</span>`}
      </span>
    </button>
  `;
}
