// Below the sheets before the inbox: the language and the theme, for whoever cannot read the one or look at the other.

import { h } from './dom.js';
import { LANGUAGES, t } from './language.js';
import { THEMES } from './preferences.js';

/** `again()` loads the page anew, in the language that was chosen. */
export function preferenceFoot(preferences, again) {
  const choice = (label, chosen, options, choose) => {
    const select = h(
      'select',
      { class: 'quiet-select', onchange: () => choose(select.value || null) },
      options.map(([value, text, lang]) => h('option', { value, lang, selected: value === (chosen ?? '') }, text)),
    );
    return h('label', null, h('span', null, label), select);
  };
  const languages = Object.entries(LANGUAGES).map(([tag, name]) => [tag, name, tag]);
  return h(
    'p',
    { class: 'preference-foot' },
    choice(t('language.label'), preferences.language, [['', t('language.browser')], ...languages], (chosen) => {
      preferences.keepLanguage(chosen);
      again();
    }),
    choice(t('theme.label'), preferences.theme, [['', t('theme.system')], ...THEMES.map((one) => [one, t(`theme.${one}`)])], (chosen) =>
      preferences.chooseTheme(chosen),
    ),
  );
}
