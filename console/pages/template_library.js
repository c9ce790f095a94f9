// Meta's library: templates that are approved at once as they are, or to begin with.

import { language, t } from '../language.js';
import { TemplatePreview, languageName, named, refusalOf } from '../template_parts.js';
import { LANGUAGES, definitionOf, draftOfLibrary } from '../template_draft.js';
import { LONG } from '../http.js';
import { previewOf } from '../templates.js';
import { html, useRef, useState } from '../view.js';
import { Choice, Field, Form, Loading, Press, useFocus, useLoaded } from './parts.js';
import { Title } from './template_detail.js';

/** The languages of the library that the page's own ones are. */
const FIRST = { en: 'en_US', ms: 'ms', es: 'es', ar: 'ar' };

export function Library({ context, use, onTaken, onBack }) {
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
      ${templates.map((one, i) => html`<li key=${one.id ?? `${one.name} ${i}`} class="card"><${Entry} context=${context} entry=${one} use=${use} onTaken=${onTaken} /></li>`)}
    </ul>
    ${cursor && html`<p><${Press} label=${t('templates.more')} run=${onMore} /></p>`}
  `;
}

function Entry({ context, entry, use, onTaken }) {
  const { name, language, category } = entry;
  const [isTaken, setTaken] = useState(false);
  const draft = draftOfLibrary(entry);
  const shown = draft ? definitionOf(draft) : entry;
  return html`
    <h2><bdi>${name}</bdi></h2>
    <p class="quiet">${languageName(language)} · ${named('template_category', category ?? 'UTILITY')}</p>
    <${TemplatePreview} preview=${previewOf(shown, draft?.examples)} label=${t('library.preview_of', { name })} />
    ${isTaken
      ? html`<${Take} context=${context} entry=${entry} onTaken=${onTaken} onCancel=${() => setTaken(false)} />`
      : html`
          <p class="buttons">
            <${Press} label=${t('library.take')} name=${t('library.take_one', { name })} run=${() => setTaken(true)} />
            ${draft && html`<${Press} label=${t('library.use')} name=${t('library.use_one', { name })} run=${() => use(draft)} />`}
          </p>
        `}
    ${!draft && html`<p class="quiet">${t('editor.unknown')}</p>`}
  `;
}

/** Takes an entry as it is: all that is asked for is its name, and what its buttons lead to. */
function Take({ context, entry, onTaken, onCancel }) {
  const { ask, say } = context;
  const { name, language, category = 'UTILITY', buttons = [] } = entry;
  const focus = useFocus();
  const accounts = useLoaded(async () => [...new Set((await ask('GET', '/v1/numbers')).numbers.map(({ waba_id }) => waba_id))]);
  const run = async (values) => {
    const inputs = buttons.map((button, i) => inputOf(button, values[`value.${i}`], values[`example.${i}`]));
    await ask(
      'POST',
      '/v1/templates',
      { waba_id: values.account ?? accounts.data?.[0], name: values.name, language, category, library_template_name: name, ...(inputs.length > 0 && { library_template_button_inputs: inputs }) },
      { deadline: LONG },
    );
    say(t('library.taken', { name: values.name }), 'good');
    onTaken();
  };
  return html`
    <p class="quiet">${t('library.take_about')}</p>
    <${Form} label=${t('library.take')} busy=${t('editor.submitting')} run=${run} onCancel=${onCancel} explain=${refusalOf}>
      ${accounts.data?.length > 1 && html`<${Choice} label=${t('templates.account')} name="account" chosen=${accounts.data[0]} options=${accounts.data.map((one) => [one, one])} />`}
      <${Field} label=${t('editor.name')} hint=${t('editor.name_hint')} name="name" value=${name} required maxlength="512" dir="ltr" autocomplete="off" inputRef=${focus} />
      ${buttons.map(({ type, text, url, phone_number }, i) =>
        type === 'URL'
          ? html`
              <${Field} key=${i} label=${t('library.url', { label: text })} name=${`value.${i}`} value=${url ?? ''} required dir="ltr" inputmode="url" autocomplete="off" />
              <${Field} key=${`${i} example`} label=${t('library.url_example', { label: text })} hint=${t('library.url_example_hint')} name=${`example.${i}`} dir="ltr" inputmode="url" autocomplete="off" />
            `
          : type === 'PHONE_NUMBER' && html`<${Field} key=${i} label=${t('library.phone', { label: text })} name=${`value.${i}`} value=${phone_number ?? ''} required dir="ltr" inputmode="tel" autocomplete="off" />`,
      )}
    <//>
  `;
}

/** What the business says of a button. */
function inputOf({ type, otp_type }, value, example) {
  if (type === 'URL') return { type, url: { base_url: value, ...(example && { url_suffix_example: example }) } };
  if (type === 'PHONE_NUMBER') return { type, phone_number: value };
  return { type, ...(otp_type && { otp_type }) };
}
