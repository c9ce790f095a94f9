// Meta's library: templates that are approved as they are, to begin with.

import { language, t } from '../language.js';
import { TemplatePreview, languageName, named } from '../template_parts.js';
import { LANGUAGES, definitionOf, draftOfLibrary } from '../template_draft.js';
import { LONG } from '../http.js';
import { previewOf } from '../templates.js';
import { html, useRef, useState } from '../view.js';
import { Choice, Field, Loading, Press, useLoaded } from './parts.js';
import { Title } from './template_detail.js';

/** The languages of the library that the page's own ones are. */
const FIRST = { en: 'en_US', ms: 'ms', es: 'es', ar: 'ar' };

export function Library({ context, use, onBack }) {
  const { ask } = context;
  const [wanted, setWanted] = useState({ search: '', language: FIRST[language()] ?? '' });
  const form = useRef(null);
  const [more, setMore] = useState({ templates: [], cursor: undefined });
  const read = (cursor) => ask('GET', `/v1/template-library?${new URLSearchParams({ ...(wanted.search && { search: wanted.search }), ...(wanted.language && { language: wanted.language }), ...(cursor && { cursor }) })}`, undefined, { deadline: LONG });
  const loaded = useLoaded(async () => {
    setMore({ templates: [], cursor: undefined });
    return read(null);
  }, [wanted]);
  const templates = [...(loaded.data?.templates ?? []), ...more.templates];
  const cursor = more.cursor === undefined ? loaded.data?.next_cursor : more.cursor;
  const onMore = async () => {
    const page = await read(cursor);
    setMore({ templates: [...more.templates, ...page.templates], cursor: page.next_cursor ?? null });
  };
  const search = (event) => {
    event.preventDefault();
    const data = new FormData(form.current);
    setWanted({ search: String(data.get('search')).trim(), language: String(data.get('language')) });
  };
  return html`
    <${Title} title=${t('templates.library')} onBack=${onBack} />
    <p class="page-lead">${t('library.about')}</p>
    <form class="filters" role="search" ref=${form} onsubmit=${search}>
      <${Field} label=${t('library.search')} name="search" autocomplete="off" />
      <${Choice} label=${t('templates.language')} name="language" chosen=${wanted.language} options=${[['', t('library.any')], ...LANGUAGES.map((code) => [code, languageName(code)])]} />
      <button class="plain">${t('library.find')}</button>
    </form>
    <${Loading} loaded=${loaded} />
    ${loaded.data && templates.length === 0 && html`<p class="page-empty" role="status">${t(wanted.language ? 'library.none_in' : 'library.none', { language: languageName(wanted.language || 'en') })}</p>`}
    <ul class="library-list">
      ${templates.map((one, i) => html`<li key=${one.id ?? `${one.name} ${i}`} class="card"><${Entry} entry=${one} use=${use} /></li>`)}
    </ul>
    ${cursor && html`<p><${Press} label=${t('templates.more')} run=${onMore} /></p>`}
  `;
}

function Entry({ entry, use }) {
  const { name, language, category } = entry;
  const draft = draftOfLibrary(entry);
  const shown = draft ? definitionOf(draft) : entry;
  return html`
    <h2><bdi>${name}</bdi></h2>
    <p class="quiet">${languageName(language)} · ${named('template_category', category ?? 'UTILITY')}</p>
    <${TemplatePreview} preview=${previewOf(shown, draft?.examples)} label=${t('library.preview_of', { name })} />
    ${draft ? html`<p><${Press} label=${t('library.use')} name=${t('library.use_one', { name })} run=${() => use(draft)} /></p>` : html`<p class="quiet">${t('editor.unknown')}</p>`}
  `;
}
