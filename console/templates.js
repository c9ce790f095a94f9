// Message templates: what one asks for, what it becomes when it is filled, and how the customer sees it. Pure.
//
// A template is Meta's: `components`, in which variables stand as `{{1}}` or `{{name}}`. What fills them is a map by place: `body.1`,
// `header`, `button.0`, `card.2.body.name`.

const VARIABLE = /\{\{\s*([A-Za-z0-9_]+)\s*\}\}/g;
/** Headers that are a file. */
const FILES = ['IMAGE', 'VIDEO', 'DOCUMENT'];
/** What only a catalogue or an order can fill: it is not sent from here. */
const BUTTONS_FOR_PROGRAMS = ['MPM', 'SPM', 'ORDER_DETAILS', 'VOICE_CALL'];
/** Source: Cloud API, Template components (Nov 21 2025). */
const LONGEST = { header: 60, body: 1_024, url: 2_000, code: 15 };

/** The variables of a text, each once; numbers in their order. */
export function variablesOf(text = '') {
  const names = [...new Set([...text.matchAll(VARIABLE)].map(([, name]) => name))];
  return names.every((name) => /^\d+$/.test(name)) ? names.sort((one, other) => Number(one) - Number(other)) : names;
}

/** A text with what fills its variables; one that nothing fills stays. */
export function fillText(text = '', value) {
  return text.replace(VARIABLE, (variable, name) => value(name) || variable);
}

const kindOf = ({ type = '' }) => type.toUpperCase();
const componentsOf = ({ components }) => (Array.isArray(components) ? components : []);
const partOf = (components, kind) => components.find((one) => kindOf(one) === kind);
const cardsOf = (components) => partOf(components, 'CAROUSEL')?.cards ?? [];
const buttonsOf = (components) => partOf(components, 'BUTTONS')?.buttons ?? [];

/** The text of a body; that of a one-time password is Meta's own. */
function bodyOf(components, category) {
  const text = partOf(components, 'BODY')?.text ?? '';
  return category?.toUpperCase() === 'AUTHENTICATION' && variablesOf(text).length === 0 ? '*{{1}}*' : text;
}

/** Whether a button ends in a code that the body says, too. */
const isPassword = (category, button) =>
  category?.toUpperCase() === 'AUTHENTICATION' && (kindOf(button) === 'OTP' || (kindOf(button) === 'URL' && variablesOf(button.url).length > 0));

/**
 * What has to be filled in before a template can be sent: `{fields, isForPrograms}`. A field is `{key, part, kind, name, longest, card, label}`: its
 * `part` is `header`, `body`, `button` or `offer`, its `kind` `text`, `image`, `video`, `document`, `location`, `code` or `time`.
 */
export function needsOf(template) {
  const components = componentsOf(template);
  const fields = blockFields(components, template.category, '');
  for (const [i, card] of cardsOf(components).entries())
    fields.push(...blockFields(componentsOf(card), template.category, `card.${i}.`).map((field) => ({ ...field, card: i })));
  const offer = partOf(components, 'LIMITED_TIME_OFFER')?.limited_time_offer;
  if (offer?.has_expiration) fields.push({ key: 'offer', part: 'offer', kind: 'time', name: '', longest: 0 });
  const isForPrograms = [components, ...cardsOf(components).map(componentsOf)].some((block) => {
    const format = (partOf(block, 'HEADER')?.format ?? 'TEXT').toUpperCase();
    return !['TEXT', 'LOCATION', ...FILES].includes(format) || buttonsOf(block).some((button) => BUTTONS_FOR_PROGRAMS.includes(kindOf(button)));
  });
  return { fields, isForPrograms };
}

function blockFields(components, category, at) {
  const fields = [];
  const header = partOf(components, 'HEADER');
  const format = (header?.format ?? 'TEXT').toUpperCase();
  if (header && format === 'TEXT') for (const name of variablesOf(header.text)) fields.push({ key: `${at}header.${name}`, part: 'header', kind: 'text', name, longest: LONGEST.header });
  else if (header && FILES.includes(format)) fields.push({ key: `${at}header`, part: 'header', kind: format.toLowerCase(), name: '', longest: 0 });
  else if (header && format === 'LOCATION') fields.push({ key: `${at}header`, part: 'header', kind: 'location', name: '', longest: 0 });
  for (const name of variablesOf(bodyOf(components, category))) fields.push({ key: `${at}body.${name}`, part: 'body', kind: 'text', name, longest: LONGEST.body });
  for (const [i, button] of buttonsOf(components).entries()) {
    const field = { key: `${at}button.${i}`, part: 'button', name: '', label: button.text };
    if (isPassword(category, button)) continue;
    if (kindOf(button) === 'URL' && variablesOf(button.url).length > 0) fields.push({ ...field, kind: 'text', longest: LONGEST.url, url: button.url });
    if (kindOf(button) === 'COPY_CODE') fields.push({ ...field, kind: 'code', longest: LONGEST.code });
  }
  return fields;
}

/** What is wrong with a value: a key of a text, or null. Meta refuses a whole message for one line break in a value. */
export function wrongIn({ kind, longest, part }, value) {
  if (value === undefined || value === null || value === '') return 'fill.missing';
  if (kind === 'location') return [value.latitude, value.longitude].every((one) => Number.isFinite(Number(one)) && one !== '') && Math.abs(value.latitude) <= 90 && Math.abs(value.longitude) <= 180 ? null : 'fill.no_place';
  if (typeof value !== 'string') return null;
  if (/[\n\r\t]/.test(value) || / {5}/.test(value)) return 'fill.no_breaks';
  if (part === 'button' && /\s/.test(value)) return 'fill.no_spaces';
  return longest > 0 && [...value].length > longest ? 'fill.too_long' : null;
}

// --- as a message --------------------------------------------------------------------------------------------------

/**
 * The `template` object of a message that is filled in, and where in it each value stands: `{template, places}`, with `places` a map from
 * Meta's path to the field's key.
 */
export function filledTemplate({ name, language, category, parameter_format: format, components }, values) {
  const all = componentsOf({ components });
  const places = new Map();
  /** @type {any[]} */
  const filled = blockComponents(all, { category, isNamed: isNamed(format, all), values, at: '', path: 'template.components', places });
  const cards = cardsOf(all);
  if (cards.length > 0) {
    const path = `template.components[${filled.length}].cards`;
    filled.push({
      type: 'carousel',
      cards: cards.map((card, i) => ({
        card_index: i,
        components: blockComponents(componentsOf(card), { category, isNamed: isNamed(format, all), values, at: `card.${i}.`, path: `${path}[${i}].components`, places }),
      })),
    });
  }
  if (values.offer) {
    places.set(`template.components[${filled.length}]`, 'offer');
    filled.push({ type: 'limited_time_offer', parameters: [{ type: 'limited_time_offer', limited_time_offer: { expiration_time_ms: Date.parse(values.offer) } }] });
  }
  return { template: { name, language: { code: language }, ...(filled.length > 0 && { components: filled }) }, places };
}

/** Whether variables have names: as the template says, else as they are written. */
function isNamed(format, components) {
  if (format) return format.toLowerCase() === 'named';
  const texts = [partOf(components, 'HEADER')?.text, partOf(components, 'BODY')?.text];
  return texts.flatMap((text) => variablesOf(text)).some((name) => !/^\d+$/.test(name));
}

function blockComponents(components, { category, isNamed: named, values, at, path, places }) {
  const filled = [];
  const place = (parameter, key) => places.set(`${path}[${filled.length}].parameters[${parameter}]`, key);
  const texts = (part, text) =>
    variablesOf(text).map((name, i) => {
      const key = `${at}${part}.${name}`;
      place(i, key);
      return { type: 'text', ...(named && { parameter_name: name }), text: values[key] ?? '' };
    });
  const header = partOf(components, 'HEADER');
  const format = (header?.format ?? 'TEXT').toUpperCase();
  if (header && format === 'TEXT') {
    const parameters = texts('header', header.text);
    if (parameters.length > 0) filled.push({ type: 'header', parameters });
  } else if (header && [...FILES, 'LOCATION'].includes(format)) {
    place(0, `${at}header`);
    filled.push({ type: 'header', parameters: [headerParameter(format.toLowerCase(), values[`${at}header`])] });
  }
  const body = bodyOf(components, category);
  const parameters = texts('body', body);
  if (parameters.length > 0) filled.push({ type: 'body', parameters });
  for (const [i, button] of buttonsOf(components).entries()) {
    const key = `${at}button.${i}`;
    const parameter = buttonParameter(button, isPassword(category, button) ? values[`${at}body.${variablesOf(body)[0]}`] : values[key], category);
    if (!parameter) continue;
    place(0, key);
    filled.push({ type: 'button', sub_type: parameter.sub_type, index: String(i), parameters: [parameter.value] });
  }
  return filled;
}

function headerParameter(kind, value) {
  if (kind === 'location') {
    const { latitude, longitude, name, address } = value ?? {};
    return { type: 'location', location: { latitude: Number(latitude), longitude: Number(longitude), ...(name && { name }), ...(address && { address }) } };
  }
  const { media_id, name } = value ?? {};
  return { type: kind, [kind]: { media_id, ...(kind === 'document' && name && { filename: name }) } };
}

function buttonParameter(button, value, category) {
  if (isPassword(category, button) || (kindOf(button) === 'URL' && variablesOf(button.url).length > 0)) return { sub_type: 'url', value: { type: 'text', text: value ?? '' } };
  if (kindOf(button) === 'COPY_CODE') return { sub_type: 'copy_code', value: { type: 'coupon_code', coupon_code: value ?? '' } };
  // Without it Meta refuses the message, though it may say nothing.
  if (kindOf(button) === 'FLOW') return { sub_type: 'flow', value: { type: 'action', action: {} } };
  return null;
}

/** What filled a template that was sent: the values that `filledTemplate` made these components of. */
export function valuesOf({ components, category }, sent = []) {
  const all = componentsOf({ components });
  const values = blockValues(all, category, sent, '');
  for (const card of sentPart(sent, 'carousel')?.cards ?? [])
    Object.assign(values, blockValues(componentsOf(cardsOf(all)[card.card_index] ?? {}), category, card.components ?? [], `card.${card.card_index}.`));
  return values;
}

const sentPart = (sent, kind) => sent.find(({ type = '' }) => type.toLowerCase() === kind);

function blockValues(components, category, sent, at) {
  /** @type {Record<string, any>} */
  const values = {};
  const texts = (part, text) => {
    const given = sentPart(sent, part)?.parameters ?? [];
    for (const [i, name] of variablesOf(text).entries()) values[`${at}${part}.${name}`] = valueOf(given.find((one) => one.parameter_name === name) ?? given[i]);
  };
  const header = partOf(components, 'HEADER');
  if ((header?.format ?? 'TEXT').toUpperCase() === 'TEXT') texts('header', header?.text);
  else {
    const [given] = sentPart(sent, 'header')?.parameters ?? [];
    const { media_id, filename, name } = given?.[given.type] ?? {};
    values[`${at}header`] = { media_id, name: filename ?? name };
  }
  texts('body', bodyOf(components, category));
  for (const { type = '', index, parameters = [] } of sent) if (type.toLowerCase() === 'button') values[`${at}button.${index}`] = valueOf(parameters[0]);
  return values;
}

/** A parameter as text; amounts and times have one of their own. */
function valueOf(parameter) {
  const value = parameter?.[parameter.type];
  return parameter?.text ?? parameter?.coupon_code ?? value?.fallback_value ?? (typeof value === 'string' ? value : undefined);
}

/** The field that a refusal is about, by its path; undefined for one about the whole. */
export function fieldOf(path = '', places) {
  return [...places].filter(([place]) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`)).sort(([one], [other]) => other.length - one.length)[0]?.[1];
}

// --- as the customer sees it ---------------------------------------------------------------------------------------

/** How the customer sees it: `{header, body, footer, buttons, offer, cards}`. Without `values` variables stand as they are. */
export function previewOf({ components, category }, values = {}) {
  const all = componentsOf({ components });
  const offer = partOf(all, 'LIMITED_TIME_OFFER')?.limited_time_offer;
  return {
    ...blockPreview(all, category, values, ''),
    footer: footerOf(all),
    offer: offer ? offer.text : undefined,
    cards: cardsOf(all).map((card, i) => blockPreview(componentsOf(card), category, values, `card.${i}.`)),
  };
}

function footerOf(components) {
  const footer = partOf(components, 'FOOTER');
  return footer?.text || undefined;
}

function blockPreview(components, category, values, at) {
  const header = partOf(components, 'HEADER');
  const format = (header?.format ?? 'TEXT').toLowerCase();
  const isText = format === 'text';
  const value = values[`${at}header`];
  return {
    header: header && {
      format,
      text: isText ? fillText(header.text, (name) => values[`${at}header.${name}`]) : value?.name,
      ...(value?.media_id && { media_id: value.media_id }),
    },
    body: fillText(bodyOf(components, category), (name) => values[`${at}body.${name}`]),
    buttons: buttonsOf(components).map((button, i) => ({ type: kindOf(button), text: button.text ?? '', value: buttonValue(button, values[`${at}button.${i}`]) })),
  };
}

function buttonValue(button, value) {
  if (kindOf(button) === 'URL') return fillText(button.url, () => value);
  if (kindOf(button) === 'PHONE_NUMBER') return button.phone_number;
  return value;
}

/** Whether Meta lets it be changed. Source: Cloud API, Template management (Nov 14 2025). */
export const isEditable = ({ status }) => ['APPROVED', 'REJECTED', 'PAUSED'].includes(status);
