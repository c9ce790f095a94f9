// A template while it is being written: what the editor shows, and the components that it becomes. Pure.

import { variablesOf } from './templates.js';

export const CATEGORIES = ['MARKETING', 'UTILITY', 'AUTHENTICATION'];
export const HEADERS = ['NONE', 'TEXT', 'IMAGE', 'VIDEO', 'DOCUMENT', 'LOCATION'];
export const BUTTONS = ['QUICK_REPLY', 'URL', 'PHONE_NUMBER', 'COPY_CODE'];
export const MOST_BUTTONS = 10;

/** As Meta writes languages. Source: Cloud API, Supported languages (2025). */
export const LANGUAGES = (
  'af sq ar ar_EG ar_AE ar_LB ar_MA ar_QA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da prs_AF nl nl_BE en en_GB en_US en_AE en_AU en_CA ' +
  'en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_ZA et fil fi fr fr_BE fr_CA fr_CH fr_CI fr_MA ka de de_AT de_CH el gu ha he hi hu ' +
  'id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml mr nb ps_AF fa pl pt_BR pt_PT pa ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR es_DO ' +
  'es_EC es_HN es_MX es_PA es_PE es_ES es_UY sw sv ta te th tr uk ur uz vi zu'
).split(' ');

/** A draft with nothing in it. */
export function emptyDraft(language = 'en') {
  return {
    name: '',
    language,
    category: 'UTILITY',
    header: { format: 'NONE', text: '', file: null, handle: null },
    body: '',
    footer: '',
    buttons: [],
    /** Examples of variables: `header.1`, `body.name`, `button.0`. */
    examples: {},
    password: { advice: true, minutes: '10', label: '' },
  };
}

const kindOf = ({ type = '' }) => type.toUpperCase();
const KNOWN = ['HEADER', 'BODY', 'FOOTER', 'BUTTONS'];

/** What the editor writes of each part. Another key is something that it would take away. */
const WRITTEN = {
  HEADER: ['type', 'format', 'text', 'example'],
  BODY: ['type', 'text', 'example', 'add_security_recommendation'],
  FOOTER: ['type', 'text', 'code_expiration_minutes'],
  BUTTONS: ['type', 'buttons'],
};
const WRITTEN_OF_BUTTONS = {
  QUICK_REPLY: ['type', 'text'],
  URL: ['type', 'text', 'url', 'example'],
  PHONE_NUMBER: ['type', 'text', 'phone_number'],
  COPY_CODE: ['type', 'text', 'example'],
  OTP: ['type', 'text', 'otp_type'],
};

const hasOnly = (object, keys) => Object.keys(object).every((key) => keys?.includes(key));

/** Whether the editor has fields for all that stands in the components of a template. */
function isEditable(components) {
  return components.every((component) => {
    const { buttons = [], example = {} } = component;
    // One set of examples is all that it shows.
    const sets = Array.isArray(example.body_text?.[0]) ? example.body_text.length : 1;
    // Meta lists the button of a one-time password as one, or as a link whose address says so.
    const passwordBy = (button) => button.otp_type ?? /[?&]otp_type=(\w+)/.exec(button.url ?? '')?.[1] ?? 'COPY_CODE';
    const isWritten = (button) => hasOnly(button, WRITTEN_OF_BUTTONS[kindOf(button)]) && passwordBy(button).toUpperCase() === 'COPY_CODE';
    return hasOnly(component, WRITTEN[kindOf(component)]) && sets <= 1 && buttons.every(isWritten);
  });
}

/** The draft of a template that there is; null for one with parts that the editor has no fields for, or whose parts are not known. */
export function draftOf({ name, language, category, components }) {
  if (!Array.isArray(components) || !isEditable(components)) return null;
  const parts = Object.fromEntries(components.map((component) => [kindOf(component), component]));
  if (Object.keys(parts).some((kind) => !KNOWN.includes(kind))) return null;
  const draft = { ...emptyDraft(language), name, category: category.toUpperCase() };
  const buttons = parts.BUTTONS?.buttons ?? [];
  if (draft.category === 'AUTHENTICATION') {
    const minutes = parts.FOOTER?.code_expiration_minutes;
    draft.password = { advice: parts.BODY?.add_security_recommendation === true, minutes: minutes ? String(minutes) : '', label: buttons[0]?.text ?? '' };
    return draft;
  }
  const format = parts.HEADER ? (parts.HEADER.format ?? 'TEXT').toUpperCase() : 'NONE';
  if (!HEADERS.includes(format) || buttons.some((button) => !BUTTONS.includes(kindOf(button)))) return null;
  draft.header = { format, text: parts.HEADER?.text ?? '', file: null, handle: parts.HEADER?.example?.header_handle ?? null };
  draft.body = parts.BODY?.text ?? '';
  draft.footer = parts.FOOTER?.text ?? '';
  draft.buttons = buttons.map((button) => ({ type: kindOf(button), text: button.text ?? '', value: button.url ?? button.phone_number ?? '' }));
  draft.examples = { ...examplesOf(parts.HEADER, 'header'), ...examplesOf(parts.BODY, 'body') };
  for (const [i, button] of buttons.entries()) {
    const example = [button.example].flat()[0];
    if (example) draft.examples[`button.${i}`] = kindOf(button) === 'URL' ? endOf(button.url, example) : example;
  }
  return draft;
}

// Meta wants the example of a link as the whole address; what is written here is what fills its variable.
function endOf(url, example) {
  const begin = url.split('{{')[0];
  return example.startsWith(begin) ? example.slice(begin.length) : example;
}

function examplesOf(component, part) {
  const { example = {}, text } = component ?? {};
  const named = example[`${part}_text_named_params`];
  if (named) return Object.fromEntries(named.map(({ param_name: name, example: value }) => [`${part}.${name}`, value]));
  const list = example[`${part}_text`];
  const values = Array.isArray(list?.[0]) ? list[0] : list;
  return Object.fromEntries(variablesOf(text).map((name, i) => [`${part}.${name}`, values?.[i] ?? '']));
}

/** How the variables of a draft are called: by numbers or by names. */
export function formatOf({ header, body }) {
  const names = [...(header.format === 'TEXT' ? variablesOf(header.text) : []), ...variablesOf(body)];
  return names.some((name) => !/^\d+$/.test(name)) ? 'named' : 'positional';
}

/** The variables that need an example: `{key, name}`. */
export function examplesNeeded({ category, header, body, buttons }) {
  if (category === 'AUTHENTICATION') return [];
  const of = (part, text) => variablesOf(text).map((name) => ({ key: `${part}.${name}`, part, name }));
  return [...(header.format === 'TEXT' ? of('header', header.text) : []), ...of('body', body), ...buttons.flatMap((button, i) => (button.type === 'COPY_CODE' || (button.type === 'URL' && variablesOf(button.value).length > 0) ? [{ key: `button.${i}`, part: 'button', name: button.text }] : []))];
}

/** What the gateway takes: `{name, language, category, parameter_format, components}`. */
export function definitionOf(draft) {
  const { name, language, category } = draft;
  const parameter_format = formatOf(draft);
  return { name, language, category, ...(category !== 'AUTHENTICATION' && { parameter_format }), components: category === 'AUTHENTICATION' ? passwordComponents(draft.password) : componentsOf(draft, parameter_format) };
}

function passwordComponents({ advice, minutes, label }) {
  /** @type {any[]} */
  const components = [{ type: 'BODY', add_security_recommendation: advice }];
  if (minutes !== '') components.push({ type: 'FOOTER', code_expiration_minutes: Number(minutes) });
  return [...components, { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE', ...(label && { text: label }) }] }];
}

function componentsOf({ header, body, footer, buttons, examples }, format) {
  const components = [];
  if (header.format === 'TEXT') components.push({ type: 'HEADER', format: 'TEXT', text: header.text, ...exampleOf('header', header.text, format, examples) });
  else if (header.format === 'LOCATION') components.push({ type: 'HEADER', format: 'LOCATION' });
  else if (header.format !== 'NONE') {
    const example = header.file ? { media_id: header.file.media_id } : header.handle ? { header_handle: header.handle } : null;
    components.push({ type: 'HEADER', format: header.format, ...(example && { example }) });
  }
  components.push({ type: 'BODY', text: body, ...exampleOf('body', body, format, examples) });
  if (footer !== '') components.push({ type: 'FOOTER', text: footer });
  if (buttons.length > 0) components.push({ type: 'BUTTONS', buttons: buttons.map((button, i) => buttonOf(button, examples[`button.${i}`] ?? '')) });
  return components;
}

function exampleOf(part, text, format, examples) {
  const names = variablesOf(text);
  if (names.length === 0) return {};
  if (format === 'named') return { example: { [`${part}_text_named_params`]: names.map((name) => ({ param_name: name, example: examples[`${part}.${name}`] ?? '' })) } };
  const values = names.map((name) => examples[`${part}.${name}`] ?? '');
  return { example: { [`${part}_text`]: part === 'body' ? [values] : values } };
}

function buttonOf({ type, text, value }, example) {
  if (type === 'URL') return { type, text, url: value, ...(variablesOf(value).length > 0 && { example: [value.replace(/\{\{[^}]*\}\}/, () => example)] }) };
  if (type === 'PHONE_NUMBER') return { type, text, phone_number: value };
  if (type === 'COPY_CODE') return { type, example };
  return { type, text };
}

/**
 * The part of the editor that a problem is about, by its path: `name`, `header`, `body`, `footer`, `button.0`, or `examples` for what is wrong
 * with the example of one of them; `null` for the whole.
 */
export function partOfPath(path, { components }) {
  const [, index, more = ''] = /^components\[(\d+)\](.*)$/.exec(path) ?? [];
  if (index === undefined) return ['name', 'language', 'category'].includes(path) ? path : null;
  const component = components[Number(index)] ?? {};
  const kind = kindOf(component);
  // A file that is an example is chosen in its part.
  const isFile = kind === 'HEADER' && component.format !== 'TEXT';
  if (/\.example\b/.test(more) && !isFile) return 'examples';
  if (kind !== 'BUTTONS') return KNOWN.includes(kind) ? kind.toLowerCase() : null;
  const button = /^\.buttons\[(\d+)\]/.exec(more);
  return button ? `button.${button[1]}` : 'buttons';
}

/** A draft of an entry of Meta's library, which comes with components or in a shape of its own; null where the editor has no fields for it. */
export function draftOfLibrary({ name, language, category, components, header, body, body_params: values = [], buttons = [] }) {
  const own = components ?? [
    ...(header ? [{ type: 'HEADER', format: 'TEXT', text: header }] : []),
    { type: 'BODY', text: body ?? '', ...(values.length > 0 && { example: { body_text: [values] } }) },
    ...(buttons.length > 0 ? [{ type: 'BUTTONS', buttons }] : []),
  ];
  return draftOf({ name, language, category: category ?? 'UTILITY', components: own });
}
