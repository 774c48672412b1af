// One contender's turn at one rate: legitimate clients ask over new connections while the flood comes in, and what became of
// their requests is counted. Nothing is repeated but by their kernel (a SYN again after a second). Who does what on which CPU:
// placement.ts.

import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Attack } from '../../src/lab/attack.ts'
import type { Shape } from '../../src/lab/attack-shape.ts'
import type { Lab } from '../../src/lab/held-lab.ts'
import { nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { openNamed } from '../../src/sys/named-namespace.ts'
import { type Contender, serveAnew } from './contender.ts'
import { type Cpus, placeProcesses } from './placement.ts'

/** Rate: of the flood, in 1,000 packets a second; 0: none; max: as many as go. */
export type Rate = number | 'max'

/** Turn: `ok`: the share of requests that was answered; `p99Ms`: their time, TIMEOUT_MS where one of 100 was not. */
export interface Turn {
  readonly ok: number
  readonly p99Ms: number
  readonly asked: number
  readonly answered: number
  /** Packets of the flood: sent, and come in at the balancer. In 1,000 a second. */
  readonly sentKpps: number
  readonly arrivedKpps: number
}

/** NIGHT: the shape of a flood seen in production. */
const NIGHT: Shape = { flood: 'syn', window: 0, noOptions: true, spoof: true }
const [REQUESTS_PER_SECOND, TIMEOUT_MS] = [200, 2000]
/** Until the flood has filled what it fills. */
const RAMP_MS = 500

/** Clients: of one contender, for all of its turns. */
export async function startClients({ lab, address }: Contender, { ends }: Cpus): Promise<TrafficClient> {
  const clients = await TrafficClient.start(nodesOf(lab.topology, 'client')[0]!.namespace, {
    ...{ address, port: 80, ratePerSecond: REQUESTS_PER_SECOND, timeoutMs: TIMEOUT_MS },
    concurrency: (REQUESTS_PER_SECOND * TIMEOUT_MS) / 1000 + 100,
  })
  placeProcesses(lab.topology, 'client', ends)
  return clients
}

/** turn at a rate, for so long. */
export async function turn(
  contender: Contender,
  clients: TrafficClient,
  rate: Rate,
  windowMs: number,
  cpus: Cpus,
): Promise<Turn> {
  const { lab } = contender
  clients.forget()
  await using attack = rate === 0 ? undefined : await startAttack(lab, rate, cpus.network)
  if (attack) await delay(RAMP_MS)
  const before = { ...seen(lab), sent: attack?.counts.sent ?? 0 }
  clients.resume()
  await delay(windowMs)
  const after = { ...seen(lab), sent: attack?.counts.sent ?? 0 }
  const { sent: asked, answered, latencyMs } = await clients.pause()
  await attack?.stop()
  if (attack) await serveAnew(contender, cpus)
  const seconds = (after.at - before.at) / 1000
  const ok = answered / Math.max(1, asked)
  return {
    ok,
    p99Ms: ok < 0.99 ? TIMEOUT_MS : latencyMs!.p99,
    asked,
    answered,
    sentKpps: (after.sent - before.sent) / seconds / 1000,
    arrivedKpps: (after.arrived - before.arrived) / seconds / 1000,
  }
}

const startAttack = (lab: Lab, rate: Rate, cpu: number): Promise<Attack> =>
  Attack.start(lab, {
    shapes: [NIGHT],
    ...(rate !== 'max' && { perSecond: 1000 * rate }),
    ...{ cpu, reportMs: 50 },
  })

/** seen: frames that came in at lb1, in all, and when. */
function seen({ topology }: Lab): { readonly arrived: number; readonly at: number } {
  using place = openNamed(nodesOf(topology, 'balancer')[0]!.namespace)
  const table = place.run(() => readFileSync('/proc/thread-self/net/dev', 'latin1'))
  return { arrived: Number(/eth0: *\d+ +(\d+)/.exec(table)![1]), at: performance.now() }
}
