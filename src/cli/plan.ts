// tenbin plan: what a file would change, without changing it.

import { type PlanAnswer, planSchema } from '../daemon/api-revisions.ts'
import { instanceOf } from '../daemon/instance.ts'
import { encodeContent } from '../revisions/content.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption } from './command.ts'
import { type Context, exitCodes } from './context.ts'
import { fileArgument, readFile } from './file-argument.ts'
import { countText, section } from './table.ts'

const PLAN_TIMEOUT_MS = 60_000
/** SHOWN: lines of each list; --json has all. */
const SHOWN = 100

export const planCommand: CommandSpec = {
  words: 'plan [file]',
  summary: 'Show what a file would change, without changing it',
  details: [
    'What comes and goes; for each service which part of its new flows would get another server, exactly, or about (~) where',
    'their hash is another one; and which connections would break: counted where all are remembered (track: all), else',
    'about which part of them.',
  ].join(' '),
  arguments: { file: "the file (default: the daemon's)" },
  options: [...instanceOptions, jsonOption],
  examples: [
    ['tenbin plan', "the daemon's file, after an edit"],
    ['tenbin plan new.yaml', 'another one'],
  ],
  exits: {
    no: 'the file has errors, or cannot run on this machine',
    absent: 'the daemon is not there',
    notPermitted: 'not root',
  },
  run: async (context, { args, options }) => {
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    const plan = await fetchPlan(socket, encodeContent(readFile(await fileArgument(args, socket)).content))
    if (options.json) context.out(JSON.stringify(plan))
    else for (const line of planLines(plan, context.paint)) context.out(line)
    return exitCodes.done
  },
}

/** fetchPlan of a content. Throws what callDaemon throws. */
export const fetchPlan = (socket: string, body: unknown): Promise<PlanAnswer> =>
  callDaemon(socket, {
    method: 'POST',
    path: '/v1/plan',
    body,
    reply: planSchema,
    timeoutMs: PLAN_TIMEOUT_MS,
  })

/** planLines: a plan for people. */
export function planLines({ actions, moves }: PlanAnswer, paint: Context['paint']): string[] {
  if (actions.length === 0) return ['nothing would change']
  const signs = { add: paint.good('+'), remove: paint.bad('-'), change: paint.strong('~') }
  const lines = actions.map(({ kind, what, name, detail }) => {
    const head = `${signs[kind]} ${what}${name === '' ? '' : ` ${name}`}`
    return detail === undefined ? head : `${head}: ${detail}`
  })
  if (moves.length === 0) return [...cut(lines), '', 'no flow of any service moves or breaks']
  const rows = moves.map(({ service, moved, isAbout, broken, why = '' }) => [
    service,
    moved === undefined ? 'by turn or load' : `${isAbout ? '~' : ''}${shareText(moved)}`,
    brokenText(broken, paint),
    why,
  ])
  const heads = ['SERVICE', 'NEW FLOWS MOVED', 'CONNECTIONS BROKEN', '']
  return [...cut(lines), ...cut(section(heads, rows, ['left', 'right', 'right', 'left'], paint))]
}

function cut(lines: readonly string[]): string[] {
  if (lines.length <= SHOWN) return [...lines]
  return [...lines.slice(0, SHOWN), `and ${countText(lines.length - SHOWN)} more: --json has all`]
}

function brokenText(broken: PlanAnswer['moves'][number]['broken'], paint: Context['paint']): string {
  if (!broken) return 'none'
  return paint.bad('flows' in broken ? countText(broken.flows) : `~${shareText(broken.share)}`)
}

const shareText = (share: number): string => `${Number((100 * share).toPrecision(share < 0.01 ? 1 : 3))} %`
