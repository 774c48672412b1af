// tenbin history, show, diff: what was applied, when, by whom and why; its files byte for byte; and what differs.

import { InvalidArgumentError } from 'commander'
import {
  type HistoryAnswer,
  historySchema,
  type RevisionAnswer,
  type ShowAnswer,
  showSchema,
} from '../daemon/api-revisions.ts'
import { instanceOf } from '../daemon/instance.ts'
import { type Content, decodeContent } from '../revisions/content.ts'
import { unifiedDiff } from '../revisions/text-diff.ts'
import { callDaemon } from './client.ts'
import { clockText } from './clock-text.ts'
import { type CommandSpec, instanceOptions, jsonOption, numberOption, type Options } from './command.ts'
import { type Context, exitCodes } from './context.ts'
import { fileArgument, readFile } from './file-argument.ts'
import { section } from './table.ts'

const SHOWN = 20
const exits = {
  no: 'there is no such revision',
  absent: 'the daemon is not there',
  notPermitted: 'not root',
} as const

export const historyCommand: CommandSpec = {
  words: 'history',
  summary: 'Show what was applied: when, by whom, why',
  options: [
    { flags: '-n, --lines <count>', text: `the latest so many (default: ${SHOWN})` },
    ...instanceOptions,
    jsonOption,
  ],
  examples: [['tenbin history', `the latest ${SHOWN} revisions`]],
  exits,
  run: async (context, { options }) => {
    const count = numberOption(options, 'lines') ?? SHOWN
    const { socket } = placesOf(options)
    const answer = await callDaemon(socket, { path: '/v1/revisions', reply: historySchema })
    if (options.json) context.out(JSON.stringify(answer))
    else tellHistory(context, answer, count)
    return exitCodes.done
  },
}

function tellHistory(
  { out, err, paint }: Context,
  { revisions, damaged }: HistoryAnswer,
  count: number,
): void {
  for (const path of damaged) err(`${path} is damaged`)
  if (revisions.length === 0) {
    out('nothing was applied yet')
    return
  }
  const rows = revisions.slice(0, count).map(({ number, id, at, state, node, who, why }) => {
    const counts = state === 'current' || state === 'confirming'
    const by = node === '' ? who : `${who} on ${node}`
    const mark = counts ? paint.good(state) : state === 'applied' ? '' : paint.faint('not applied')
    return [String(number), id.slice(0, 8), clockText(at), by, mark, why]
  })
  const lines = section(
    ['REVISION', 'ID', 'WHEN', 'WHO', '', 'WHY'],
    rows,
    ['right', 'left', 'left', 'left', 'left', 'left'],
    paint,
  )
  for (const line of lines.slice(1)) out(line)
}

export const showCommand: CommandSpec = {
  words: 'show <revision>',
  summary: 'Print the files of a revision as they were applied',
  details:
    'The main file alone is printed as it is; where it includes others, each has a line with its name before it.',
  arguments: { revision: 'a number of tenbin history, or the beginning of an id' },
  options: [...instanceOptions, jsonOption],
  examples: [['tenbin show 7 > old.yaml', 'the file of revision 7']],
  exits,
  run: async (context, { args, options }) => {
    const answer = await fetchRevision(placesOf(options).socket, args[0]!)
    if (options.json) {
      const { revision, content } = answer
      const files = content.files.map(({ name, data }) => ({ name, base64: data }))
      context.out(JSON.stringify({ revision, folder: content.folder, files }))
      return exitCodes.done
    }
    const { files } = decodeContent(answer.content)
    for (const { name, bytes } of files) {
      if (files.length > 1) context.out(`# ---- ${name}`)
      context.write(Buffer.from(bytes).toString('utf8'))
    }
    return exitCodes.done
  },
}

export const diffCommand: CommandSpec = {
  words: 'diff [from] [to]',
  summary: 'Show what differs between two revisions, or between what counts and the file',
  details:
    "Without numbers: from what counts to the daemon's file. With one: from that revision to what counts. Nothing is printed where nothing differs.",
  arguments: { from: 'a number of tenbin history', to: 'another one' },
  options: [...instanceOptions, jsonOption],
  examples: [
    ['tenbin diff', 'the edits that nobody applied yet'],
    ['tenbin diff 6 7', 'what revision 7 changed'],
  ],
  exits,
  run: async (context, { args, options }) => {
    const { socket } = placesOf(options)
    const [from, to] = args
    const { revisions } = await callDaemon(socket, { path: '/v1/revisions', reply: historySchema })
    const current = revisions.find(({ state }) => state === 'current' || state === 'confirming')
    if (!current) throw new InvalidArgumentError('nothing was applied yet: there is nothing to compare')
    const before = await sideOf(socket, from ?? String(current.number))
    const after =
      from === undefined
        ? { name: 'the file', content: readFile(await fileArgument([], socket)).content }
        : await sideOf(socket, to ?? String(current.number))
    const lines = contentDiff(before, after)
    if (options.json) context.out(JSON.stringify({ from: before.name, to: after.name, lines }))
    else for (const line of lines) context.out(paintLine(context, line))
    return exitCodes.done
  },
}

/** Side: one of two contents that are compared. */
interface Side {
  readonly name: string
  readonly content: Content
}

async function sideOf(socket: string, revision: string): Promise<Side> {
  const { revision: head, content } = await fetchRevision(socket, revision)
  return { name: `revision ${head.number}`, content: decodeContent(content) }
}

/** contentDiff: file by file; the main files are compared whatever they are called. */
export function contentDiff(before: Side, after: Side): string[] {
  const names = new Set(
    [before, after].flatMap(({ content }) => content.files.slice(1).map(({ name }) => name)),
  )
  const main = ({ content }: Side) => content.files[0]!
  const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8')
  const of = ({ content }: Side, name: string) =>
    content.files.slice(1).find((each) => each.name === name)?.bytes
  return [
    ...unifiedDiff(text(main(before).bytes), text(main(after).bytes), [
      `${main(before).name} (${before.name})`,
      `${main(after).name} (${after.name})`,
    ]),
    ...[...names].flatMap((name) =>
      unifiedDiff(text(of(before, name)), text(of(after, name)), [
        `${name} (${before.name})`,
        `${name} (${after.name})`,
      ]),
    ),
  ]
}

function paintLine({ paint }: Context, line: string): string {
  if (/^(---|\+\+\+) /.test(line)) return paint.strong(line)
  if (line.startsWith('@@')) return paint.faint(line)
  return line.startsWith('-') ? paint.bad(line) : line.startsWith('+') ? paint.good(line) : line
}

function fetchRevision(socket: string, revision: string): Promise<ShowAnswer> {
  if (!/^(\d{1,9}|[0-9a-f]{8,64})$/.test(revision))
    throw new InvalidArgumentError(`a revision is a number of tenbin history, not "${revision}"`)
  return callDaemon(socket, { path: '/v1/revision', query: { revision }, reply: showSchema })
}

/** revisionText: `revision 7 of root, 12:03:04: why`. */
export const revisionText = ({
  number,
  who,
  at,
  why,
}: Pick<RevisionAnswer, 'number' | 'who' | 'at' | 'why'>): string =>
  `revision ${number} of ${who}, ${clockText(at)}${why === '' ? '' : `: ${why}`}`

const placesOf = (options: Options) => instanceOf(options as Parameters<typeof instanceOf>[0])
