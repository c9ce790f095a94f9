// One template: how the customer sees it, how it stands with Meta and why, its other languages, what it was before.

import { sentenceOf } from '../account.js';
import { LONG } from '../http.js';
import { t } from '../language.js';
import { Icon } from '../parts.js';
import { Status, TemplatePreview, languageName, named } from '../template_parts.js';
import { draftOf } from '../template_draft.js';
import { isEditable, previewOf } from '../templates.js';
import { exact } from '../time.js';
import { told } from '../told.js';
import { html, useLayoutEffect, useState } from '../view.js';
import { Loading, Press, useFocus, useLoaded } from './parts.js';

/** The way back, and what is shown. */
export function Title({ title, onBack, children }) {
  return html`
    <p><button type="button" class="plain template-back" onclick=${onBack}><${Icon} name="back" />${t('templates.back')}</button></p>
    <header class="page-head"><h1 tabindex="-1" id="page-title">${title}</h1>${children}</header>
  `;
}

/** The template with an id, as the gateway has it now. */
export function Detail({ context, id, onBack, ...more }) {
  const loaded = useLoaded(() => context.ask('GET', `/v1/templates/${encodeURIComponent(id)}`), [id]);
  if (loaded.data === null)
    return html`
      <${Title} title=${t('page.templates')} onBack=${onBack} />
      ${loaded.error?.status === 404 ? html`<p class="page-empty" role="alert">${t('templates.gone')}</p>` : html`<${Loading} loaded=${loaded} />`}
    `;
  return html`<${Shown} context=${context} template=${loaded.data} onBack=${onBack} ...${more} />`;
}

function Shown({ context, template, mayManage, open, edit, variant, onBack }) {
  const { ask, say } = context;
  const { template_id: id, name, language, category, status, quality, reason, problems = [], changed_at, synced_at, waba_id } = template;
  const [isAsked, setAsked] = useState(false);
  const isKnown = draftOf(template) !== null;
  // The heading has the name only now.
  useLayoutEffect(() => /** @type {HTMLElement | null} */ (document.querySelector('#page-title'))?.focus({ preventScroll: true }), []);
  const remove = async (isAll) => {
    await ask('DELETE', `/v1/templates/${encodeURIComponent(id)}${isAll ? '?all_languages=true' : ''}`, undefined, { deadline: LONG });
    say(t('templates.deleted', { name }), 'good');
    onBack();
  };
  return html`
    <${Title} title=${html`<bdi>${name}</bdi>`} onBack=${onBack}>
      ${mayManage &&
      status !== 'DELETED' &&
      html`
        <div class="buttons">
          ${isEditable(template) && isKnown && html`<${Press} label=${t('templates.edit')} run=${() => edit(template)} />`}
          ${isKnown && html`<${Press} label=${t('templates.variant')} run=${() => variant(template)} />`}
          <${Press} label=${t('templates.delete')} tone="danger" run=${() => setAsked(true)} />
        </div>
      `}
    <//>
    ${isAsked && html`<${Question} name=${name} language=${language} remove=${remove} onKeep=${() => setAsked(false)} />`}
    ${mayManage && !isKnown && html`<p class="quiet">${t('editor.unknown')}</p>`}
    <div class="template-sides">
      <section class="card" aria-label=${t('templates.facts')}>
        <dl class="facts">
          <dt>${t('templates.status')}</dt>
          <dd><${Status} status=${status} /></dd>
          ${reason && html`<dt>${t('templates.reason')}</dt><dd dir="auto">${named('template_reason', reason)}</dd>`}
          <dt>${t('templates.quality')}</dt>
          <dd>${named('template_quality', quality ?? 'UNKNOWN')}</dd>
          <dt>${t('templates.category')}</dt>
          <dd>${named('template_category', category)}</dd>
          <dt>${t('templates.language')}</dt>
          <dd>${languageName(language)} <span class="mono">${language}</span></dd>
          <dt>${t('templates.account')}</dt>
          <dd class="mono">${waba_id}</dd>
          ${changed_at && html`<dt>${t('templates.changed')}</dt><dd>${exact(changed_at)}</dd>`}
          ${synced_at && html`<dt>${t('templates.read')}</dt><dd>${exact(synced_at)}</dd>`}
        </dl>
        ${problems.length > 0 &&
        html`<h2>${t('templates.problems')}</h2><ul class="template-problems">${problems.map((problem, i) => html`<li key=${i} dir="auto">${told(typeof problem === 'string' ? problem : problem.problem)}</li>`)}</ul>`}
      </section>
      <${TemplatePreview} preview=${previewOf(template)} />
    </div>
    <${Variants} ask=${ask} template=${template} open=${open} />
    <${Versions} ask=${ask} id=${id} />
  `;
}

function Question({ name, language, remove, onKeep }) {
  const focus = useFocus();
  const [problem, setProblem] = useState('');
  const run = async (isAll) => {
    setProblem('');
    try {
      await remove(isAll);
    } catch (error) {
      setProblem(sentenceOf(error));
    }
  };
  return html`
    <section class="card" role="group" aria-label=${t('templates.delete')}>
      <p>${t('templates.delete_about', { name })}</p>
      <p class="page-problem" role="alert">${problem}</p>
      <div class="buttons">
        <${Press} label=${t('templates.delete_this', { language: languageName(language) })} tone="danger" run=${() => run(false)} />
        <${Press} label=${t('templates.delete_all')} tone="danger" run=${() => run(true)} />
        <${Press} label=${t('templates.keep')} run=${onKeep} focus=${focus} />
      </div>
    </section>
  `;
}

/** The same template in other languages. */
function Variants({ ask, template, open }) {
  const { name, waba_id, template_id } = template;
  const loaded = useLoaded(async () => (await ask('GET', `/v1/templates?${new URLSearchParams({ name, waba_id, limit: '100' })}`)).templates, [template_id]);
  const others = loaded.data?.filter((one) => one.name === name && one.template_id !== template_id) ?? [];
  if (!loaded.error && others.length === 0) return null;
  return html`
    <section class="card" aria-labelledby="variants-title">
      <h2 id="variants-title">${t('templates.variants')}</h2>
      <${Loading} loaded=${loaded} />
      <ul class="template-variants">
        ${others.map((one) => html`<li key=${one.template_id}><${Press} label=${languageName(one.language)} run=${() => open(one)} /> <${Status} status=${one.status} /></li>`)}
      </ul>
    </section>
  `;
}

function Versions({ ask, id }) {
  const loaded = useLoaded(async () => (await ask('GET', `/v1/templates/${encodeURIComponent(id)}/versions`)).versions, [id]);
  return html`
    <section class="card" aria-labelledby="versions-title">
      <h2 id="versions-title">${t('templates.versions')}</h2>
      <${Loading} loaded=${loaded} />
      ${loaded.data?.length === 0 && html`<p class="quiet">${t('templates.no_versions')}</p>`}
      <ol class="template-versions">
        ${loaded.data?.map(
          (version, i) => html`
            <li key=${i}>
              <details>
                <summary><time>${exact(version.at)}</time> <${Status} status=${version.status} /> <span class="quiet">${[version.category && named('template_category', version.category), version.why && named('template_why', version.why)].filter(Boolean).join(' · ')}</span></summary>
                <${TemplatePreview} preview=${previewOf(version)} label=${t('templates.version_of', { when: exact(version.at) })} />
              </details>
            </li>
          `,
        )}
      </ol>
    </section>
  `;
}
