// What the columns of a file are, and what holds for all its rows. It is tried first: that changes nothing.

import { countries, countryName } from '../countries.js';
import { fieldOptions, labelsOf, mappingProblem } from '../imports.js';
import { language, t } from '../language.js';
import { html, useState } from '../view.js';
import { begin } from './import_progress.js';
import { Boxes } from './limit_fields.js';
import { Choice, Field, Form, useFocus } from './parts.js';

export function Columns({ one, ask, definitions, onStarted, onCancel }) {
  const focus = useFocus();
  /** What was chosen before, here or by whoever began it. */
  const before = one.wanted ?? one;
  /** Whether the gateway can leave single cells out, read dates in other ways, and make attributes. */
  const isFlexible = one.bad_cells !== undefined;
  const [mapping, setMapping] = useState(() => Object.fromEntries(one.columns.map((column) => [column, before.mapping?.[column] ?? 'skip'])));
  const start = async ({ country, labels, lists = [], bad_cells, date_format, decimal }) => {
    const wrong = mappingProblem(mapping);
    if (wrong !== '') throw Object.assign(new Error(wrong), { status: 422, code: 'mapping' });
    const how = isFlexible ? { default_country: country ?? null, bad_cells, date_format, decimal } : country && { default_country: country };
    onStarted(await begin(ask, one, { mapping, ...how, dry_run: true, labels: labelsOf(labels), lists }));
  };
  const chosenOf = (name, usual) => (one.wanted ? before[name] : usual);
  return html`
    <h3 tabindex="-1" ref=${focus}>${t('imports.columns', { name: one.name })}</h3>
    <p class="quiet">${t(one.format === 'ndjson' ? 'imports.read_as_lines' : 'imports.read_as', { encoding: one.encoding, separator: separatorText(one.separator) })}</p>
    <${Form} label=${t('imports.try')} busy=${t('any.moment')} run=${start} onCancel=${onCancel}>
      <div class="table-frame whole" tabindex="0" role="region" aria-label=${t('imports.columns', { name: one.name })}>
        <table>
          <thead><tr><th>${t('imports.column')}</th><th>${t('imports.sample')}</th><th>${t('imports.means')}</th></tr></thead>
          <tbody>
            ${one.columns.map(
              (column, i) => html`
                <tr key=${column}>
                  <th scope="row"><bdi>${column}</bdi></th>
                  <td class="quiet">${(one.sample ?? []).slice(0, 3).map((row, j) => html`${j > 0 && html`<br />`}<bdi>${row[i]}</bdi>`)}</td>
                  <td>
                    <select aria-label=${t('imports.means_of', { column })} onchange=${(event) => setMapping({ ...mapping, [column]: event.currentTarget.value })}>
                      ${fieldOptions(one.mapping?.[column] ?? 'skip', definitions.attributes, isFlexible ? column : null).map(([value, text]) => html`<option key=${value} value=${value} selected=${value === mapping[column]}>${text}</option>`)}
                    </select>
                  </td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
      <${Country} chosen=${before.default_country ?? ''} />
      ${isFlexible &&
      html`
        <${Choice} label=${t('imports.dates')} name="date_format" chosen=${chosenOf('date_format', 'ymd')} options=${['ymd', 'dmy', 'mdy'].map((way) => [way, t(`imports.dates.${way}`)])} />
        <${Choice} label=${t('imports.decimal')} name="decimal" chosen=${chosenOf('decimal', 'point')} options=${['point', 'comma'].map((way) => [way, t(`imports.decimal.${way}`)])} />
        <${Choice} label=${t('imports.bad_cells')} name="bad_cells" chosen=${chosenOf('bad_cells', 'leave_out')} options=${['leave_out', 'reject_row'].map((way) => [way, t(`imports.bad_cells.${way}`)])} />
      `}
      <${Field} label=${t('imports.labels')} name="labels" autocomplete="off" dir="auto" defaultValue=${(before.labels ?? []).join(', ')} hint=${t('imports.labels_hint')} />
      ${definitions.lists.length > 0 && html`<${Boxes} legend=${t('imports.lists')} name="lists" options=${definitions.lists.map((list) => [list.list_id, list.name])} chosen=${before.lists ?? []} />`}
      <p class="whole quiet">${t('imports.try_about')}</p>
    <//>
  `;
}

function Country({ chosen }) {
  const [options] = useState(() => countries(language()));
  const all = chosen === '' || options.some(([code]) => code === chosen) ? options : [[chosen, countryName(chosen, language())], ...options];
  return html`<${Choice} label=${t('imports.country')} name="country" chosen=${chosen} options=${[['', t('imports.no_country')], ...all]} />`;
}

function separatorText(separator) {
  return { ',': t('imports.comma'), ';': t('imports.semicolon'), '\t': t('imports.tab') }[separator] ?? separator ?? '–';
}
