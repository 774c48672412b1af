// tenbin failover, tenbin maintenance: roles by hand, through the daemon.

import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import {
  type FailoverAnswer,
  failoverSchema,
  type MaintenanceAnswer,
  maintenanceSchema,
} from '../daemon/api-schema-roles.ts'
import { instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption, textOption } from './command.ts'
import { type Context, exitCodes } from './context.ts'

/** PATIENCE_MS: more than a takeover takes, on another node too, for adverts of up to 40 s. */
const PATIENCE_MS = 300_000

export const failoverCommand: CommandSpec = {
  words: 'failover [set]',
  summary: 'Move an address set, or all of them, to another node',
  details: [
    'The node that is active gives its role up with an advert of priority 0, so another one takes over at once; run it on',
    'any node of a cluster. It is refused where no other node could take it. A node with a higher priority takes it back',
    'after an hour, or after --hold, if the file lets it preempt; where another one fails, holds do not count.',
  ].join(' '),
  arguments: { set: 'an address set of the file (default: all that have a vrid)' },
  options: [
    { flags: '--to <node>', text: 'the node that is to be active (default: whoever is next)' },
    { flags: '--hold <duration>', text: 'how long it is not taken back (default: 1h)' },
    ...instanceOptions,
    jsonOption,
  ],
  examples: [
    ['tenbin failover', 'everything that this node, or another, is active for'],
    ['tenbin failover front --to lb2 --hold 12h', 'one address set, until tomorrow'],
  ],
  exits: {
    no: 'refused, or nobody took it',
    absent: 'the daemon is not there',
    notPermitted: 'not root',
  },
  run: async (context, { args: [set], options }) => {
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    const to = textOption(options, 'to')
    const hold = holdOf(textOption(options, 'hold'))
    if (context.isTerminal && !options.json) context.err('moving ...')
    const answer = await callDaemon(socket, {
      ...{ method: 'POST', path: '/v1/failover', reply: failoverSchema, timeoutMs: PATIENCE_MS },
      query: {
        ...(set !== undefined && { set }),
        ...(to !== undefined && { to }),
        ...(hold !== undefined && { hold }),
      },
    })
    if (options.json) context.out(JSON.stringify(answer))
    else tellMoved(context, answer)
    const isDone = answer.sets.every((each) => (to === undefined ? each.changed : each.to === to))
    return isDone ? exitCodes.done : exitCodes.no
  },
}

function holdOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    parseDuration(text)
    return text
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    throw new InvalidArgumentError(`--hold: ${error.detail ?? error.message}`)
  }
}

function tellMoved({ out, paint }: Context, { sets, notes }: FailoverAnswer): void {
  for (const { set, from, to, changed } of sets)
    if (changed) out(`${paint.strong(set)}: ${to ?? 'nobody heard'} is active, ${from} was before`)
  for (const note of notes) out(note)
}

export const maintenanceCommand: CommandSpec = {
  words: 'maintenance <state>',
  summary: 'Have this node give all its roles up and take none, or have roles again',
  details: [
    'On: each address set that this node is active for goes to another node at once, with priority 0; the packet path goes',
    'on, so nothing that is under way is lost. It holds over restarts and boots until it is off. It is refused where no',
    'other node of the cluster could take a set.',
  ].join(' '),
  arguments: { state: 'on or off' },
  options: [
    { flags: '--force', text: 'on: also where nobody takes over, so that clients find nobody' },
    ...instanceOptions,
    jsonOption,
  ],
  examples: [
    ['tenbin maintenance on', 'before a reboot, or an upgrade of the kernel'],
    ['tenbin maintenance off', 'it may have roles again; it preempts as the file says'],
  ],
  exits: {
    no: 'refused: nobody could take over',
    absent: 'the daemon is not there',
    notPermitted: 'not root',
  },
  run: async (context, { args: [state], options }) => {
    if (state !== 'on' && state !== 'off')
      throw new InvalidArgumentError(`write tenbin maintenance on, or off, not "${state}"`)
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    const answer = await callDaemon(socket, {
      ...{ method: 'POST', path: '/v1/maintenance', reply: maintenanceSchema, timeoutMs: PATIENCE_MS },
      query: { on: String(state === 'on'), force: String(options.force === true) },
    })
    if (options.json) context.out(JSON.stringify(answer))
    else tellMaintained(context, answer)
    return exitCodes.done
  },
}

function tellMaintained({ out }: Context, { on, changed, sets, notes }: MaintenanceAnswer): void {
  const already = changed ? '' : ' already'
  out(
    on
      ? `this node is in maintenance${already}, and has no role`
      : `this node is not in maintenance${changed ? ' any more' : ''}`,
  )
  for (const { set, role, active } of sets)
    if (on)
      out(
        `  ${set}: ${active === undefined ? `this node is ${role ?? 'of unknown role'}` : `${active} is active`}`,
      )
  for (const note of notes) out(note)
}
