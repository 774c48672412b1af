// Metrics as text: OpenMetrics 1.0, and the older text format 0.0.4 of Prometheus, which tools such as promtool read. They
// differ in the names of counters and infos, in units and in the last line. Pure. (github.com/prometheus/OpenMetrics,
// specification/OpenMetrics.md, "ABNF"; prometheus.io/docs/instrumenting/exposition_formats.)

/** Labels: names as OpenMetrics has them, values as they are. */
export type Labels = Readonly<Record<string, string>>

/** Sample: one value; counts may be decimal text, which loses nothing above 2^53. */
export interface Sample {
  readonly labels: Labels
  readonly value: number | string
}

/** Histogram: `counts` by the upper ends `bounds`, and one more above them; not cumulative. */
export interface Histogram {
  readonly labels: Labels
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly sum: number
}

/** Family: one metric; `name` without the endings of its samples. A unit is the end of its name. */
export type Family = {
  readonly name: string
  readonly help: string
  readonly unit?: 'seconds' | 'bytes' | 'ratio'
} & (
  | { readonly type: 'counter' | 'gauge' | 'info'; readonly samples: readonly Sample[] }
  | { readonly type: 'histogram'; readonly samples: readonly Histogram[] }
)

/** Format: OpenMetrics, or the text format before it. */
export type Format = 'openmetrics' | 'text'

/** contentTypes: what answers in a format say of themselves. */
export const contentTypes: Readonly<Record<Format, string>> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  text: 'text/plain; version=0.0.4; charset=utf-8',
}

/** exposition: all families that have samples. */
export const exposition = (families: readonly Family[], format: Format): string =>
  [...expositionParts(families, format)].join('')

/** expositionParts: the same, a family at a time, for who must not be busy for long. */
export function* expositionParts(families: readonly Family[], format: Format): Generator<string> {
  for (const family of families) if (family.samples.length > 0) yield familyText(family, format)
  if (format === 'openmetrics') yield '# EOF\n'
}

const suffixes = { counter: '_total', info: '_info', gauge: '', histogram: '' } as const

function familyText(family: Family, format: Format): string {
  const { name, help, type, unit } = family
  const isOpen = format === 'openmetrics'
  const sampleName = `${name}${suffixes[type]}`
  const familyName = isOpen ? name : sampleName
  const head = [
    `# TYPE ${familyName} ${type === 'info' && !isOpen ? 'gauge' : type}`,
    ...(isOpen && unit !== undefined ? [`# UNIT ${familyName} ${unit}`] : []),
    `# HELP ${familyName} ${escaped(help)}`,
  ]
  const lines =
    family.type === 'histogram'
      ? family.samples.flatMap((sample) => histogramLines(name, sample))
      : family.samples.map(({ labels, value }) => line(sampleName, labels, value))
  return `${[...head, ...lines].join('\n')}\n`
}

function histogramLines(name: string, { labels, bounds, counts, sum }: Histogram): string[] {
  let total = 0
  const buckets = counts.map((count, at) => {
    total += count
    return line(`${name}_bucket`, { ...labels, le: boundText(bounds[at]) }, total)
  })
  return [...buckets, line(`${name}_count`, labels, total), line(`${name}_sum`, labels, sum)]
}

/** boundText: OpenMetrics wants floats, so that a bucket has one name. */
const boundText = (bound: number | undefined): string =>
  bound === undefined ? '+Inf' : Number.isInteger(bound) ? `${bound}.0` : `${bound}`

function line(name: string, labels: Labels, value: number | string): string {
  let pairs = ''
  for (const label in labels) pairs += `${pairs === '' ? '' : ','}${label}="${escaped(labels[label]!)}"`
  return pairs === '' ? `${name} ${value}` : `${name}{${pairs}} ${value}`
}

const escaped = (text: string): string =>
  /[\\\n"]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"') : text
