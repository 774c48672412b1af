// `tenbin lab attack`: an attack on a lab that is up, for a while, and what became of its packets by the counters of each
// tenbin in it. Words and figures only: the attack is attack.ts.

import { setTimeout as delay } from 'node:timers/promises'
import { TenbinError } from '../base/errors.ts'
import { Attack, type AttackCounts } from './attack.ts'
import { NOBODYS, type Shape, sourcesOf } from './attack-shape.ts'
import { Balancer } from './balancer.ts'
import { countText } from './chart.ts'
import { meant } from './find-lab.ts'
import { Lab, requireRoot } from './held-lab.ts'
import { SERVICE_PORT } from './lab-file.ts'
import { type LabOutput, LiveArea } from './terminal.ts'
import { nodesOf } from './topology.ts'

/** LabAttackOptions: `perSecond`: absent = as many as go. `ipv6`: to the service's IPv6 address. */
export interface LabAttackOptions {
  readonly name?: string
  readonly attack: Shape | 'slow'
  readonly perSecond?: number
  readonly forMs: number
  readonly ipv6?: boolean
  readonly port?: number
  readonly out: LabOutput
}

/** LabAttackResult: `outcomes`: of each node that runs tenbin, packets by outcome (docs/counters.md), meanwhile. */
export interface LabAttackResult {
  readonly sent: number
  readonly seconds: number
  readonly perSecond: number
  readonly open?: number
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>
}

type Outcomes = Readonly<Record<string, number>>

/**
 * labAttack attacks for so long, or until it is told to end (SIGINT, SIGTERM). Throws NOT_PERMITTED, LAB_UNKNOWN,
 * LAB_AMBIGUOUS, LAB_OPTION_INVALID, LAB_COMMAND_FAILED, LAB_PROCESS_FAILED.
 */
export async function labAttack(options: LabAttackOptions): Promise<LabAttackResult> {
  requireRoot()
  const { attack: shape, perSecond, forMs, ipv6 = false, port = SERVICE_PORT, out } = options
  const lab = Lab.resume(meant(options.name))
  const { topology } = lab
  const address = (ipv6 ? topology.serviceAddresses6 : topology.serviceAddresses)[0]
  if (address === undefined)
    throw new TenbinError('LAB_OPTION_INVALID', 'attack', { detail: `lab ${lab.name} has no IPv6` })
  const nodes = nodesOf(topology, 'balancer').map(({ name }) => name)
  const outcomesOf = async (node: string): Promise<Outcomes> => {
    const outcomes = (await new Balancer(lab, node).status())?.outcomes ?? {}
    return Object.fromEntries(Object.entries(outcomes).map(([name, count]) => [name, Number(count)]))
  }
  const before = await Promise.all(nodes.map(outcomesOf))
  out.write(`${sentence(shape, `${address.includes(':') ? `[${address}]` : address}:${port}`, perSecond)}\n`)
  const counts = await attackFor(lab, options, { address, port }, forMs)
  const after = await Promise.all(nodes.map(outcomesOf))
  const outcomes = Object.fromEntries(nodes.map((node, at) => [node, grown(before[at]!, after[at]!)]))
  for (const [node, each] of Object.entries(outcomes)) {
    const words = Object.entries(each).map(([name, count]) => `${name} ${countText(count)}`)
    out.write(`${node}: ${words.length > 0 ? words.join(', ') : 'nothing came in'}\n`)
  }
  const { sent, elapsedMs, open } = counts
  const seconds = elapsedMs / 1000
  const opened = open !== undefined && { open }
  return { sent, seconds, perSecond: Math.round(sent / seconds), ...opened, outcomes }
}

/** attackFor: with what it sends shown on a terminal. */
async function attackFor(
  lab: Lab,
  { attack: shape, perSecond, out }: LabAttackOptions,
  target: { readonly address: string; readonly port: number },
  forMs: number,
): Promise<AttackCounts> {
  const ended = new AbortController()
  const end = () => ended.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  const screen = new LiveArea(out)
  try {
    const shapes = shape === 'slow' ? shape : [shape]
    await using attack = await Attack.start(lab, {
      shapes,
      ...(perSecond !== undefined && { perSecond }),
      ...target,
    })
    attack.onCounts = (now) => screen.draw([line(now)])
    await delay(forMs, undefined, { signal: ended.signal }).catch(() => undefined)
    const counts = await attack.stop()
    screen.finish([line(counts)])
    return counts
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
  }
}

function line({ sent, elapsedMs, port, open }: AttackCounts): string {
  const seconds = elapsedMs / 1000
  const to = port === undefined ? 'nobody has the address' : `to ${port}`
  const rate = countText(Math.round(sent / Math.max(0.001, seconds)))
  const last = open === undefined ? to : `${countText(open)} open`
  return `${seconds.toFixed(1)} s: ${countText(sent)} sent, ${rate}/s, ${last}`
}

/** sentence: what is about to be done. */
function sentence(shape: Shape | 'slow', target: string, perSecond: number | undefined): string {
  const rate = perSecond === undefined ? 'as many as go' : `${countText(perSecond)} a second`
  if (shape === 'slow') return `Connections to ${target} whose requests never end, ${rate}.`
  const family = target.startsWith('[') ? 6 : 4
  const isNobodys = sourcesOf(shape, family) === NOBODYS[family]
  const whose = isNobodys ? "from addresses that are nobody's" : "from the attacker's own addresses"
  const to = shape.flood === 'carpet' ? 'to the whole network around' : 'to'
  return `${WORDS[shape.flood]} ${to} ${target}, ${rate}, ${whose}.`
}

const WORDS: Readonly<Record<Shape['flood'], string>> = {
  syn: 'SYNs',
  'syn-spoofed': 'SYNs',
  udp: 'UDP',
  ack: 'ACKs of no connection',
  carpet: 'SYNs',
}

/** grown: what became more. */
const grown = (before: Outcomes, after: Outcomes): Outcomes =>
  Object.fromEntries(
    Object.entries(after).flatMap(([name, count]) => {
      const more = count - (before[name] ?? 0)
      return more > 0 ? [[name, more]] : []
    }),
  )
