// Documents that are made from the source, so that they cannot say otherwise: docs/errors.md, docs/counters.md,
// docs/events.md and schema/tenbin.schema.json. Without arguments they are written; with --check nothing is, and the exit code is 1
// when one of them is out of date or when no test names a code of the error catalogue.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ErrorCode, errorCatalogue } from '../src/base/error-catalogue.ts'
import { jsonSchema } from '../src/config/schema.ts'
import { events, outcomes } from '../src/dataplane/outcomes.ts'
import { eventKinds, severities } from '../src/events/event.ts'

const root = join(import.meta.dirname, '..')

const cell = (text: string): string => text.replaceAll('|', '\\|')

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |\n`).join('')

function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(([code, { meaning, remedy }]) => [
    `\`${code}\``,
    meaning,
    remedy,
  ])
  return `# Errors

Every operational error has one of these codes: \`--json\` and the API carry it, and the message says the particulars.
Made by \`tools/docs.ts\` from \`src/base/error-catalogue.ts\`.

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

${table(['kind', 'what has happened'], rows)}`
}

const documents: Readonly<Record<string, () => string>> = {
  'docs/counters.md': countersPage,
  'docs/errors.md': errorsPage,
  'docs/events.md': eventsPage,
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
