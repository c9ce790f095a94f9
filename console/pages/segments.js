// Segments: contacts that are found anew each time, by a filter in words. What is written is checked while one writes.

import { sentenceOf } from '../account.js';
import { countOn } from '../contacts.js';
import { rowsOf, textOf } from '../filter_text.js';
import { t } from '../language.js';
import { hashOfPage } from '../route.js';
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from '../view.js';
import { Count, countText } from './contact_count.js';
import { useDefinitions } from './contact_list.js';
import { Changing, Definitions } from './definitions.js';
import { filterWords, wrongText } from './filter_words.js';
import { Field, Form, useLoaded } from './parts.js';
import { Builder, NEW_ROW } from './segment_builder.js';

const TYPING_RESTS = 400;
const LONGEST = 2_000;

export default function Segments({ contacts, context }) {
  const { ask, say } = context;
  const loaded = useLoaded(() => contacts.segments(true));
  const definitions = useDefinitions(context);
  const save = ({ segment_id: id = null }, { name, filter }) => contacts.define('segments', id ? 'PUT' : 'POST', id, { name, filter });
  return html`<${Definitions}
    what="segments"
    id="segment_id"
    ...${{ loaded, contacts, say, save }}
    form=${({ written, ...given }) => html`<${Write} ...${given} segment=${written} ...${{ ask, definitions, contacts }} colleagues=${context.colleagues()} />`}
    row=${(one, does) => html`<${Segment} key=${`${one.segment_id} ${one.changed_at}`} segment=${one} ask=${ask} words=${filterWords(one.filter, one.words, definitions, context.colleagues())} ...${does} />`}
  />`;
}

function Segment({ segment, words, ask, write, remove }) {
  const { segment_id: id, name, filter, problem } = segment;
  return html`
    <li data-segment=${id}>
      <div class="account-who">
        <a href=${hashOfPage('contacts', `segment/${id}`)}><bdi>${name}</bdi></a>
        ${filter && html`<code class="filter-text" dir="ltr">${filter}</code>`}
        ${problem && html`<span class="page-problem">${t('segments.broken')}</span>`}
        ${words && html`<span class="quiet" dir="auto">${words}</span>`}
        <${Count} ask=${ask} wanted=${{ segment: id }} name=${t('segments.count_one', { name })} />
      </div>
      <${Changing} ...${{ name, write, remove }} change=${t('segments.change')} changeOne=${t('segments.change_one', { name })} ask=${t('segments.ask', { name })} />
    </li>
  `;
}

/**
 * What is known of a filter: nothing, that it is looked at, what is wrong and from which letter on, or what it means and finds.
 *
 * @typedef {{isChecking?: boolean, wrong?: string, position?: number, problem?: string, words?: string, count?: number, isWhole?: boolean, isRunning?: boolean}} Checked
 */

/** Looks at a filter once nobody types any more: what it means, what is wrong with it, and how many it finds. */
function useChecked(ask, filter) {
  const [checked, setChecked] = useState(/** @type {Checked} */ ({}));
  useEffect(() => {
    const text = filter.trim();
    if (text === '') {
      setChecked({});
      return undefined;
    }
    const turn = new AbortController();
    const { signal } = turn;
    const set = (news) => signal.aborted || setChecked(news);
    set({ isChecking: true });
    const timer = setTimeout(async () => {
      try {
        const { words } = await ask('POST', '/v1/segments/explain', { filter: text }, { signal });
        set({ words, count: 0, isRunning: true });
        set({ words, ...(await countOn(ask, { filter: text }, { signal, onStep: (count) => set({ words, count, isRunning: true }) })) });
      } catch (error) {
        if (error.code === 'invalid_filter') set({ wrong: error.message, position: filter.length - filter.trimStart().length + (error.more?.position ?? 0) });
        else set({ problem: sentenceOf(error) });
      }
    }, TYPING_RESTS);
    return () => {
      clearTimeout(timer);
      turn.abort();
    };
  }, [filter]);
  return checked;
}

function Write({ segment, save, onCancel, ask, definitions, contacts, colleagues }) {
  const id = useId();
  const [filter, setFilter] = useState(segment.filter ?? '');
  /** The same as rows; null for what no rows can show. `of` is the text that they were read from. */
  const [built, setBuilt] = useState(/** @type {any} */ (null));
  const name = useRef(null);
  useLayoutEffect(() => name.current?.focus(), []);
  const checked = useChecked(ask, filter);
  // The rows follow what is written as text, and what is defined.
  const { attributes } = definitions;
  const read = built?.text === filter && built.attributes === attributes ? built : { text: filter, attributes, ...rowsOf(filter, attributes) };
  const rows = read.rows?.length === 0 ? [NEW_ROW] : read.rows;
  const build = (next) => {
    const text = textOf(next.rows, next.join, attributes);
    setBuilt({ ...next, text, attributes });
    setFilter(text);
  };
  const [isText, setText] = useState(false);
  const letters = [...filter];
  return html`
    <${Form} label=${t('segments.save')} run=${(values) => save({ ...values, filter: filter.trim() })} onCancel=${onCancel} explain=${(error) => (error.code === 'invalid_filter' ? wrongText(error.message) : sentenceOf(error))}>
      <${Field} label=${t('segments.name')} name="name" required maxlength="100" autocomplete="off" dir="auto" defaultValue=${segment.name ?? ''} inputRef=${name} />
      ${rows ? html`<${Builder} rows=${rows} join=${read.join ?? 'and'} onChange=${build} ...${{ definitions, colleagues, contacts }} />` : html`<p class="whole quiet">${t('segments.no_rows')}</p>`}
      <details class="whole" open=${isText || !rows} ontoggle=${(event) => setText(event.currentTarget.open)}>
        <summary>${t('segments.as_text')}</summary>
        <p class="quiet" id=${`${id}-hint`}>${t('segments.help_about')}</p>
        <textarea id=${id} class="filter-text" aria-label=${t('segments.as_text')} rows="3" maxlength=${LONGEST} spellcheck="false" autocapitalize="none" dir="ltr" value=${filter} oninput=${(event) => setFilter(event.currentTarget.value)} aria-describedby=${`${id}-hint ${id}-check`} aria-invalid=${String(Boolean(checked.wrong))}></textarea>
      </details>
      <div id=${`${id}-check`} class="filter-check whole" role="status">
        ${checked.isChecking && html`<p class="quiet">${t('segments.checking')}</p>`}
        ${checked.wrong &&
        html`
          <p class="page-problem">${wrongText(checked.wrong)}</p>
          <p class="filter-text filter-wrong" dir="ltr">${letters.slice(0, checked.position).join('')}<mark>${letters.slice(checked.position).join('') || ' '}</mark></p>
        `}
        ${checked.problem && html`<p class="page-problem">${checked.problem}</p>`}
        ${checked.words && html`<p dir="auto">${filterWords(filter, checked.words, definitions, colleagues)}</p><p class="verdict-good">${countText(checked)}</p>`}
      </div>
    <//>
  `;
}
