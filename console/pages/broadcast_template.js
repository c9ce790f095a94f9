// The third step of a broadcast: the template, and what fills it: the same text for all, or what is known of each.

import { sentenceOf } from '../account.js';
import { isVariable, samplesOf, wrongInValue } from '../broadcast_draft.js';
import { t } from '../language.js';
import { draftOf } from '../template_draft.js';
import { inOrder, readTemplates } from '../template_list.js';
import { Entry, File_, Place, labelOf } from '../template_picker.js';
import { TemplatePreview, languageName, named } from '../template_parts.js';
import { fieldOf, filledTemplate, needsOf, previewOf } from '../templates.js';
import { html, useEffect, useId, useRef, useState } from '../view.js';
import { Wrong } from './broadcast_schedule.js';
import { Press } from './parts.js';

const WAIT_TO_SEARCH = 250;

/** What stands in a preview for what comes from each recipient. */
export const sourceName = ({ from, key }, attributes = []) => `[${from === 'name' ? t('broadcasts.from.name') : from === 'attribute' ? (attributes.find((one) => one.key === key)?.name ?? key) : key}]`;

/**
 * What is wrong with how a template is filled, by field, or as `whole`; null if nothing is. The gateway looks at it as WhatsApp would, with texts
 * in the place of what comes from each recipient.
 */
export async function checkTemplate({ ask }, draft) {
  const { template, values, number, isFilledHere } = draft;
  if (!template || !isFilledHere) return null;
  const { fields, isForPrograms } = needsOf(template);
  if (isForPrograms) return { whole: t('fill.for_programs') };
  const wrong = fields.map((field) => [field.key, wrongInValue(field, values[field.key])]).filter(([, why]) => why);
  if (wrong.length > 0) return Object.fromEntries(wrong.map(([key, why]) => [key, t(why)]));
  const { template: filled, places } = filledTemplate(template, samplesOf(values, () => 'x'));
  try {
    await ask('POST', '/v1/templates/check', { phone_number_id: number, template: filled });
    return null;
  } catch (error) {
    const key = error.code === 'template_invalid' ? fieldOf(error.more?.path, places) : undefined;
    return { [key ?? 'whole']: refusalOf(error) };
  }
}

function refusalOf(error) {
  if (error.code === 'template_not_sendable') return t('fill.not_sendable', { status: named('template_status', error.more?.status ?? '') });
  if (error.code === 'template_unknown') return t('fill.unknown');
  return sentenceOf(error);
}

export function TemplateStep({ context, draft, change, definitions, wrong, columns, isGone }) {
  const waba = definitions.numbers.find((one) => one.phone_number_id === draft.number)?.waba_id;
  const [isChoosing, setChoosing] = useState(false);
  const take = (template) => {
    change({ template, values: {}, isFilledHere: true });
    setChoosing(false);
  };
  if (isChoosing || (!draft.template && (!draft.sent || isGone)))
    return html`
      ${isGone && html`<p class="page-problem">${t('broadcasts.template_gone', { name: draft.sent?.name ?? '' })}</p>`}
      <${Wrong} text=${wrong.template} />
      <${Choose} ...${{ context, waba, take }} />
      ${isChoosing && html`<${Press} label=${t('broadcasts.keep_template')} run=${() => setChoosing(false)} />`}
    `;
  if (!draft.template) return html`<p class="page-status" role="status">${t('any.loading')}</p>`;
  return html`<${Fill} ...${{ context, draft, change, definitions, wrong, columns }} onOther=${() => setChoosing(true)} />`;
}

function Choose({ context, waba, take }) {
  const { ask, timers } = context;
  const id = useId();
  const [query, setQuery] = useState('');
  const [state, setState] = useState(/** @type {any} */ ({ templates: null, cursor: null, error: null }));
  const turn = useRef(0);
  const load = async (cursor = null) => {
    turn.current += 1;
    const mine = turn.current;
    try {
      const page = await readTemplates(ask, { status: 'APPROVED', waba_id: waba, name: query }, cursor);
      if (mine === turn.current) setState((before) => ({ ...page, templates: cursor ? inOrder([...before.templates, ...page.templates]) : page.templates, error: null }));
    } catch (error) {
      if (mine === turn.current) setState((before) => ({ ...before, error }));
    }
  };
  useEffect(() => {
    const timer = timers.setTimeout(() => load(), state.templates === null ? 0 : WAIT_TO_SEARCH);
    return () => timers.clearTimeout(timer);
  }, [query, waba]);
  const { templates, cursor, error } = state;
  return html`
    <div class="field">
      <label for=${id}>${t('fill.search')}</label>
      <input id=${id} type="text" autocomplete="off" spellcheck="false" value=${query} oninput=${(event) => setQuery(event.currentTarget.value)} />
    </div>
    ${error && html`<p class="page-problem" role="alert">${sentenceOf(error)} <${Press} label=${t('any.try_again')} run=${() => load()} /></p>`}
    ${!error && templates === null && html`<p role="status">${t('any.loading')}</p>`}
    ${templates?.length === 0 && html`<p role="status">${t(query.trim() ? 'templates.none_like' : 'fill.none')}</p>`}
    <ul class="picker-list" tabindex="-1">${templates?.map((template) => html`<li key=${template.template_id}><${Entry} template=${template} choose=${take} /></li>`)}</ul>
    ${cursor && html`<p><${Press} label=${t('templates.more')} run=${() => load(cursor)} /></p>`}
  `;
}

function Fill({ context, draft, change, definitions, wrong, columns, onOther }) {
  const { template, values } = draft;
  const { examples = {} } = draftOf(template) ?? {};
  const { fields, isForPrograms } = needsOf(template);
  const set = (key, value) => change((now) => ({ values: { ...now.values, [key]: typeof value === 'function' ? value(now.values[key]) : value }, isFilledHere: true }));
  const upload = { api: context.mediaApi, media: context.mediaView, timers: context.timers, random: Math.random };
  const picture = (id) => context.mediaView().then((view) => view.picture(id));
  const samples = samplesOf(values, (value) => sourceName(value, definitions.attributes));
  return html`
    <div class="page-status">
      <span><bdi>${template.name}</bdi> <span class="quiet">${languageName(template.language)} · ${named('template_category', template.category)}</span></span>
      <${Press} label=${t('broadcasts.other_template')} run=${onOther} />
    </div>
    ${template.category === 'MARKETING' && html`<p class="quiet">${t('broadcasts.is_marketing')}</p>`}
    <div class="template-sides picker">
      <div>
        ${isForPrograms && html`<p class="page-problem">${t('fill.for_programs')}</p>`}
        ${!isForPrograms && fields.length === 0 && html`<p class="quiet">${t('fill.nothing')}</p>`}
        ${!isForPrograms && fields.map((field) => html`<${Value} key=${field.key} ...${{ field, columns, definitions, upload }} value=${values[field.key]} problem=${wrong[field.key]} example=${examples[field.key]} set=${(value) => set(field.key, value)} />`)}
      </div>
      <${TemplatePreview} preview=${previewOf(template, samples)} picture=${picture} />
    </div>
  `;
}

/** One field: a text comes from somewhere, all else is the same for everybody. */
function Value({ field, value, problem, example, set, columns, definitions, upload }) {
  const id = useId();
  const { kind, url, key } = field;
  const about = [problem && `${id}-problem`, `${id}-hint`].filter(Boolean).join(' ');
  const common = { id, 'data-key': key, 'aria-invalid': problem ? 'true' : null, 'aria-describedby': about };
  const hint = html`
    ${example && html`<p class="quiet" id=${`${id}-hint`}>${t('fill.such_as', { example })}</p>`}
    ${url && html`<p class="quiet" dir="ltr">${url}</p>`}
    ${problem && html`<p class="field-problem" id=${`${id}-problem`} role="alert">${problem}</p>`}
  `;
  if (isVariable(field)) return html`<${Variable} ...${{ field, value, set, columns, definitions, common, hint }} />`;
  if (kind === 'location') return html`<fieldset class="field"><legend>${labelOf(field)}</legend><${Place} common=${common} value=${value} set=${set} />${hint}</fieldset>`;
  return html`
    <div class="field">
      <label for=${id}>${labelOf(field)}</label>
      ${kind === 'time' ? html`<input ...${common} type="datetime-local" defaultValue=${value ?? ''} onchange=${(event) => set(event.currentTarget.value)} />` : html`<${File_} common=${common} kind=${kind} value=${value} set=${set} ...${upload} />`}
      ${hint}
    </div>
  `;
}

const NO_TEXT = { from: 'text', text: '' };

/** @param {any} properties */
function Variable({ field, value = NO_TEXT, set, columns, definitions, common, hint }) {
  const { attributes } = definitions;
  const label = labelOf(field);
  const sources = [['text', t('broadcasts.from.text')], ['name', t('broadcasts.from.name')], ...(attributes.length > 0 || value.from === 'attribute' ? [['attribute', t('broadcasts.from.attribute')]] : []), ...(columns.length > 0 || value.from === 'column' ? [['column', t('broadcasts.from.column')]] : [])];
  const choose = (event) => {
    const from = event.currentTarget.value;
    set((before = NO_TEXT) => (from === 'text' ? { from, text: before.fallback ?? '' } : { from, key: '', fallback: before.fallback ?? before.text ?? '' }));
  };
  const write = (part) => set((before = NO_TEXT) => ({ ...before, ...part }));
  const what = value.from === 'text' ? 'text' : 'fallback';
  const keys = value.from === 'attribute' ? attributes.map((one) => [one.key, one.name]) : columns.map((one) => [one, one]);
  const options = keys.some(([key]) => key === value.key) || !value.key ? keys : [...keys, [value.key, value.key]];
  return html`
    <fieldset class="field broadcast-variable">
      <legend>${label}</legend>
      <div class="broadcast-source">
        <select aria-label=${t('broadcasts.from_where', { field: label })} value=${value.from} onchange=${choose}>
          ${sources.map(([from, text]) => html`<option key=${from} value=${from} selected=${from === value.from}>${text}</option>`)}
        </select>
        ${['attribute', 'column'].includes(value.from) &&
        html`
          <select aria-label=${t('broadcasts.which', { field: label })} onchange=${(event) => write({ key: event.currentTarget.value })}>
            <option value="">${t('broadcasts.choose')}</option>
            ${options.map(([key, name]) => html`<option key=${key} value=${key} selected=${key === value.key}>${name}</option>`)}
          </select>
        `}
        <input
          ...${common}
          key=${what}
          type="text"
          autocomplete="off"
          dir=${field.url ? 'ltr' : 'auto'}
          aria-label=${t(value.from === 'text' ? 'broadcasts.text_of' : 'broadcasts.fallback_of', { field: label })}
          placeholder=${t(value.from === 'text' ? 'broadcasts.text_for_all' : 'broadcasts.fallback')}
          defaultValue=${value[what] ?? ''}
          oninput=${(event) => write({ [what]: event.currentTarget.value })}
        />
      </div>
      ${value.from !== 'text' && !value.fallback?.trim() && html`<p class="quiet">${t('broadcasts.no_fallback')}</p>`}
      ${hint}
    </fieldset>
  `;
}
