// tenbin flood add, remove, ban, unban, allow, disallow, only, proof: floods by hand, through the daemon.

import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { floodOrderSchema } from '../daemon/api-flood.ts'
import { instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import {
  type CommandSpec,
  type Input,
  instanceOptions,
  jsonOption,
  type OptionSpec,
  type Options,
  textOption,
} from './command.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { ruleOf, ruleOptions } from './flood-rule.ts'
import { timeText } from './status-facts.ts'

const kept = 'It holds over reloads and restarts of the daemon, and on the other nodes.'
const termOptions: readonly OptionSpec[] = [
  { flags: '--for <duration>', text: 'for so long: 30m, 12h (default: until it is taken back)' },
  { flags: '--until <time>', text: 'until a time of day: 2030-01-31T06:00' },
]
const exits: NonNullable<CommandSpec['exits']> = {
  no: 'refused: it makes no sense, or there is no such rule or service, or no defence',
  absent: 'the daemon is not there',
  notPermitted: 'not root',
}

/** termOf: how long it is to hold, as the API takes it. Throws InvalidArgumentError. */
function termOf(options: Options): Record<string, string> {
  const [forText, until] = [textOption(options, 'for'), textOption(options, 'until')]
  if (forText !== undefined && until !== undefined)
    throw new InvalidArgumentError('--for and --until at once: write one of them')
  if (forText !== undefined) {
    try {
      parseDuration(forText)
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      throw new InvalidArgumentError(`--for: ${error.detail ?? error.message}`)
    }
    return { for: forText }
  }
  if (until === undefined) return {}
  const at = Date.parse(until)
  if (Number.isNaN(at))
    throw new InvalidArgumentError(`--until takes a time such as 2030-01-31T06:00, not "${until}"`)
  return { until: new Date(at).toISOString() }
}

interface Order {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body?: unknown
  /** done: what holds now. */
  readonly done: string
}

/** ordering: a command that gives an order. */
const ordering =
  (orderOf: (input: Input) => Order): CommandSpec['run'] =>
  async (context: Context, input: Input): Promise<ExitCode> => {
    const { socket } = instanceOf(input.options as Parameters<typeof instanceOf>[0])
    const { path, query, body, done } = orderOf(input)
    const answer = await callDaemon(socket, {
      ...{ method: 'POST', path: `/v1/flood/${path}`, query, reply: floodOrderSchema },
      ...(body !== undefined && { body }),
    })
    if (input.options.json) {
      context.out(JSON.stringify(answer))
      return exitCodes.done
    }
    const { changed, until, notes } = answer
    if (changed) context.out(`${done}${until === undefined ? '' : ` until ${timeText(until)}`}`)
    for (const note of notes) context.out(changed ? `  ${context.paint.strong('note')}: ${note}` : note)
    return exitCodes.done
  }

export const floodAddCommand: CommandSpec = {
  words: 'add <name>',
  summary: 'Add a rule that counts, drops or limits packets of services by what they look like',
  details: [
    'All that it says has to hold. Begin with --observe: it only counts, and `tenbin flood rules` shows whether it matches',
    `connections that exist. With --action, or --observe, alone a rule that is there gets another action. ${kept}`,
  ].join(' '),
  arguments: { name: 'a name for it, or that of a rule that is there' },
  options: [
    ...ruleOptions,
    { flags: '--observe', text: 'count only, whatever the action' },
    ...termOptions,
    ...instanceOptions,
    jsonOption,
  ],
  examples: [
    ['tenbin flood add night --tcp syn --window 0 --options none --observe', 'see what it would take'],
    ['tenbin flood add night --action drop --for 12h', 'then drop it'],
    ['tenbin flood add ntp --udp any --source-ports 123 --service dns --action 100/s', 'above a rate only'],
    ['tenbin flood add bare-syn --action drop', 'a rule that ships acts'],
  ],
  exits,
  run: ordering(({ args: [name], options }) => {
    const rule = ruleOf(options)
    const observe = options.observe === true
    const { action = 'count' } = rule
    const does =
      observe || action === 'count' ? 'counts' : action === 'drop' ? 'drops' : `limits to ${action.limit}`
    return {
      path: 'add',
      query: { name: name!, ...(observe && { observe: 'true' }), ...termOf(options) },
      body: { rule },
      done: `rule ${name!} ${does}`,
    }
  }),
}

export const floodRemoveCommand: CommandSpec = {
  words: 'remove <name>',
  summary: 'Take back a rule, or an action, that was given by hand',
  arguments: { name: 'of the rule' },
  options: [...instanceOptions, jsonOption],
  examples: [['tenbin flood remove night', 'the flood is over']],
  exits,
  run: ordering(({ args: [name] }) => ({
    path: 'remove',
    query: { name: name! },
    done: `what was said of rule ${name!} by hand is taken back`,
  })),
}

export const floodBanCommand: CommandSpec = {
  words: 'ban <source>',
  summary: 'Drop what a source sends to services',
  details: `The most specific of allow, deny and bans counts. ${kept}`,
  arguments: { source: 'an address or a network: 203.0.113.7, 2001:db8:7::/48' },
  options: [...termOptions, ...instanceOptions, jsonOption],
  examples: [['tenbin flood ban 203.0.113.7 --for 1h', 'one address, for an hour']],
  exits,
  run: ordering(({ args: [source], options }) => ({
    path: 'ban',
    query: { source: source!, ...termOf(options) },
    done: `${source!} is banned`,
  })),
}

export const floodUnbanCommand: CommandSpec = {
  words: 'unban <source>',
  summary: 'Take a ban back: one by hand, or that of a source that has earned it',
  arguments: { source: 'as it was banned' },
  options: [...instanceOptions, jsonOption],
  examples: [['tenbin flood unban 203.0.113.7', 'it may send again']],
  exits,
  run: ordering(({ args: [source] }) => ({
    path: 'unban',
    query: { source: source! },
    done: `${source!} is not banned any more`,
  })),
}

export const floodAllowCommand: CommandSpec = {
  words: 'allow <sources...>',
  summary: 'Allow sources: no limit and no earned ban holds for them, nor does `only`',
  details: `The most specific of allow, deny and bans counts. Rules and proof of source still hold. ${kept}`,
  arguments: { sources: 'addresses or networks: 203.0.113.0/24 2001:db8:7::/48' },
  options: [...termOptions, ...instanceOptions, jsonOption],
  examples: [
    ['tenbin flood allow 203.0.113.0/24 198.51.100.0/24', 'a scrubbing CDN that is switched in front'],
    ['tenbin flood allow 192.0.2.7 --for 2h', 'one address, for two hours'],
  ],
  exits,
  run: ordering(({ args, options }) => ({
    path: 'allow',
    query: termOf(options),
    body: { sources: args },
    done: `${args.join(', ')} ${args.length === 1 ? 'is' : 'are'} allowed`,
  })),
}

export const floodDisallowCommand: CommandSpec = {
  words: 'disallow <sources...>',
  summary: 'Take back that sources are allowed, which was said by hand',
  arguments: { sources: 'as they were allowed' },
  options: [...instanceOptions, jsonOption],
  examples: [['tenbin flood disallow 203.0.113.0/24', 'the CDN is gone']],
  exits,
  run: ordering(({ args }) => ({
    path: 'disallow',
    query: {},
    body: { sources: args },
    done: `${args.join(', ')} ${args.length === 1 ? 'is' : 'are'} not allowed by hand any more`,
  })),
}

export const floodOnlyCommand: CommandSpec = {
  words: 'only <mode>',
  summary: 'Drop what comes of sources that are not allowed: on, or off',
  details: `For a CDN in front: allow its networks first. It is refused where it would leave nobody. ${kept}`,
  arguments: { mode: 'on or off' },
  options: [...termOptions, ...instanceOptions, jsonOption],
  examples: [
    ['tenbin flood only on --for 12h', 'nobody else, until the morning'],
    ['tenbin flood only off', 'everybody again'],
  ],
  exits,
  run: ordering(({ args: [mode], options }) => {
    if (mode !== 'on' && mode !== 'off')
      throw new InvalidArgumentError(`write tenbin flood only on or off, not "${mode}"`)
    return {
      path: 'only',
      query: { mode, ...termOf(options) },
      done: mode === 'on' ? 'only who is allowed is let in' : 'who is not allowed is let in, too',
    }
  }),
}

export const floodProofCommand: CommandSpec = {
  words: 'proof <mode>',
  summary: 'Have sources of SYNs prove that they are real: on, off, or by itself',
  details: `A client's first connection takes some milliseconds longer where it is asked for. ${kept}`,
  arguments: { mode: 'on, off or auto' },
  options: [
    { flags: '--service <service>', text: 'of one service (default: of all of which nothing is said)' },
    ...termOptions,
    ...instanceOptions,
    jsonOption,
  ],
  examples: [
    ['tenbin flood proof on --service www --for 1h', 'now, however many there are'],
    ['tenbin flood proof auto', 'above the rate of the file'],
  ],
  exits,
  run: ordering(({ args: [mode], options }) => {
    if (mode !== 'on' && mode !== 'off' && mode !== 'auto')
      throw new InvalidArgumentError(`write tenbin flood proof on, off or auto, not "${mode}"`)
    const service = textOption(options, 'service')
    return {
      path: 'proof',
      query: { mode, ...(service !== undefined && { service }), ...termOf(options) },
      done: `proof of source of ${service ?? 'all services'} is ${mode === 'auto' ? 'asked for by itself' : mode}`,
    }
  }),
}
