// How far messages came over time, as far as this page has seen it: nothing is told of the time before.

import { LINES, linesOf, sampled } from '../broadcasts.js';
import { number, t } from '../language.js';
import { clock } from '../time.js';
import { html, useRef } from '../view.js';

const WIDTH = 600;
const HEIGHT = 160;

/** What this page has seen of a broadcast. */
export function useSamples(broadcast) {
  const samples = useRef([]);
  const seen = useRef(null);
  if (seen.current !== broadcast) {
    seen.current = broadcast;
    samples.current = sampled(samples.current, broadcast, Date.now());
  }
  return samples.current;
}

/** Lines of what was sent, delivered, read and failed. The numbers above say where they end. */
export function Chart({ samples }) {
  const { least, most, lines } = linesOf(samples, WIDTH, HEIGHT);
  return html`
    <svg class="chart broadcast-chart" viewBox=${`0 -4 ${WIDTH} ${HEIGHT + 8}`} preserveAspectRatio="none" aria-hidden="true">
      <line class="ground" x1="0" x2=${WIDTH} y1=${HEIGHT} y2=${HEIGHT} />
      ${LINES.map((name) => html`<polyline key=${name} class=${`line-${name}`} points=${lines[name]} />`)}
    </svg>
    <p class="chart-ends"><span>${clock(samples[0].at)}</span><span>${clock(samples.at(-1).at)}</span></p>
    <p class="legend">${LINES.map((name) => html`<span key=${name} class=${`line-${name}`}>${t(`broadcasts.line.${name}`)}</span>`)}<bdi class="quiet">${t('broadcasts.chart_range', { least: number(least), most: number(most) })}</bdi></p>
    <p class="quiet">${t('broadcasts.chart_since')}</p>
  `;
}
