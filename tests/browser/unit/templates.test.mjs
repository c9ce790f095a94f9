import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf, draftOf, draftOfLibrary, emptyDraft, examplesNeeded, partOfPath } from '../../../console/template_draft.js';
import { fieldOf, fillText, filledTemplate, needsOf, previewOf, valuesOf, variablesOf, wrongIn } from '../../../console/templates.js';

const body = (text, more) => ({ type: 'BODY', text, ...more });
const template = (components, more) => ({ name: 'a', language: 'en', category: 'UTILITY', components, ...more });
const keys = (of) => needsOf(of).fields.map(({ key, kind }) => `${key} ${kind}`);

test('variables are told each once, numbers in their order', () => {
  assert.deepEqual(variablesOf('{{2}} {{1}} {{10}} {{ 2 }} {{}} {1}'), ['1', '2', '10']);
  assert.deepEqual(variablesOf('{{city}} {{name}} {{city}}'), ['city', 'name']);
  assert.equal(fillText('{{1}} and {{2}}', (name) => ({ 1: '$& {{2}}' })[name]), '$& {{2}} and {{2}}');
});

const ORDER = template([
  { type: 'HEADER', format: 'TEXT', text: 'Order {{1}}' },
  body('Hi {{1}}, it is {{2}}.'),
  { type: 'FOOTER', text: 'Lane' },
  { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'Ok' }, { type: 'URL', text: 'Track', url: 'https://x.example/{{1}}' }, { type: 'URL', text: 'Home', url: 'https://x.example' }, { type: 'COPY_CODE' }] },
]);

test('exactly what a template leaves open is asked for', () => {
  assert.deepEqual(keys(ORDER), ['header.1 text', 'body.1 text', 'body.2 text', 'button.1 text', 'button.3 code']);
  assert.deepEqual(keys(template([{ type: 'header', format: 'image' }, body('Hi')])), ['header image']);
  assert.deepEqual(keys(template([{ type: 'HEADER', format: 'LOCATION' }, body('Hi')])), ['header location']);
  assert.deepEqual(keys(template([body('Nothing')])), []);
  assert.deepEqual(keys(template([body('x'), { type: 'LIMITED_TIME_OFFER', limited_time_offer: { text: 'Now', has_expiration: true } }])), ['offer time']);
  assert.deepEqual(keys({ name: 'a', language: 'en', category: 'UTILITY' }), []);
});

test('a template that products or orders fill is for programs', () => {
  for (const type of ['MPM', 'SPM', 'ORDER_DETAILS']) assert.equal(needsOf(template([body('x'), { type: 'BUTTONS', buttons: [{ type, text: 'x' }] }])).isForPrograms, true);
  assert.equal(needsOf(template([{ type: 'HEADER', format: 'PRODUCT' }, body('x')])).isForPrograms, true);
  assert.equal(needsOf(ORDER).isForPrograms, false);
});

test('what is filled in becomes Meta’s parameters, each at its place', () => {
  const values = { 'header.1': '77', 'body.1': 'Sari', 'body.2': 'here', 'button.1': 't/77', 'button.3': 'SAVE' };
  const { template: filled, places } = filledTemplate(ORDER, values);
  assert.deepEqual(filled, {
    name: 'a',
    language: { code: 'en' },
    components: [
      { type: 'header', parameters: [{ type: 'text', text: '77' }] },
      { type: 'body', parameters: [{ type: 'text', text: 'Sari' }, { type: 'text', text: 'here' }] },
      { type: 'button', sub_type: 'url', index: '1', parameters: [{ type: 'text', text: 't/77' }] },
      { type: 'button', sub_type: 'copy_code', index: '3', parameters: [{ type: 'coupon_code', coupon_code: 'SAVE' }] },
    ],
  });
  assert.equal(fieldOf('template.components[1].parameters[1].text', places), 'body.2');
  assert.equal(fieldOf('template.components[3].parameters[0]', places), 'button.3');
  assert.equal(fieldOf('template.components', places), undefined);
  assert.equal(filledTemplate(template([body('Hi')]), {}).template.components, undefined);
});

test('named variables carry their names, files their ids, places their numbers', () => {
  const named = filledTemplate(template([{ type: 'HEADER', format: 'DOCUMENT' }, body('Hi {{first_name}}')]), { header: { media_id: 'm', name: 'a.pdf' }, 'body.first_name': 'Sari' }).template;
  assert.deepEqual(named.components, [
    { type: 'header', parameters: [{ type: 'document', document: { media_id: 'm', filename: 'a.pdf' } }] },
    { type: 'body', parameters: [{ type: 'text', parameter_name: 'first_name', text: 'Sari' }] },
  ]);
  const placed = filledTemplate(template([{ type: 'HEADER', format: 'LOCATION' }, body('Hi')]), { header: { latitude: '-6.2', longitude: '106.8', name: 'Shop' } }).template;
  assert.deepEqual(placed.components[0].parameters[0].location, { latitude: -6.2, longitude: 106.8, name: 'Shop' });
});

test('the code of a one-time password is asked for once, and goes to body and button', () => {
  const password = template([body('*{{1}}* is your code.'), { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Copy', url: 'https://wa.example/{{1}}' }] }], { category: 'AUTHENTICATION' });
  assert.deepEqual(keys(password), ['body.1 text']);
  const { components } = filledTemplate(password, { 'body.1': '123456' }).template;
  assert.deepEqual(components.map(({ parameters }) => parameters[0].text), ['123456', '123456']);
  assert.deepEqual(keys(template([{ type: 'BODY', add_security_recommendation: true }, { type: 'BUTTONS', buttons: [{ type: 'OTP' }] }], { category: 'AUTHENTICATION' })), ['body.1 text']);
});

const CARDS = template([
  body('For {{1}}'),
  { type: 'CAROUSEL', cards: [1, 2].map((number) => ({ components: [{ type: 'HEADER', format: 'IMAGE' }, body(`Card ${number} {{1}}`), { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Buy', url: 'https://x.example/{{1}}' }] }] })) },
]);

test('cards are filled one by one, and a refusal is led to the card’s field', () => {
  assert.deepEqual(keys(CARDS), ['body.1 text', 'card.0.header image', 'card.0.body.1 text', 'card.0.button.0 text', 'card.1.header image', 'card.1.body.1 text', 'card.1.button.0 text']);
  const { template: filled, places } = filledTemplate(CARDS, { 'body.1': 'Sari', 'card.1.header': { media_id: 'm' }, 'card.1.body.1': 'x', 'card.1.button.0': 'y' });
  const [, carousel] = filled.components;
  assert.deepEqual(carousel.cards.map(({ card_index }) => card_index), [0, 1]);
  assert.deepEqual(carousel.cards[1].components[0].parameters, [{ type: 'image', image: { media_id: 'm' } }]);
  assert.equal(fieldOf('template.components[1].cards[1].components[2].parameters[0].text', places), 'card.1.button.0');
});

test('what was sent shows again what the customer saw', () => {
  const named = template([{ type: 'HEADER', format: 'IMAGE' }, body('{{city}} for {{name}}')], { parameter_format: 'named' });
  const cards = template([body('For {{1}}'), { type: 'CAROUSEL', cards: [1, 2].map((one) => ({ components: [{ type: 'HEADER', format: 'IMAGE' }, body(`${one} at {{1}}`), { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Buy', url: 'https://x.example/{{1}}' }] }] })) }]);
  const filled = [
    [ORDER, { 'header.1': '77', 'body.1': 'Sari', 'body.2': 'here', 'button.1': 't/77', 'button.3': 'SAVE' }],
    [named, { header: { media_id: 'm1', name: undefined }, 'body.city': 'Lima', 'body.name': 'Eva' }],
    [cards, { 'body.1': 'Eva', 'card.0.header': { media_id: 'a', name: undefined }, 'card.0.body.1': '5', 'card.0.button.0': 's', 'card.1.header': { media_id: 'b', name: undefined }, 'card.1.body.1': '9', 'card.1.button.0': 'l' }],
  ];
  for (const [of, values] of filled) {
    const { components } = filledTemplate(of, values).template;
    assert.deepEqual(previewOf(of, valuesOf(of, components)), previewOf(of, values));
  }
  const amount = { type: 'currency', currency: { fallback_value: '5 €', code: 'EUR', amount_1000: 5000 } };
  assert.equal(previewOf(template([body('It is {{1}}, {{2}}')]), valuesOf(template([body('It is {{1}}, {{2}}')]), [{ type: 'BODY', parameters: [amount] }])).body, 'It is 5 €, {{2}}');
  assert.equal(previewOf(template([body('Hi')]), valuesOf(template([body('Hi')]), undefined)).body, 'Hi');
});

test('what Meta would refuse in a value is told before it is asked', () => {
  const text = { kind: 'text', part: 'body', longest: 5 };
  assert.equal(wrongIn(text, 'fine'), null);
  assert.equal(wrongIn(text, ''), 'fill.missing');
  assert.equal(wrongIn(text, 'two\nlines'), 'fill.no_breaks');
  assert.equal(wrongIn(text, 'a     b'), 'fill.no_breaks');
  assert.equal(wrongIn(text, '🌱🌱🌱🌱🌱'), null);
  assert.equal(wrongIn(text, '123456'), 'fill.too_long');
  assert.equal(wrongIn({ ...text, part: 'button', longest: 99 }, 'a b'), 'fill.no_spaces');
  const place = { kind: 'location', part: 'header', longest: 0 };
  for (const [latitude, longitude, why] of [['-6.2', '106.8', null], ['x', '1', 'fill.no_place'], ['', '1', 'fill.no_place'], ['91', '1', 'fill.no_place']]) assert.equal(wrongIn(place, { latitude, longitude }), why);
  assert.equal(wrongIn(place, { latitude: '1' }), 'fill.no_place');
  assert.equal(wrongIn({ kind: 'image', longest: 0 }, undefined), 'fill.missing');
});

test('a preview shows what is filled in, and variables where nothing is', () => {
  const shown = previewOf(ORDER, { 'header.1': '77', 'body.2': 'here', 'button.1': 'z' });
  assert.deepEqual([shown.header, shown.body, shown.footer], [{ format: 'text', text: 'Order 77' }, 'Hi {{1}}, it is here.', 'Lane']);
  assert.deepEqual(shown.buttons.map(({ value }) => value), [undefined, 'https://x.example/z', 'https://x.example', undefined]);
  assert.deepEqual(previewOf(CARDS, { 'card.1.body.1': 'x' }).cards.map((card) => card.body), ['Card 1 {{1}}', 'Card 2 x']);
});

// --- drafts --------------------------------------------------------------------------------------------------------

test('a template that is read into a draft comes out of it as it was', () => {
  const named = template([
    { type: 'HEADER', format: 'IMAGE', example: { header_handle: ['4::x'] } },
    body('Hi {{first_name}}', { example: { body_text_named_params: [{ param_name: 'first_name', example: 'Sari' }] } }),
    { type: 'BUTTONS', buttons: [{ type: 'COPY_CODE', example: 'SAVE' }] },
  ]);
  const numbered = template([
    { type: 'HEADER', format: 'TEXT', text: 'Order {{1}}', example: { header_text: ['77'] } },
    body('{{1}} and {{2}} done', { example: { body_text: [['a', 'b']] } }),
    { type: 'FOOTER', text: 'Lane' },
    { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Track', url: 'https://x.example/{{1}}', example: ['https://x.example/77'] }, { type: 'PHONE_NUMBER', text: 'Call', phone_number: '+62811' }, { type: 'QUICK_REPLY', text: 'Ok' }] },
  ]);
  const password = template([{ type: 'BODY', add_security_recommendation: true }, { type: 'FOOTER', code_expiration_minutes: 5 }, { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE', text: 'Copy' }] }], { category: 'AUTHENTICATION' });
  for (const one of [named, numbered, password]) assert.deepEqual(definitionOf(draftOf(one)).components, one.components);
  assert.deepEqual([definitionOf(draftOf(named)).parameter_format, definitionOf(draftOf(numbered)).parameter_format], ['named', 'positional']);
});

test('a template with parts that the editor has no fields for is no draft', () => {
  assert.equal(draftOf(CARDS), null);
  // Parts that are not known, and what an app fills in by itself: the editor would take it away.
  assert.equal(draftOf({ ...template([body('x')]), components: null }), null);
  const password = (button) => ({ ...template([{ type: 'BODY', add_security_recommendation: true }, { type: 'BUTTONS', buttons: [button] }]), category: 'AUTHENTICATION' });
  assert.equal(draftOf(password({ type: 'OTP', otp_type: 'ONE_TAP', text: 'Autofill' })), null);
  assert.equal(draftOf(password({ type: 'OTP', otp_type: 'ONE_TAP', supported_apps: [{ package_name: 'com.example' }] })), null);
  assert.equal(draftOf(password({ type: 'URL', text: 'Autofill', url: 'https://www.whatsapp.com/otp/code/?otp_type=ZERO_TAP&code=otp{{1}}' })), null);
  assert.notEqual(draftOf(password({ type: 'OTP', otp_type: 'COPY_CODE', text: 'Copy' })), null);
  const link = { type: 'URL', text: 'Shop', url: 'https://example.com' };
  assert.notEqual(draftOf(template([body('x'), { type: 'BUTTONS', buttons: [link] }])), null);
  assert.equal(draftOf(template([body('x'), { type: 'BUTTONS', buttons: [{ ...link, app_deep_link: { android_deep_link: 'shop://' } }] }])), null);
  assert.equal(draftOf(template([{ ...body('Hi {{1}}'), example: { body_text: [['Ana'], ['Ben']] } }])), null);
  assert.equal(draftOf(template([{ type: 'HEADER', format: 'GIF' }, body('x')])), null);
  assert.equal(draftOf(template([body('x'), { type: 'BUTTONS', buttons: [{ type: 'FLOW', text: 'x' }] }])), null);
});

test('each variable needs an example, and a problem is led to its part', () => {
  const draft = { ...emptyDraft(), header: { format: 'TEXT', text: '{{1}} x', file: null, handle: null }, body: 'x {{2}} y {{1}} z', buttons: [{ type: 'URL', text: 'Go', value: 'https://x.example/{{1}}' }, { type: 'QUICK_REPLY', text: 'Ok', value: '' }, { type: 'COPY_CODE', text: '', value: '' }] };
  assert.deepEqual(examplesNeeded(draft).map(({ key }) => key), ['header.1', 'body.1', 'body.2', 'button.0', 'button.2']);
  const definition = definitionOf(draft);
  const parts = ['name', 'language', 'components[0].text', 'components[1].example.body_text', 'components[2].buttons[1].text', 'components[2].buttons', 'components', 'components[9]'];
  assert.deepEqual(parts.map((path) => partOfPath(path, definition)), ['name', 'language', 'header', 'examples', 'button.1', 'buttons', null, null]);
  assert.deepEqual(definitionOf({ ...draft, header: { format: 'VIDEO', text: '', file: { media_id: 'm' }, handle: null } }).components[0], { type: 'HEADER', format: 'VIDEO', example: { media_id: 'm' } });
});

test('an entry of the library is a draft in either shape', () => {
  const entry = { name: 'a', language: 'en', category: 'UTILITY', header: 'Here', body: '{{1}} came', body_params: ['It'], buttons: [{ type: 'QUICK_REPLY', text: 'Ok' }] };
  const { components } = definitionOf(draftOfLibrary(entry));
  assert.deepEqual(components, [
    { type: 'HEADER', format: 'TEXT', text: 'Here' },
    { type: 'BODY', text: '{{1}} came', example: { body_text: [['It']] } },
    { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'Ok' }] },
  ]);
  assert.deepEqual(definitionOf(draftOfLibrary({ name: 'a', language: 'en', components })).components, components);
});
