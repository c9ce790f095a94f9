// What the gateway says in English sentences that have no code: what Meta would refuse in a template, and how a number was found. A sentence
// that is known here is told in the page's language; another is shown as it came.

import { has, t } from './language.js';

/**
 * The key of each sentence's text, the sentence, and what its parts that vary are called.
 *
 * @type {[string, RegExp, ...string[]][]}
 */
const SENTENCES = [
  ['problem.name', /^must be 1 to (\d+) of a-z, 0-9 and _$/, 'most'],
  ['problem.language', /^must be one of Meta's languages, such as en_US, id or pt_BR$/],
  ['problem.empty', /^must not be empty$/],
  ['problem.missing', /^is missing$/],
  ['problem.too_long', /^has (\d+) characters?; at most (\d+) are allowed$/, 'length', 'most'],
  ['problem.exactly', /^has (\d+) items?; exactly (\d+) must be given$/, 'given', 'wanted'],
  ['problem.edge', /^must not begin or end with a variable$/],
  ['problem.neighbours', /^must have words between two variables$/],
  ['problem.header_breaks', /^must not have line breaks or formatting: Meta allows none in a header$/],
  ['problem.header_emoji', /^must not have emojis: Meta allows none in a header$/],
  ['problem.header_variables', /^must not have more than one variable$/],
  ['problem.tabs', /^must not have tabs$/],
  ['problem.spaces', /^must not have more than (\d+) spaces in a row$/, 'most'],
  ['problem.lines', /^must not have more than (\d+) line breaks in a row$/, 'most'],
  ['problem.braces', /^has braces that make no variable.*$/],
  ['problem.numbered', /^must number its variables from 1 without a gap: (\S+) stands where (\S+) should$/, 'found', 'wanted'],
  ['problem.named', /^has the variable (\S+): names are a-z, 0-9 and _, with a letter first, at most (\d+)$/, 'name', 'most'],
  ['problem.one_example', /^must have one example for (\S+)$/, 'name'],
  ['problem.no_variables', /^must not have variables$/],
  ['problem.no_breaks', /^must not have line breaks$/],
  ['problem.plain', /^must not have variables or line breaks$/],
  ['problem.body', /^must have a BODY$/],
  ['problem.address', /^must be an http or https address$/],
  ['problem.not_whatsapp', /^must not lead to WhatsApp itself$/],
  ['problem.url_end', /^may have one variable, \{\{1\}\}, at its end$/],
  ['problem.phone', /^must be a phone number of digits, with its country code$/],
  ['problem.together', /^must have all QUICK_REPLY buttons together, before the others or behind them$/],
  ['problem.one_otp', /^must (?:be one OTP button in an AUTHENTICATION template|have BUTTONS with one OTP button)$/],
  ['problem.most_buttons', /^must not have more than (\d+) of type (\w+)$/, 'most', 'kind'],
  ['problem.same_cards', /^must have the same kinds of header and body, and the same kinds of buttons in the same order, as the other cards$/],
  ['found.reads', /^the token reads this number$/],
  ['found.other_id', /^Meta answered for (\S+): use the phone number id, not the number or the account$/, 'id'],
  ['found.no_id', /^Meta told no id: check the phone number id and the token's permissions$/],
  ['found.not_told', /^not told$/],
  ['found.register', /^(\w+): register the number first$/, 'state'],
  ['found.platform', /^(\w+): only Cloud API numbers can be used$/, 'platform'],
  ['found.allows', /^(\w+) allows (\d+); (\d+) messages? per second (?:is|are) configured$/, 'level', 'most', 'rate'],
  ['found.rate', /^not told; (\d+) messages? per second (?:is|are) configured$/, 'rate'],
  ['found.no_limit', /^not told: customers that may be written to first in 24 hours, shared by the whole portfolio$/],
  ['found.limit', /^(\w+): customers that may be written to first in 24 hours, shared by the whole portfolio$/, 'limit'],
  ['found.no_apps', /^`whatsapp\.apps` is empty: every webhook is refused$/],
  ['found.signed', /^webhooks are signed by `([^`]+)`(?:, the only app)?$/, 'app'],
  ['found.app_unknown', /^it names `([^`]+)`, which is not in `whatsapp\.apps` \((.*)\): its webhooks are put aside\..*$/, 'app', 'apps'],
  ['found.app_missing', /^it names no app, and there are several \((.*)\): its webhooks are put aside\..*$/, 'apps'],
  ['found.not_subscribed', /^no app is subscribed to the account: nothing will be received$/],
  ['found.subscribed', /^subscribed: (.+)$/, 'apps'],
  ['found.no_webhook', /^Meta does not tell where webhooks go$/],
  ['found.elsewhere', /^webhooks go to (\S+), not to (\S+)$/, 'address', 'wanted'],
  ['found.webhook', /^webhooks go to (\S+)$/, 'address'],
  ['found.none_refused', /^no webhook was refused within the last hour$/],
  ['found.refused', /^(\d+) webhooks? to this gateway (?:was|were) refused within the last hour, the last (\d+) s ago, since no app's secret fits: .*$/, 'refused', 'ago'],
];

/** A sentence of the gateway in the page's language. */
export function told(sentence) {
  for (const [key, pattern, ...names] of SENTENCES) {
    const found = pattern.exec(sentence);
    if (found) return t(key, { hole: '{{1}}', ...Object.fromEntries(names.map((name, i) => [name, found[i + 1]])) });
  }
  return sentence;
}

/** What was looked at of a number. */
export function checkName(name) {
  const key = `check.${name.replaceAll(' ', '_')}`;
  return has(key) ? t(key) : name;
}
