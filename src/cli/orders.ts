// tenbin drain, undrain, weight, disable, enable: servers in and out by hand, through the daemon.

import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { type OrderAnswer, orderSchema } from '../daemon/api-schema.ts'
import { instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption, type OptionSpec, textOption } from './command.ts'
import { type Context, exitCodes } from './context.ts'
import { countText } from './table.ts'

interface OrderSpec {
  readonly kind: 'drain' | 'undrain' | 'weight' | 'disable' | 'enable'
  readonly summary: string
  readonly details: string
  readonly options?: readonly OptionSpec[]
  readonly examples: CommandSpec['examples']
  /** done: what the server does now, `SERVER ...`. */
  readonly done: (answer: OrderAnswer) => string
}

const serviceOption: OptionSpec = {
  flags: '--service <service>',
  text: 'only in the pool of this service (default: wherever the server answers)',
}
const kept = 'It holds over reloads and restarts of the daemon.'

function orderCommand({ kind, summary, details, options = [], examples, done }: OrderSpec): CommandSpec {
  const hasWeight = kind === 'weight'
  return {
    words: hasWeight ? 'weight <server> <weight>' : `${kind} <server>`,
    summary,
    details,
    arguments: {
      server: 'a server of the file',
      ...(hasWeight && { weight: "a whole number, from 0 to the file's" }),
    },
    options: [serviceOption, ...options, ...instanceOptions, jsonOption],
    examples,
    exits: {
      no: 'refused: no such server or service, or not now',
      absent: 'the daemon is not there',
      notPermitted: 'not root',
    },
    run: async (context, { args, options }) => {
      const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
      const [server, weight] = args as [string, string?]
      const query = {
        server,
        ...(weight !== undefined && { weight: weightOf(weight) }),
        ...given('service', textOption(options, 'service')),
        ...given('deadline', deadlineOf(textOption(options, 'deadline'))),
      }
      const answer = await callDaemon(socket, {
        method: 'POST',
        path: `/v1/${kind}`,
        query,
        reply: orderSchema,
      })
      if (options.json) context.out(JSON.stringify(answer))
      else tell(context, answer, done(answer))
      return exitCodes.done
    },
  }
}

const given = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: value })

function weightOf(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return text
  throw new InvalidArgumentError(`a weight is a whole number from 0 to 65535, not "${text}"`)
}

function deadlineOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    parseDuration(text)
    return text
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    throw new InvalidArgumentError(`--deadline: ${error.detail ?? error.message}`)
  }
}

function tell({ out, paint }: Context, { server, changed, pools, notes }: OrderAnswer, done: string): void {
  if (changed) {
    out(`${paint.strong(server)} ${done}`)
    for (const { name, services, slots, weight, configured } of pools) {
      const counts = weight < configured ? `, weight ${weight} of ${configured}` : ''
      out(`  pool ${name} (${services.join(', ')}): ${countText(slots)} slots changed hands${counts}`)
    }
  }
  for (const note of notes) out(changed ? `  ${paint.strong('note')}: ${note}` : note)
}

export const drainCommand = orderCommand({
  kind: 'drain',
  summary: 'Send no new flows to a server; those it has stay',
  details: [
    'TCP connections stay until they end, and UDP flows as long as they are used. `tenbin status` shows how many are',
    `left and for how long they have been silent. ${kept}`,
  ].join(' '),
  options: [
    {
      flags: '--deadline <duration>',
      text: 'when it is over at the latest, then as tenbin disable: 30s, 10m, 2h',
    },
  ],
  examples: [
    ['tenbin drain web03', 'before work on it, wherever it answers'],
    ['tenbin drain web03 --deadline 10m', 'and out in ten minutes, whoever is left'],
    ['tenbin drain web03 --service www', 'only as a server of www'],
  ],
  done: ({ deadline }) =>
    deadline === undefined
      ? 'drains: no new flows go to it, those it has stay'
      : `drains: no new flows go to it, those it has stay until ${timeOf(deadline)}`,
})

export const undrainCommand = orderCommand({
  kind: 'undrain',
  summary: 'Send new flows to a drained server again',
  details: `Its share of new flows is that of before. A disabled server is not drained: see tenbin enable. ${kept}`,
  examples: [['tenbin undrain web03', 'the work is done']],
  done: () => 'gets new flows again',
})

export const weightCommand = orderCommand({
  kind: 'weight',
  summary: "Lower a server's weight, or give it back the file's",
  details: [
    "The weight counts against the file's: 1 of 4 leaves a quarter of its share. What is above it counts as the file's;",
    `for more, change the file. The file's own weight takes this back. Flows that are there stay. ${kept}`,
  ].join(' '),
  examples: [
    ['tenbin weight big01 1', 'less for a while'],
    ['tenbin weight big01 3', "the file's again"],
  ],
  done: ({ pools }) => `has weight ${[...new Set(pools.map(({ weight }) => weight))].join(' and ')}`,
})

export const disableCommand = orderCommand({
  kind: 'disable',
  summary: 'Take a server out at once, as if it had failed',
  details: `Its TCP connections go by the service's on_failure: they stay, or end by a RST. UDP flows go to others. ${kept}`,
  examples: [
    ['tenbin disable web03', 'it answers wrongly'],
    ['tenbin disable web03 --service img', 'only as a server of img'],
  ],
  done: () => 'is out: as if it had failed',
})

export const enableCommand = orderCommand({
  kind: 'enable',
  summary: 'Bring a disabled server back',
  details: `Also one whose drain is past its deadline. A drained server is not disabled: see tenbin undrain. ${kept}`,
  examples: [['tenbin enable web03', 'it answers again']],
  done: () => 'is back, as the file has it',
})

const timeOf = (iso: string): string => new Date(iso).toTimeString().slice(0, 8)
