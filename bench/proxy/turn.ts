// One contender's turn: as many new connections as one CPU can make for a while, then one at a time for its latency.
//
// Clients, servers and balancers all run on one CPU. So what a balancer takes is what the others lack, and a share is a
// ratio of costs, which stays the same while a machine is busy; spread over two virtual CPUs, most of the time would be
// theirs to wake each other. There are two clients, one for each server; through a balancer both ask at the same address.
//
// Counted are connections (the kernel's counters, in a window in which the load is steady) and the CPU time of
// everything in the lab's namespaces, with ksoftirqd of this CPU: what other processes of the machine take is not in
// it, but what the kernel does for packets is, in whoever sends or receives (no IRQ_TIME_ACCOUNTING) or in ksoftirqd.

import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../../src/lab/held-lab.ts'
import { execute } from '../../test/scenario/support/execute.ts'
import { startWrk } from '../../test/scenario/support/load.ts'
import type { Contender } from './contender.ts'
import { cpuSeconds, pidsOf, pidsOfAll, tcpOf } from './counted.ts'

/** Effort: how long a turn looks at the load, and how many connections it then makes one after the other. */
export interface Effort {
  readonly windowMs: number
  readonly single: number
}

/** Turn: what was measured. `cpuSeconds` of all in the lab, for one connection. `problem`: why it is not to be believed. */
export interface Turn {
  readonly connectionsPerSecond: number
  readonly cpuSeconds: number
  readonly latencyMs: number
  readonly checks: Readonly<Record<(typeof CHECKS)[number], number>>
  readonly problem?: string
}

export const CHECKS = ['connections', 'web01', 'web02', 'errors', 'resent'] as const
/** AT_ONCE: open connections of each client. */
const AT_ONCE = 32
const RAMP_MS = 200

/** turn measures one contender, with clients on `cpu`. */
export async function turn(lab: Lab, contender: Contender, cpu: number, effort: Effort): Promise<Turn> {
  const load = await underLoad(lab, contender, cpu, effort.windowMs)
  const latency = await oneAtATime(lab, contender, cpu, effort.single)
  const problem = load.problem ?? latency.problem
  return { ...load, latencyMs: latency.p99, ...(problem !== undefined && { problem }) }
}

async function underLoad(lab: Lab, contender: Contender, cpu: number, windowMs: number) {
  const servers = ['web01', 'web02'].map((name) => pidsOf(lab, name)[0]!)
  const accepted = () => servers.map((pid) => tcpOf(pid).accepted)
  const before = { accepted: accepted(), forwarded: (await contender.forwarded?.()) ?? 0 }
  const clients = contender.addresses.map((address) =>
    startWrk(lab, `http://${address}:80/`, AT_ONCE, { pauseMs: 0, closing: true, cpu }),
  )
  try {
    const [client] = pidsOf(lab, 'client')
    const all = pidsOfAll(lab, cpu)
    const sample = () => ({ at: performance.now(), cpu: cpuSeconds(all), tcp: tcpOf(client!) })
    await delay(RAMP_MS)
    const from = sample()
    await delay(windowMs)
    const to = sample()
    const results = await Promise.all(clients.map((each) => each.stop()))
    const connections = to.tcp.begun - from.tcp.begun
    const answered = results.reduce((sum, { requests }) => sum + requests, 0)
    const errors = results.flatMap((each) => Object.values(each.errors)).reduce((sum, count) => sum + count)
    const [web01, web02] = accepted().map((count, at) => count - before.accepted[at]!) as [number, number]
    const forwarded = ((await contender.forwarded?.()) ?? Number.POSITIVE_INFINITY) - before.forwarded
    // More than were answered: what wrk had open when it was ended, and its one connection more; and now and then the
    // kernel counts one twice, when its first two segments meet (tcp_check_req, both make a socket).
    const open = clients.length * (AT_ONCE + 1) + answered / 100
    const problems = [
      errors > 0 && `${errors} errors: ${JSON.stringify(results.map((each) => each.errors))}`,
      (web01 + web02 < answered || web01 + web02 > answered + open) &&
        `${answered} answered, but servers accepted ${web01} and ${web02}`,
      Math.min(web01, web02) < answered / 10 && `not both servers had their share: ${web01} and ${web02}`,
      // SYN, ACK with or before the request, FIN or the ACK of the answer: never fewer.
      forwarded < 4 * answered && `${forwarded} packets forwarded for ${answered} connections`,
      connections < 100 && `only ${connections} connections`,
    ].filter((problem) => problem !== false)
    return {
      connectionsPerSecond: (connections * 1000) / (to.at - from.at),
      cpuSeconds: (to.cpu - from.cpu) / connections,
      checks: { connections: answered, web01, web02, errors, resent: to.tcp.resent - from.tcp.resent },
      ...(problems.length > 0 && { problem: problems.join('; ') }),
    }
  } finally {
    for (const each of clients) await each[Symbol.asyncDispose]()
  }
}

/** oneAtATime: from connect() to the answer's last byte, 99 of 100 in this time. */
async function oneAtATime(lab: Lab, { addresses }: Contender, cpu: number, count: number) {
  const urls = addresses.map((address) => `http://${address}:80/?[1-${count / addresses.length}]`)
  const format = '%{http_code} %{num_connects} %{time_total}\n'
  const outputs = urls.flatMap((url) => ['-o', '/dev/null', url])
  const options = ['-sS', '-m', '10', '-H', 'Connection: close', '-w', format]
  const { out, err } = await execute(lab, 'client', [
    'taskset',
    '-c',
    `${cpu}`,
    'curl',
    ...options,
    ...outputs,
  ])
  const lines = out.trim().split('\n')
  const times = lines.flatMap((line) => (line.startsWith('200 1 ') ? [Number(line.slice(6)) * 1000] : []))
  times.sort((a, b) => a - b)
  const isWhole = times.length === count && lines.length === count
  return {
    p99: times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN,
    ...(!isWhole && { problem: `${times.length} of ${count} connections answered one at a time: ${err}` }),
  }
}
