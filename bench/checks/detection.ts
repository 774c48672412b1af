// How long a failure stays unseen, against what the file lets one compute (src/health/rhythm.ts): web servers of this
// process, each looked at by the real checker process, fail at moments of their own: they refuse, or they accept and never
// answer. Measured is from the failure to the checker's word that the server is down.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RHYTHM, type SingleProbe } from '../../src/config/check-spec.ts'
import { CheckerClient } from '../../src/health/checker-client.ts'
import type { Change, Order, State } from '../../src/health/protocol.ts'
import { detectionOf } from '../../src/health/rhythm.ts'
import { summary } from '../path/cost.ts'
import type { Row } from '../runner/row.ts'

const TARGETS = 20
const rhythm = { ...RHYTHM, everyMs: 500, inDoubtMs: 250, timeoutMs: 500, fall: 2, rise: 2 }
const probe: SingleProbe = {
  ...{ kind: 'http', version: '1.1', method: 'GET', path: '/', headers: {} },
  status: [{ from: 200, to: 200 }],
}
/** What this machine may be late by before a row is called wrong: a checker that gets no CPU is no checker's fault. */
const MARGIN_MS = 500

/** detection: `checks.detection.<how>.worst`, of servers that refuse and that are silent. */
export async function detection(): Promise<Row[]> {
  const { refusedMs, silentMs } = detectionOf(rhythm)
  return [await failing('refused', refusedMs), await failing('silent', silentMs)]
}

async function failing(how: 'refused' | 'silent', computed: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-bench-detection-'))
  const webs = await Promise.all(Array.from({ length: TARGETS }, () => Web.start()))
  const socket = join(folder, 'checker.sock')
  const checker = startChecker(socket, join(folder, 'checks.json'))
  const up = new Set<string>()
  const downAt = new Map<string, number>()
  const see = (states: readonly (State | Change)[]) => {
    for (const { key, standing } of states) {
      if (standing === 'up') up.add(key)
      if (standing === 'down' && up.has(key)) downAt.set(key, performance.now())
    }
  }
  const ignore = () => undefined
  const told = { onStates: see, onChanges: see, onAlive: ignore, onPresent: ignore, onAbsent: ignore }
  const client = new CheckerClient({ ...told, socket })
  try {
    client.order(webs.map(({ port }): Order => orderOf(port)))
    for (let tries = 0; up.size < TARGETS && tries < 200; tries++) await delay(50)
    const failedAt = await Promise.all(
      webs.map(async (web) => {
        await delay(Math.random() * 2 * rhythm.everyMs)
        web.fail(how)
        return { key: `${web.port}`, at: performance.now() }
      }),
    )
    for (let tries = 0; downAt.size < TARGETS && tries < 200; tries++) await delay(50)
    const times = failedAt.map(({ key, at }) => (downAt.get(key) ?? Number.POSITIVE_INFINITY) - at)
    const row = summary(`checks.detection.${how}.worst`, 'ms', times, { computed, targets: TARGETS })
    const worst = Math.max(...times)
    const failed = worst <= computed + MARGIN_MS ? {} : { failed: `${worst} ms, computed ${computed}` }
    return { ...row, value: worst, ...failed }
  } finally {
    client[Symbol.dispose]()
    const ended = once(checker, 'exit')
    checker.kill('SIGTERM')
    await ended
    for (const web of webs) web[Symbol.dispose]()
    rmSync(folder, { recursive: true })
  }
}

const orderOf = (port: number): Order => ({
  key: `${port}`,
  check: { probe, rhythm, observe: false },
  address: '127.0.0.1',
  port,
})

function startChecker(socket: string, file: string): ChildProcess {
  const entry = fileURLToPath(new URL('../../src/health/checker-process.ts', import.meta.url))
  const args = ['--import', 'tsx', entry, socket, file, 'bench']
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Web: a server that answers until it fails. */
class Web implements Disposable {
  readonly #server: Server
  #isSilent = false
  #port = 0

  private constructor() {
    this.#server = createServer((_, response) => {
      if (!this.#isSilent) response.end('ok')
    })
  }

  static async start(): Promise<Web> {
    const web = new Web()
    web.#server.listen(0, '127.0.0.1')
    await once(web.#server, 'listening')
    web.#port = (web.#server.address() as AddressInfo).port
    return web
  }

  get port(): number {
    return this.#port
  }

  fail(how: 'refused' | 'silent'): void {
    if (how === 'silent') this.#isSilent = true
    else this.#server.close()
    this.#server.closeAllConnections()
  }

  [Symbol.dispose](): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
