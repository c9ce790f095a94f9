import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { addTexts, setLanguage } from '../../../console/language.js';
import { checkName, told } from '../../../console/told.js';

const ROOT = new URL('../../../', import.meta.url);

/** The sentences of the gateway that are told here, as its sources have them. */
async function sources() {
  const files = ['src/whatsapp/place.rs', 'src/whatsapp/templates/rules.rs', 'src/whatsapp/number_check.rs', 'src/api/webhook/refusals.rs'];
  for (const name of await readdir(new URL('src/whatsapp/templates/rules/', ROOT))) if (name.endsWith('.rs')) files.push(`src/whatsapp/templates/rules/${name}`);
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, ROOT), 'utf8')));
  // A sentence may go on in the next line.
  return texts.join('\n').replace(/\\\n\s*/g, '');
}

/** As the gateway writes them, and the places in its sources that they come from. */
const SAID = [
  ['must be 1 to 512 of a-z, 0-9 and _', 'of a-z, 0-9 and _'],
  ['must not be empty'],
  ['is missing'],
  ['has 1100 characters; at most 1024 are allowed', '; at most {most} are allowed'],
  ['has 1 item; exactly 2 must be given', '; exactly {least} must be given'],
  ['must not begin or end with a variable'],
  ['must have words between two variables'],
  ['must not have line breaks or formatting: Meta allows none in a header'],
  ['must not have emojis: Meta allows none in a header'],
  ['must not have more than one variable'],
  ['must not have more than 4 spaces in a row', ' spaces in a row'],
  ['must not have more than 2 line breaks in a row', ' line breaks in a row'],
  ['has braces that make no variable: one is written {{1}} or {{name}}'],
  ['must number its variables from 1 without a gap: {{3}} stands where {{2}} should', 'must number its variables from 1 without a gap: '],
  ['must have one example for city', 'must have one example for '],
  ['must not have variables or line breaks'],
  ['must be an http or https address'],
  ['may have one variable, {{1}}, at its end'],
  ['must have all QUICK_REPLY buttons together, before the others or behind them'],
  ['must be one OTP button in an AUTHENTICATION template'],
  ['must have BUTTONS with one OTP button'],
  ['must not have more than 2 of type URL', ' of type {kind}'],
  ['must be a phone number of digits, with its country code'],
  ['the token reads this number'],
  ['Meta answered for 77: use the phone number id, not the number or the account', ': use the phone number id, not the number or the account'],
  ['not told'],
  ['STANDARD allows 80; 80 messages per second are configured', ' messages per second are configured'],
  ['HIGH allows 1000; 1 message per second is configured', '1 message per second is configured'],
  ['TIER_250: customers that may be written to first in 24 hours, shared by the whole portfolio', ': customers that may be written to first in 24 hours, shared by the whole portfolio'],
  ['webhooks are signed by `main`, the only app', '`, the only app'],
  ['it names `a`, which is not in `whatsapp.apps` (b, c): its webhooks are put aside. `mesej number add` with --app names another', '`, which is not in `whatsapp.apps` ('],
  ['no app is subscribed to the account: nothing will be received'],
  ['webhooks go to https://a.example/, not to https://b.example/', 'webhooks go to {address}, not to {callback}'],
  ['no webhook was refused within the last hour'],
  ["194 webhooks to this gateway were refused within the last hour, the last 7 s ago, since no app's secret fits: compare `app_secrets` with the app secret in Meta's dashboard", " s ago, since no app's secret fits: "],
];

test('what the gateway says is told in the page’s language, and is what it says', async () => {
  const source = await sources();
  for (const language of ['es', 'ar', 'ms', 'en']) {
    await setLanguage(language);
    await addTexts('told');
    for (const [sentence, part = sentence] of SAID) {
      assert.ok(source.includes(part), `the gateway does not say: ${part}`);
      assert.notEqual(told(sentence), sentence, `${language}: ${sentence}`);
      assert.doesNotMatch(told(sentence), /(^|[^{])\{[a-z]+\}([^}]|$)/, `${language}: ${told(sentence)}`);
    }
    for (const name of ['token and number', 'status', 'platform', 'display name', 'quality', 'throughput', 'messaging limit', 'app', 'subscription', 'webhook', 'signatures']) assert.ok(source.includes(`"${name}"`) && checkName(name), name);
  }
});

test('what varies in a sentence stays in it', async () => {
  await setLanguage('es');
  await addTexts('told');
  assert.equal(told('must number its variables from 1 without a gap: {{3}} stands where {{2}} should'), 'Numera las variables desde 1 sin saltos: {{3}} está donde debería ir {{2}}.');
  assert.equal(told('it names `a`, which is not in `whatsapp.apps` (b, c): its webhooks are put aside. More.'), 'Nombra la app a, que la pasarela no tiene (b, c): sus webhooks se apartan.');
  assert.equal(told('something of a later version'), 'something of a later version');
  assert.equal(checkName('display name'), 'nombre visible');
  assert.equal(checkName('of a later version'), 'of a later version');
});
