// tenbin apply, confirm, rollback: changes of the file, made by the daemon. The file is read here, with all that it
// includes, so that who applies needs no place that the daemon sees; its errors are told before the daemon is asked.

import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { type AppliedAnswer, appliedSchema, syncSchema } from '../daemon/api-revisions.ts'
import { instanceOf } from '../daemon/instance.ts'
import { encodeContent } from '../revisions/content.ts'
import { callDaemon } from './client.ts'
import { clockText } from './clock-text.ts'
import {
  type CommandSpec,
  instanceOptions,
  jsonOption,
  type OptionSpec,
  type Options,
  textOption,
} from './command.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { fileArgument, readFile } from './file-argument.ts'
import { fetchPlan, planLines } from './plan.ts'

/** APPLY_TIMEOUT_MS: of a change on all nodes, each of which may take half a minute. */
const APPLY_TIMEOUT_MS = 180_000

const changeOptions: readonly OptionSpec[] = [
  {
    flags: '--confirm <duration>',
    text: 'take it back by itself unless it is confirmed in this time: 60s, 10m',
  },
  { flags: '-m, --why <text>', text: 'the reason, for `tenbin history`' },
  {
    flags: '--without <nodes>',
    text: 'nodes that need not take part (by commas): they catch up when they are back',
  },
]
const exits = {
  no: 'refused, nothing changed: the file has errors, a node cannot run it, somebody else is applying',
  absent: 'the daemon is not there',
  notPermitted: 'not root',
} as const

export const applyCommand: CommandSpec = {
  words: 'apply [file]',
  summary: 'Make all nodes run a file: all of it on all of them, or nothing',
  details: [
    "The file and what it includes are kept as a revision, byte for byte. Without a name it is the daemon's own file. Of",
    'several nodes those without traffic apply it first, the active one last; any trouble takes everything back.',
  ].join(' '),
  arguments: { file: "the file that says what to balance (default: the daemon's)" },
  options: [
    ...changeOptions,
    { flags: '--yes', text: 'do not ask; without a terminal nobody is asked anyway' },
    ...instanceOptions,
    jsonOption,
  ],
  examples: [
    ['tenbin apply', "the daemon's file, after an edit"],
    ['tenbin apply new.yaml --confirm 60s -m ticket-4711', 'and back in a minute, unless tenbin confirm'],
  ],
  exits,
  run: async (context, { args, options }) => {
    const { socket } = placesOf(options)
    const body = encodeContent(readFile(await fileArgument(args, socket)).content)
    if (!context.isTerminal || options.json || options.yes)
      return change(context, options, '/v1/apply', {}, body)
    const plan = await fetchPlan(socket, body)
    for (const line of planLines(plan, context.paint)) context.out(line)
    if (!(await context.ask('apply this?'))) return exitCodes.no
    // What somebody else applies meanwhile, nobody has seen the plan of.
    return change(context, options, '/v1/apply', plan.base === undefined ? {} : { base: plan.base }, body)
  },
}

export const confirmCommand: CommandSpec = {
  words: 'confirm',
  summary: 'Keep what was applied with --confirm',
  options: [...instanceOptions, jsonOption],
  examples: [['tenbin confirm', 'it works: keep it']],
  exits: { ...exits, no: 'nothing waits to be confirmed' },
  run: async (context, { options }) => {
    const { socket } = placesOf(options)
    const answer = await callDaemon(socket, { method: 'POST', path: '/v1/confirm', reply: appliedSchema })
    if (options.json) context.out(JSON.stringify(answer))
    else
      context.out(
        `revision ${answer.revision!.number} ${context.paint.good('confirmed')}${unheardText(answer)}`,
      )
    return exitCodes.done
  },
}

export const rollbackCommand: CommandSpec = {
  words: 'rollback [revision]',
  summary: 'Go back to the revision before, or to another one',
  details: [
    'What waits to be confirmed is taken back. Otherwise the content of the revision before, or of the one named, is',
    'applied as a new revision, so nothing is lost from the history.',
  ].join(' '),
  arguments: { revision: 'a number of tenbin history (default: the one before)' },
  options: [...changeOptions, ...instanceOptions, jsonOption],
  examples: [
    ['tenbin rollback', 'to what ran before'],
    ['tenbin rollback 12 --confirm 60s', 'to revision 12, on trial'],
  ],
  exits,
  run: (context, { args, options }) => {
    const [to] = args
    if (to !== undefined && !/^\d{1,9}$/.test(to))
      throw new InvalidArgumentError(`a revision is a number of tenbin history, not "${to}"`)
    return change(context, options, '/v1/rollback', to === undefined ? {} : { to })
  },
}

export const syncCommand: CommandSpec = {
  words: 'sync',
  summary: 'Make all nodes run what one of them runs',
  details: [
    'A node that was away catches up by itself. This is for nodes that applied different files while they could not reach',
    'each other: what the others applied is in their history still.',
  ].join(' '),
  options: [
    { flags: '--from <node>', text: 'the node that is right (default: the one with the highest revision)' },
    ...instanceOptions,
    jsonOption,
  ],
  examples: [
    ['tenbin sync', 'when status says that nodes differ'],
    ['tenbin sync --from lb1', 'what lb1 runs is right'],
  ],
  exits: { ...exits, no: 'two are as right as each other, a node cannot run it, or a change is under way' },
  run: async (context, { options }) => {
    const from = textOption(options, 'from')
    const answer = await callDaemon(placesOf(options).socket, {
      ...{ method: 'POST', path: '/v1/sync', reply: syncSchema, timeoutMs: APPLY_TIMEOUT_MS },
      ...(from !== undefined && { query: { from } }),
    })
    const { nodes } = answer
    if (options.json) context.out(JSON.stringify(answer))
    else if (nodes.length === 0) context.out('all nodes that are connected run the same')
    else
      context.out(`${nodes.join(', ')} ${nodes.length === 1 ? 'runs' : 'run'} now what ${answer.from} runs`)
    return exitCodes.done
  },
}

async function change(
  context: Context,
  options: Options,
  path: '/v1/apply' | '/v1/rollback',
  more: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<ExitCode> {
  const why = textOption(options, 'why')
  const confirm = confirmOf(textOption(options, 'confirm'))
  const without = textOption(options, 'without')
  const query = {
    ...more,
    ...(without !== undefined && { without }),
    ...(why !== undefined && { why }),
    ...(confirm !== undefined && { confirm }),
  }
  const answer = await callDaemon(placesOf(options).socket, {
    ...{ method: 'POST', path, query, reply: appliedSchema, timeoutMs: APPLY_TIMEOUT_MS },
    ...(body !== undefined && { body }),
  })
  if (options.json) context.out(JSON.stringify(answer))
  else tell(context, answer)
  return exitCodes.done
}

function tell({ out, paint }: Context, answer: AppliedAnswer): void {
  const { changed, revision, confirmUntil, nodes, reloaded } = answer
  if (!revision) {
    out('taken back: no revision counts now')
    return
  }
  if (!changed) out(`revision ${revision.number} counts already; it was put in once more`)
  else if (!reloaded) out(`taken back: revision ${revision.number} counts again${unheardText(answer)}`)
  else {
    const where = nodes.length > 1 ? ` on ${nodes.join(', ')}` : ''
    out(`revision ${revision.number} ${paint.good('applied')}${where}${unheardText(answer)}`)
  }
  for (const note of reloaded?.notes ?? []) out(`  ${paint.strong('note')}: ${note}`)
  if (confirmUntil === undefined) return
  out(`  it is taken back at ${clockText(confirmUntil)} unless you say ${paint.strong('tenbin confirm')}`)
}

const unheardText = ({ unheard }: AppliedAnswer): string =>
  unheard.length === 0 ? '' : `; ${unheard.join(', ')} could not be told and will ask`

function confirmOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    const ms = parseDuration(text)
    if (ms >= 1_000 && ms <= 86_400_000) return text
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    throw new InvalidArgumentError(`--confirm: ${error.detail ?? error.message}`)
  }
  throw new InvalidArgumentError('--confirm takes a time from 1s to 24h')
}

const placesOf = (options: Options) => instanceOf(options as Parameters<typeof instanceOf>[0])
