// Documents that are made from the source, so that they cannot say otherwise: docs/errors.md, docs/counters.md,
// docs/events.md, docs/metrics.md and schema/tenbin.schema.json. Without arguments they are written; with --check nothing is,
// and the exit code is 1 when one of them is out of date or when no test names a code of the error catalogue.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ErrorCode, errorCatalogue } from '../src/base/error-catalogue.ts'
import { jsonSchema } from '../src/config/schema.ts'
import { type MetricText, metricCatalogue } from '../src/daemon/metric-catalogue.ts'
import { events, outcomes } from '../src/dataplane/outcomes.ts'
import { eventKinds, severities } from '../src/events/event.ts'
import { LATENCY_BOUNDS } from '../src/health/history.ts'
import { LATENESS_BOUNDS } from '../src/vrrp/protocol.ts'

const root = join(import.meta.dirname, '..')

const cell = (text: string): string => text.replaceAll('|', '\\|')

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |\n`).join('')

function errorsPage(): string {
  const rows = Object.entries(errorCatalogue)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { meaning, remedy }]) => [`\`${code}\``, meaning, remedy])
  return `# Errors

Every operational error has one of these codes: \`--json\` and the API carry it, and the message says the particulars.
Made by \`tools/docs.ts\` from \`src/base/error-areas/\`.

${table(['code', 'meaning', 'what to do'], rows)}`
}

const verdicts = {
  pass: 'to the node’s kernel, untouched',
  drop: 'discarded',
  tx: 'sent out of the interface it came in by',
  redirect: 'sent out of another interface',
} as const

function countersPage(): string {
  const rows = Object.entries(outcomes).map(([name, { verdict, meaning }]) => [
    `\`${name}\``,
    verdict,
    meaning,
  ])
  const words = Object.entries(verdicts).map(([verdict, text]) => `- **${verdict}**: ${text}\n`)
  return `# Counters

Every packet that the packet path sees ends in exactly one of these outcomes, and is counted under its name:
\`tenbin status\` shows the counters, \`tenbin trace\` which one a packet would come to. Services and servers have
packets and bytes of their own, for what is \`forwarded\`. docs/packet-path.md says in which order packets are looked at.
Made by \`tools/docs.ts\` from \`src/dataplane/outcomes.ts\`.

${words.join('')}
${table(['counter', 'verdict', 'meaning'], rows)}
Where flows are tracked, events are counted beside these: a packet may bring none or several.

${table(
  ['event', 'meaning'],
  Object.entries(events).map(([name, meaning]) => [`\`${name}\``, meaning]),
)}`
}

function eventsPage(): string {
  const rows = Object.entries(eventKinds).map(([kind, meaning]) => [`\`${kind}\``, meaning])
  return `# Events

Every change of state is an event: a number, a time, how grave it is (${severities.join(', ')}; \`notice\`: worth telling,
nothing wrong), a kind, what it is about (\`server\`, \`services\`, \`pool\`, \`interface\`), one line of words with its cause,
and particulars (\`data\`). \`tenbin events\` shows them, the API streams them (api.md). Numbers only grow, also over
restarts; some may be left out. The latest 10,000 are kept, 8 MiB on disk at most. They are written at once and flushed
within a second: a daemon that is killed loses none that was written, a machine that loses power the last second.
Made by \`tools/docs.ts\` from \`src/events/event.ts\`.

${table(['kind', 'what has happened'], rows)}
## What those under \`notify\` get

Webhooks and scripts get each event by itself, in order, at least once: \`{"instance", "node", "host", "missed", "event"}\`, where
\`missed\`, if it is there, is how many before this one were dropped (more than 1,000 waited, or it was refused for good ten
times). Mails gather what happens, one a minute at most unless \`gather\` says otherwise.

A webhook is an HTTP POST; any 2xx will do, redirects are not followed, what fails is tried again after 1 s, 2 s, 4 s, up to
5 minutes. With a key, \`tenbin-signature\` is \`v1=\` and the HMAC-SHA256, in hexadecimal, of the header \`tenbin-timestamp\`
(seconds since 1970), a dot, and the body as it came; who checks it also refuses old timestamps. \`idempotency-key\` is the
same whenever an event comes again. In Python:

    good = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest("v1=" + good, signature) and abs(time.time() - int(timestamp)) < 300

A script gets the JSON on its standard input, no arguments but its own, an environment of \`PATH\` alone, and a user without
privileges; exit 0 says that it is done. It belongs to root and nobody else can write it. When its time is over, its
process group is killed.
`
}

function metricsPage(): string {
  const endings = { counter: '_total', info: '_info', gauge: '', histogram: '_bucket, _count, _sum' }
  const rows = Object.entries<MetricText>(metricCatalogue).map(([name, { type, help, labels = {} }]) => [
    `\`${name}\``,
    type,
    Object.entries(labels)
      .map(([label, values]) => `\`${label}\`: ${values}`)
      .join('; '),
    help,
  ])
  const words = Object.entries(endings).map(([type, ending]) => `${type}: ${ending || 'none'}`)
  return `# Metrics

With \`metrics: { listen: "127.0.0.1:9102" }\` in the file (IPv6: \`"[::1]:9102"\`), the daemon answers
\`GET /metrics\` there, in [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/), or in the text format
0.0.4 where only \`text/plain\` is accepted. There is nothing else: it is read-only, without a password, and everybody who
reaches the address may read. At most 16 connections are open at once; all who ask within half a second get the same text.
An address that cannot be had is the problem \`METRICS_UNHEARD\` in \`tenbin status\`; it is tried again every two seconds, and
stops nothing else. A changed \`listen\` counts from the next reload.

    curl http://127.0.0.1:9102/metrics

    scrape_configs:
      - job_name: tenbin
        static_configs: [{ targets: ["127.0.0.1:9102"] }]

**How many series.** Labels are names of the file (services, servers, pools, interfaces) and of fixed lists (outcomes, events,
kinds of checks, codes of problems); nothing that arrives on the network makes one. With S services, V servers and M members
of pools there are about 5 S + 3 V + 4 M + 500.

**What goes on.** Counters that are counted in the kernel are kept over restarts of the daemon and over changes of the file;
\`tenbin down\` ends them. Those of checks begin anew with the checker, all others with the daemon.

Names of samples have endings: ${words.join('; ')}.
Upper ends of histograms, in seconds: ${LATENCY_BOUNDS.map((ms) => ms / 1000).join(', ')}; those of
adverts' lateness: ${LATENESS_BOUNDS.map((ms) => ms / 1000).join(', ')}.
Made by \`tools/docs.ts\` from \`src/daemon/metric-catalogue.ts\`.

${table(['metric', 'type', 'labels', 'meaning'], rows)}`
}

const documents: Readonly<Record<string, () => string>> = {
  'docs/counters.md': countersPage,
  'docs/errors.md': errorsPage,
  'docs/events.md': eventsPage,
  'docs/metrics.md': metricsPage,
  'schema/tenbin.schema.json': () => `${JSON.stringify(jsonSchema(), null, 2)}\n`,
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

/** unprovokedCodes: codes that no test names. */
function unprovokedCodes(): string[] {
  const left = new Set<string>(Object.keys(errorCatalogue) as ErrorCode[])
  for (const folder of ['src', 'test']) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.test.ts')) continue
      const text = readFileSync(join(root, folder, file), 'utf8')
      for (const code of left) if (new RegExp(`\\b${code}\\b`).test(text)) left.delete(code)
    }
  }
  return [...left]
}

function check(): string[] {
  const old = Object.keys(documents).filter((path) => read(path) !== documents[path]!())
  return [
    ...old.map((path) => `${path} is out of date: run node --import tsx tools/docs.ts`),
    ...unprovokedCodes().map(
      (code) => `no *.test.ts names the error code ${code}: provoke it in one, or remove it`,
    ),
  ]
}

if (process.argv.includes('--check')) {
  const faults = check()
  for (const fault of faults) console.error(fault)
  process.exitCode = faults.length > 0 ? 1 : 0
} else {
  for (const [path, make] of Object.entries(documents)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    if (read(path) !== make()) writeFileSync(join(root, path), make())
  }
}
