// Words by which a customer who writes them wants no marketing any more.

import { list, t } from '../language.js';
import { html, useState } from '../view.js';
import { Form, Loading, Press, useChange, useLoaded } from './parts.js';

/** The words that are written, one in each line, each once. */
export function wordsOf(text = '') {
  return [...new Set(text.split('\n').map((one) => one.trim()))].filter(Boolean);
}

export function OptOutWords({ ask, say }) {
  const loaded = useLoaded(() => ask('GET', '/v1/business/opt-out-words'));
  const [turn, setTurn] = useState(0);
  const { run, problem } = useChange(say);
  const { words, defaults } = loaded.data ?? {};
  const put = async (chosen) => {
    await ask('PUT', '/v1/business/opt-out-words', { words: chosen });
    await loaded.load();
    setTurn((count) => count + 1);
  };
  const save = async ({ words: text }) => {
    await put(wordsOf(text));
    say(t('opt_out.saved'), 'good');
  };
  return html`
    <section class="card" aria-labelledby="opt-out-title">
      <h2 id="opt-out-title">${t('opt_out.title')}</h2>
      <p class="quiet">${t('opt_out.about')}</p>
      <${Loading} loaded=${loaded} />
      ${defaults &&
      html`
        <${Form} key=${turn} label=${t('any.save')} run=${save}>
          <div class="field whole">
            <label for="opt-out-words">${t('opt_out.words')}</label>
            <textarea id="opt-out-words" name="words" rows="5" dir="auto" aria-describedby="opt-out-hint">${(words ?? defaults).join('\n')}</textarea>
            <p class="quiet" id="opt-out-hint">${t('opt_out.hint')}</p>
          </div>
        <//>
        <p class="quiet">${t('opt_out.defaults', { words: list(defaults) })}</p>
        ${words && html`<p><${Press} label=${t('opt_out.use_defaults')} run=${() => run(() => put(null), t('opt_out.saved'))} /></p>`}
        <p class="page-problem" role="alert">${problem}</p>
      `}
    </section>
  `;
}
