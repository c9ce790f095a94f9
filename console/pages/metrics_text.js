// What Prometheus' text format says, as far as the health page reads it. Pure.

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;

/** The samples of a text: `{name, labels, value}`. */
export function samplesOf(text) {
  return text
    .split('\n')
    .map((line) => LINE.exec(line))
    .filter(Boolean)
    .map(([, name, labels = '', value]) => ({
      name,
      labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text])),
      value: Number(value),
    }));
}

/** The sum of a metric's samples that have these labels; null when the gateway does not tell it. */
export function sumOf(samples, name, labels = {}) {
  const found = samples.filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value));
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0);
}

/** The samples of a metric that are not zero: `[label, value]`. */
export function partsOf(samples, name, label) {
  return samples.filter((one) => one.name === name && one.value > 0).map(({ labels, value }) => [labels[label], value]);
}
