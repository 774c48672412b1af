// tenbin lab attack: floods, and slow connections, inside a lab.

import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { FLOODS, type Shape } from '../lab/attack-shape.ts'
import { type CommandSpec, jsonOption, numberOption, type Options, textOption } from './command.ts'
import { exitCodes } from './context.ts'
import { labOutput, nameOption, silentOutput } from './lab-output.ts'

const KINDS = [...FLOODS, 'slow'] as const
type Kind = (typeof KINDS)[number]
/** RATE: twice that above which sources have to prove themselves unless the file says otherwise: a stock lab shows it. */
export const RATE = 20_000
const [SLOW_RATE, FOR_MS] = [100, 10_000]

export const labAttackCommand: CommandSpec = {
  words: 'attack <kind>',
  summary: 'Attack a lab: a flood of packets, or connections that never end',
  details: `syn: SYNs from addresses of the attacker's own, whose kernel answers what comes back.
syn-spoofed: SYNs from 65,536 addresses that are nobody's.
udp, ack: UDP, and ACKs of no connection.
carpet: SYNs, spoofed, to every address of the service's network and their ports below 1024.
slow: connections that ask for something and never come to an end (Slowloris).

Packets are made in the kernel, at the switch's port of whichever balancer has the address. They never leave the lab.`,
  arguments: { kind: KINDS.join(', ') },
  options: [
    {
      flags: '--rate <n>',
      text: 'packets a second, or connections of slow; max: as many as go (default: 20000, twice what proof of source begins above; slow 100)',
    },
    { flags: '--for <time>', text: 'how long (default: 10s)' },
    { flags: '--window <n>', text: "TCP's window (default: 64240)" },
    { flags: '--no-options', text: 'SYNs without TCP options' },
    { flags: '--spoof', text: "from addresses that are nobody's" },
    { flags: '--port <n>', text: "the service's port (default: 80)" },
    { flags: '--ipv6', text: "to the service's IPv6 address" },
    nameOption,
    jsonOption,
  ],
  examples: [
    ['tenbin lab attack syn-spoofed --rate 100000', 'ten seconds of it'],
    ['tenbin lab attack syn --window 0 --no-options --spoof --rate max', 'a flood seen in production'],
    ['tenbin lab attack slow --rate 500 --for 1m', 'up to 10,000 connections'],
  ],
  exits: { no: 'there is no such lab', notPermitted: 'not root' },
  run: async (context, { args, options }) => {
    const { labAttack } = await import('../lab/lab-attack.ts')
    const kind = KINDS.find((each) => each === args[0])
    if (!kind) throw new InvalidArgumentError(`there is no attack "${args[0]}": ${KINDS.join(', ')}`)
    const name = textOption(options, 'name')
    const port = within(options, 'port', 1, 65_535)
    const perSecond = rateOf(kind, options)
    const result = await labAttack({
      ...(name !== undefined && { name }),
      attack: kind === 'slow' ? kind : shapeOf(kind, options),
      ...(perSecond !== undefined && { perSecond }),
      forMs: durationOf(textOption(options, 'for')),
      ...(options.ipv6 === true && { ipv6: true }),
      ...(port !== undefined && { port }),
      out: options.json ? silentOutput : labOutput(context),
    })
    if (options.json) context.out(JSON.stringify({ kind, ...result }))
    return exitCodes.done
  },
}

function shapeOf(flood: Exclude<Kind, 'slow'>, options: Options): Shape {
  const window = within(options, 'window', 0, 65_535)
  return {
    flood,
    ...(window !== undefined && { window }),
    ...(options.options === false && { noOptions: true }),
    ...(options.spoof === true && { spoof: true }),
  }
}

/** rateOf: undefined: as many as go. */
function rateOf(kind: Kind, options: Options): number | undefined {
  const text = textOption(options, 'rate')
  if (text === 'max' && kind !== 'slow') return undefined
  if (text === 'max') throw new InvalidArgumentError('--rate of slow takes a number')
  return within(options, 'rate', 1, 100_000_000) ?? (kind === 'slow' ? SLOW_RATE : RATE)
}

function within(options: Options, name: string, least: number, most: number): number | undefined {
  const value = numberOption(options, name)
  if (value === undefined || (value >= least && value <= most)) return value
  throw new InvalidArgumentError(`--${name} takes ${least} to ${most}, not ${value}`)
}

function durationOf(text: string | undefined): number {
  if (text === undefined) return FOR_MS
  try {
    return parseDuration(text)
  } catch (error) {
    throw new InvalidArgumentError(`--for takes a time such as 10s: ${(error as Error).message}`)
  }
}
