// tenbin events: what has happened, and with -f what happens, until somebody ends it: a daemon that is restarted is waited
// for, and the stream goes on behind the last event that was seen.

import { setTimeout as delay } from 'node:timers/promises'
import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { type EventLine, eventsOf, eventsQuery, eventsSchema } from '../daemon/api-events.ts'
import { type Instance, instanceOf } from '../daemon/instance.ts'
import { type Event, severities } from '../events/event.ts'
import { readEvents } from '../events/event-files.ts'
import { callDaemon } from './client.ts'
import { clockText } from './clock-text.ts'
import { type CommandSpec, instanceOptions, numberOption, type Options, textOption } from './command.ts'
import { type Context, exitCodes } from './context.ts'
import { followEvents } from './follow.ts'

/** SHOWN: how many are shown where nothing else is asked for. */
const SHOWN = 20
const LINES_MAX = 10_000
const RETRY_MS = 500

export const eventsCommand: CommandSpec = {
  words: 'events',
  summary: 'Show what has happened and why: to servers, services and the node',
  details: [
    `The latest ${SHOWN}, or all since a time. With -f it goes on: events are shown as they come, and a daemon that is`,
    'restarted is waited for. What was lost, because this reader was too slow, is said. docs/events.md has the kinds.',
  ].join(' '),
  options: [
    { flags: '-f, --follow', text: 'go on with what happens from now on' },
    { flags: '-n, --lines <count>', text: `the latest so many (default: ${SHOWN}, with --since all)` },
    { flags: '--since <duration>', text: 'of the last 30s, 10m, 2h, 7d' },
    { flags: '--server <server>', text: 'about this server' },
    { flags: '--service <service>', text: 'about this service' },
    { flags: '--severity <severity>', text: 'as grave as this, or graver', choices: severities },
    ...instanceOptions,
    { flags: '--state-dir <dir>', text: 'where it keeps what a boot does not forget', hidden: true },
    { flags: '--json', text: 'answer for programs: one JSON object a line' },
  ],
  examples: [
    ['tenbin events', `the latest ${SHOWN}`],
    ['tenbin events -f', 'and what happens from now on'],
    ['tenbin events --since 2h --service www', 'what happened to www lately'],
    [`tenbin events -f --json | jq -r 'select(.kind == "server.down").server'`, 'servers as they go down'],
  ],
  exits: {
    absent: 'the daemon is not there; what it has kept is shown, but not with -f',
    notPermitted: 'not root',
  },
  run: async (context, { options }) => {
    const instance = instanceOf(options as Parameters<typeof instanceOf>[0])
    const { socket } = instance
    const query = queryOf(options)
    const show = shower(context, options.json === true)
    if (options.follow) return await follow(context, socket, query, show)
    try {
      const { events } = await callDaemon(socket, { path: '/v1/events', query, reply: eventsSchema })
      for (const event of events) show({ event })
      if (events.length === 0) context.err('nothing has happened that is asked for')
      return exitCodes.done
    } catch (error) {
      const kept = keptEvents(error, instance, query)
      for (const event of kept) show({ event })
      throw error
    }
  },
}

/** keptEvents: what is on the disk, where nobody is there to ask. */
function keptEvents(
  error: unknown,
  { events: directory }: Instance,
  query: Readonly<Record<string, string>>,
): readonly Event[] {
  if (!(error instanceof TenbinError) || error.code !== 'DAEMON_ABSENT') return []
  const kept = readEvents(directory)
  return eventsOf({ latest: () => kept }, eventsQuery.parse(query), new Date()).events
}

function queryOf(options: Options): Record<string, string> {
  const since = textOption(options, 'since')
  const limit = numberOption(options, 'lines') ?? (since === undefined ? SHOWN : undefined)
  if (limit !== undefined && limit > LINES_MAX)
    throw new InvalidArgumentError(`--lines: at most ${LINES_MAX} are kept`)
  const words = ['server', 'service', 'severity'].flatMap((name) => {
    const value = textOption(options, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...(since !== undefined && { since: durationOf(since) }),
    ...(limit !== undefined && { limit: `${limit}` }),
    ...Object.fromEntries(words),
  }
}

function durationOf(text: string): string {
  try {
    parseDuration(text)
    return text
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    throw new InvalidArgumentError(`--since: ${error.detail ?? error.message}`)
  }
}

/** follow until the process is ended. The first time the daemon has to be there. */
async function follow(
  context: Context,
  socket: string,
  query: Readonly<Record<string, string>>,
  show: (line: EventLine) => void,
): Promise<never> {
  let last: number | undefined
  let isAway = false
  const { since: _, limit: __, ...always } = query
  for (;;) {
    const asked = last === undefined ? query : { ...always, after: `${last}` }
    try {
      await followEvents(socket, asked, (line) => {
        if (isAway) context.err('the daemon is back')
        isAway = false
        last = line.event?.seq ?? line.alive ?? last
        show(line)
      })
    } catch (error) {
      const isGone = error instanceof TenbinError && goneCodes.has(error.code)
      if (last === undefined || !isGone) throw error
    }
    if (!isAway) context.err('the daemon is gone: waiting for it')
    isAway = true
    await delay(RETRY_MS)
  }
}

const goneCodes: ReadonlySet<string> = new Set(['DAEMON_ABSENT', 'DAEMON_ANSWER'])

function shower({ out, err, paint }: Context, isJson: boolean): (line: EventLine) => void {
  return ({ event, lost }) => {
    if (isJson && (event || lost)) out(JSON.stringify(event ?? { lost }))
    else if (lost) err(`${lost} events were lost: too many came, or this reader was away for too long`)
    else if (event) out(eventText(event, paint, new Date()))
  }
}

/** eventText: `12:03:04 warning  web03 down in www: ...`, with the date where it is not today. */
export function eventText({ time, severity, text }: Event, paint: Context['paint'], now: Date): string {
  const colour = severity === 'info' ? paint.faint : severity === 'notice' ? paint.good : paint.bad
  return `${paint.faint(clockText(time, now))} ${colour(severity.padEnd(7))}  ${text}`
}
