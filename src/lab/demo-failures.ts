// Servers of the demo fail and come back, one after the other, each in another way: its web server stops, hangs, or its
// cable is pulled. Nobody tells tenbin: its checks find it. What is measured: how long after the failure the checks say
// so, beside the longest time that the file's rhythm promises (health/rhythm.ts), and how many requests failed until then
// and afterwards, of which there may be none.

import { setTimeout as delay } from 'node:timers/promises'
import { TenbinError } from '../base/errors.ts'
import type { Status } from '../daemon/api-schema.ts'
import { detectionOf } from '../health/rhythm.ts'
import type { Balancer } from './balancer.ts'
import type { Lab } from './held-lab.ts'
import { LAB_RHYTHM } from './lab-file.ts'
import { SWITCH } from './topology.ts'
import type { TrafficClient } from './traffic-client.ts'
import type { WebHand } from './web-hand.ts'

/** Failure: what became of one. `lost`: requests that failed before it was out; `lostLater`: until it was in again. */
export interface Failure {
  readonly server: string
  readonly how: 'stops' | 'hangs' | 'unplugged'
  readonly outMs: number
  readonly computedMs: number
  readonly backMs: number
  readonly lost: number
  readonly lostLater: number
}

/** FailureOptions: `watchMs`: how long requests are counted while one is out. */
export interface FailureOptions {
  readonly lab: Lab
  readonly hand: WebHand
  readonly balancer: Balancer
  readonly traffic: TrafficClient
  readonly watchMs: number
  readonly signal: AbortSignal
}

const { refusedMs, silentMs } = detectionOf(LAB_RHYTHM)
const PATIENCE_MS = 20_000
const POLL_MS = 20

/** WAYS: how servers fail, and what undoes it. A cable is pulled at the switch: the server's own addresses stay. */
const WAYS = [
  { how: 'stops', computedMs: refusedMs, fail: order('stop'), mend: order('begin') },
  { how: 'hangs', computedMs: silentMs, fail: order('freeze'), mend: order('thaw') },
  { how: 'unplugged', computedMs: silentMs, fail: port('down'), mend: port('up') },
] as const

/** failures of these servers, one after the other; each is told when it is over. Throws LAB_PROCESS_FAILED. */
export async function* failures(
  servers: readonly string[],
  options: FailureOptions,
): AsyncGenerator<Failure> {
  const { balancer, traffic, watchMs, signal } = options
  for (const [index, server] of servers.entries()) {
    const { how, computedMs, fail, mend } = WAYS[index % WAYS.length]!
    const before = await traffic.fresh()
    const failedAt = performance.now()
    await fail(options, server)
    await until(balancer, server, 'down', signal)
    const outMs = performance.now() - failedAt
    const out = await traffic.fresh()
    await delay(watchMs, undefined, { signal })
    const mendedAt = performance.now()
    await mend(options, server)
    await until(balancer, server, 'up', signal)
    const backMs = performance.now() - mendedAt
    const back = await traffic.fresh()
    yield {
      ...{ server, how, outMs, computedMs, backMs },
      lost: out.failed - before.failed,
      lostLater: back.failed - out.failed,
    }
  }
}

function order(word: Parameters<WebHand['tell']>[0]) {
  return async ({ hand }: FailureOptions, server: string): Promise<void> => {
    await hand.tell(word, server)
  }
}

function port(to: 'up' | 'down') {
  return async ({ lab }: FailureOptions, server: string): Promise<void> => {
    await lab.run(SWITCH, ['ip', 'link', 'set', 'dev', server, to])
  }
}

/** until checks say so of a server, by whichever family they look. */
async function until(
  balancer: Balancer,
  server: string,
  state: 'up' | 'down',
  signal: AbortSignal,
): Promise<void> {
  const names = [server, server.replace('web', 'six')]
  const isSo = ({ pools }: Status) =>
    pools.every((pool) =>
      pool.servers.every(({ name, check }) => !names.includes(name) || check?.state === state),
    )
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; ) {
    signal.throwIfAborted()
    const status = await balancer.status()
    if (status && isSo(status)) return
    await delay(POLL_MS)
  }
  throw new TenbinError('LAB_PROCESS_FAILED', 'fail and return', {
    detail: `${server} was not ${state} by its check within ${PATIENCE_MS / 1000} s`,
  })
}
