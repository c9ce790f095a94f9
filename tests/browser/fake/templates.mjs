// Message templates on the fake gateway, as docs/api.md has them. What Meta would refuse is only looked for as far as tests need it.

import { randomBytes } from 'node:crypto';

const hex = (bytes) => randomBytes(bytes).toString('hex');
const ok = (json, status = 200) => ({ status, json });
const error = (status, code, message = code, more = {}) => ({ status, json: { error: { code, message, ...more } } });
const variables = (text = '') => [...new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name))];
const part = (components, type) => components?.find((one) => one.type.toUpperCase() === type);
const PAGE = 200;

/** What the account begins with. */
const STOCK = [
  ['olive_tree', 'en', 'UTILITY', [{ type: 'BODY', text: 'Your olive tree waits until {{1}}.', example: { body_text: [['Friday']] } }]],
  ['olive_tree', 'es', 'UTILITY', [{ type: 'BODY', text: 'Su olivo espera hasta {{1}}.', example: { body_text: [['viernes']] } }]],
  [
    'order_update',
    'en_US',
    'UTILITY',
    [
      { type: 'HEADER', format: 'TEXT', text: 'Order {{1}}', example: { header_text: ['4411'] } },
      { type: 'BODY', text: 'Hi {{1}}, your *order* is {{2}}.', example: { body_text: [['Sari', 'on its way']] } },
      { type: 'FOOTER', text: 'Garden Lane' },
      { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'Thanks' }, { type: 'URL', text: 'Track it', url: 'https://shop.example/t/{{1}}', example: ['https://shop.example/t/77'] }] },
    ],
  ],
  [
    'spring_photo',
    'en',
    'MARKETING',
    [
      { type: 'HEADER', format: 'IMAGE', example: { header_handle: ['4::aW'] } },
      { type: 'BODY', text: 'Hello {{first_name}}, spring is here.', example: { body_text_named_params: [{ param_name: 'first_name', example: 'Sari' }] } },
      { type: 'BUTTONS', buttons: [{ type: 'COPY_CODE', example: 'SPRING' }] },
    ],
    { parameter_format: 'named', quality: 'GREEN' },
  ],
  ['visit_us', 'en', 'MARKETING', [{ type: 'HEADER', format: 'LOCATION' }, { type: 'BODY', text: 'We have moved.' }]],
  [
    'three_pots',
    'en',
    'MARKETING',
    [
      { type: 'BODY', text: 'Pots for {{1}}', example: { body_text: [['Sari']] } },
      {
        type: 'CAROUSEL',
        cards: ['Small', 'Large'].map((name) => ({
          components: [
            { type: 'HEADER', format: 'IMAGE', example: { header_handle: ['4::aW'] } },
            { type: 'BODY', text: `${name} for {{1}}`, example: { body_text: [['5']] } },
            { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Buy', url: 'https://shop.example/{{1}}', example: ['https://shop.example/s'] }] },
          ],
        })),
      },
    ],
  ],
  ['sign_in_code', 'en', 'AUTHENTICATION', [{ type: 'BODY', text: '*{{1}}* is your verification code.', add_security_recommendation: true }, { type: 'FOOTER', code_expiration_minutes: 10 }, { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Copy code', url: 'https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}' }] }]],
  ['old_offer', 'en', 'MARKETING', [{ type: 'BODY', text: 'Everything must go.' }], { status: 'REJECTED', reason: 'PROMOTIONAL', quality: 'RED' }],
];

export class Templates {
  kept = new Map();
  accounts = [{ waba_id: '2201', state: 'idle', at: Date.now() - 3_600_000, templates: 8 }];
  library = [{ id: 'l1', name: 'delivery_confirmation_1', language: 'en', category: 'UTILITY', header: 'Delivered', body: '{{1}}, your order came {{2}}.', body_params: ['Sari', 'today'], buttons: [{ type: 'URL', text: 'Look', url: 'https://www.example.com' }, { type: 'PHONE_NUMBER', text: 'Call', phone_number: '+15550100' }] }];
  heard = [];
  /** What is refused: `{list, check, change, definition}`, each `[status, code, message, more]`. */
  faults = {};

  constructor() {
    for (const [name, language, category, components, more] of STOCK) this.add({ name, language, category, components, ...more });
  }

  add({ name, language, category, components, waba_id = '2201', ...more }) {
    const template_id = hex(16);
    const at = Date.now();
    const template = { template_id, waba_id, name, language, category, components, status: 'APPROVED', quality: 'UNKNOWN', parameter_format: 'positional', changed_at: at, synced_at: at, problems: [], versions: [{ at, status: 'PENDING', category, components, why: 'created' }], ...more };
    this.kept.set(template_id, template);
    return template;
  }

  answer(method, [first, id, more], url, body, mayManage) {
    this.heard.push([method, id === undefined || this.kept.has(id) ? first : id, body]);
    if (first === 'template-library') return ok({ templates: this.library.filter((one) => one.name.includes(url.searchParams.get('search') ?? '')), next_cursor: null });
    if (method !== 'GET' && id !== 'check' && id !== 'check-definition' && !mayManage) return error(403, 'forbidden');
    if (id === 'sync') return method === 'GET' ? ok({ accounts: this.accounts }) : this.#sync();
    if (id === 'check') return this.#check(body);
    if (id === 'check-definition') return this.faults.definition ? error(...this.faults.definition) : ok({ problems: problemsOf(body), preview: {} });
    if (id === undefined) return method === 'GET' ? this.#list(url.searchParams) : this.#create(body);
    const template = this.kept.get(id);
    if (!template) return error(404, 'not_found');
    if (more === 'versions') return ok({ versions: template.versions });
    if (method === 'GET') return ok(template);
    if (this.faults.change) return error(...this.faults.change);
    const unknown = method === 'PUT' && unknownField(body, ['category', 'components']);
    if (unknown) return error(400, 'invalid_request', `${unknown}: there is no such field`);
    if (method === 'PUT') return ok(Object.assign(template, body, { status: 'PENDING' }));
    for (const one of this.kept.values()) if (one === template || (url.searchParams.get('all_languages') === 'true' && one.name === template.name)) this.kept.delete(one.template_id);
    return ok({ template_id: id });
  }

  #list(query) {
    if (this.faults.list) return error(...this.faults.list);
    const wanted = [...this.kept.values()].filter((one) =>
      ['waba_id', 'status', 'language'].every((key) => !query.get(key) || query.get(key) === one[key]) && one.name.startsWith(query.get('name') ?? ''),
    );
    const limit = Math.min(PAGE, Number(query.get('limit') ?? PAGE));
    const from = Number(query.get('cursor') ?? 0);
    const shown = wanted.slice(from, from + limit).map(({ versions: _, ...template }) => template);
    return ok({ templates: shown, next_cursor: from + limit < wanted.length ? String(from + limit) : null });
  }

  #sync() {
    Object.assign(this.accounts[0], { state: 'running', templates: 3 });
    return ok({}, 202);
  }

  /** Ends the reading from Meta. */
  finish() {
    Object.assign(this.accounts[0], { state: 'idle', at: Date.now(), templates: this.kept.size });
  }

  #create(body) {
    if (this.faults.change) return error(...this.faults.change);
    const unknown = unknownField(body, body.library_template_name ? TAKEN : WRITTEN);
    if (unknown) return error(400, 'invalid_request', `${unknown}: there is no such field`);
    if (body.library_template_name) return this.#take(body);
    const problems = problemsOf(body);
    if (problems.length > 0) return error(422, 'meta_refused', problems[0].problem, { meta: { code: 100, title: 'Invalid parameter', details: problems[0].problem } });
    return ok(this.add({ ...body, status: 'PENDING' }), 201);
  }

  /** One of the library is approved at once, and told whole by the next reading. */
  #take({ waba_id, name, language, category, library_template_name, library_template_button_inputs: inputs = [] }) {
    const entry = this.library.find((one) => one.name === library_template_name);
    if (!entry) return error(422, 'meta_refused', 'no such entry', { meta: { code: 100, title: 'Invalid parameter', details: 'no such entry' } });
    for (const [i, { type, url, phone_number }] of inputs.entries()) {
      const path = `library_template_button_inputs[${i}]`;
      if (type === 'URL' && !url?.base_url?.startsWith('https://')) return error(422, 'template_invalid', `${path}.url.base_url: must begin with https://`, { path: `${path}.url.base_url` });
      if (type === 'PHONE_NUMBER' && !/^\+\d{5,19}$/.test(phone_number)) return error(422, 'template_invalid', `${path}.phone_number: must be a phone number`, { path: `${path}.phone_number` });
    }
    if (inputs.length !== entry.buttons.length) return error(422, 'meta_refused', 'buttons', { meta: { code: 100, title: 'Invalid parameter', details: 'each button needs an input' } });
    return ok(this.add({ waba_id, name, language, category, components: null, status: 'APPROVED', inputs }), 201);
  }

  #check({ template: { name, language, components = [] } }) {
    if (this.faults.check) return error(...this.faults.check);
    const template = [...this.kept.values()].find((one) => one.name === name && one.language === language.code);
    if (!template) return error(422, 'template_unknown');
    if (template.status !== 'APPROVED') return error(422, 'template_not_sendable', 'no', { status: template.status });
    for (const kind of ['HEADER', 'BODY']) {
      const wanted = variables(part(template.components, kind)?.text);
      const at = components.findIndex((one) => one.type.toUpperCase() === kind);
      const given = at < 0 || part(template.components, kind)?.format === 'IMAGE' ? [] : components[at].parameters.filter(({ type }) => type === 'text');
      if (given.length !== wanted.length) return error(422, 'template_invalid', `the ${kind} has ${wanted.length} variables`, { path: 'template.components' });
    }
    return ok({ preview: {} });
  }
}

const WRITTEN = ['waba_id', 'name', 'language', 'category', 'parameter_format', 'components'];
const TAKEN = ['waba_id', 'name', 'language', 'category', 'library_template_name', 'library_template_button_inputs', 'library_template_body_inputs'];

/** A field that docs/api.md does not have. */
const unknownField = (body, known) => Object.keys(body).find((key) => !known.includes(key));

function problemsOf({ name, language, components }) {
  const problems = [];
  if (!/^[a-z0-9_]+$/.test(name)) problems.push({ path: 'name', problem: 'must be of a-z, 0-9 and _' });
  if (!language) problems.push({ path: 'language', problem: 'must be one of Meta’s languages' });
  for (const [i, component] of components.entries()) {
    const count = variables(component.text).length;
    const example = component.example ?? {};
    const given = example.body_text?.[0] ?? example.header_text ?? (example.body_text_named_params ?? example.header_text_named_params)?.map((one) => one.example) ?? [];
    if (component.type === 'BODY' && component.text === '') problems.push({ path: `components[${i}].text`, problem: 'must not be empty' });
    if (count > 0 && (given.length !== count || given.includes(''))) problems.push({ path: `components[${i}].example`, problem: `must have ${count} examples` });
    if (['IMAGE', 'VIDEO', 'DOCUMENT'].includes(component.format) && !example.media_id && !example.header_handle) problems.push({ path: `components[${i}].example`, problem: 'is missing' });
    for (const [k, button] of (component.buttons ?? []).entries()) if (button.type !== 'OTP' && !button.text && button.type !== 'COPY_CODE') problems.push({ path: `components[${i}].buttons[${k}].text`, problem: 'is missing' });
  }
  return problems;
}
