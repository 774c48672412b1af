// Hard times under load: main is not run for seconds, the disk is full, the wall clock is set by an hour to either side.
// Checks are made on time meanwhile, traffic does not notice, and what follows is right as soon as it can be.
//
//            .-- client: requests, each a connection of its own
//   switch --+-- lb1: tenbin and its checker; what they keep is on a disk of 256 KB, their wall clock is a file's
//            '-- web01..04: nginx
//
// A network namespace has the machine's clock, and no test may set that: the processes are given a Date of their own
// (support/shifted-clock.mjs). The kernel's packet path reads no wall clock at all (dataplane/flow-clock.ts).

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RHYTHM } from '../../src/config/check-spec.ts'
import type { Status } from '../../src/daemon/api-schema.ts'
import { instanceOf } from '../../src/daemon/instance.ts'
import { detectionOf } from '../../src/health/rhythm.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import type { Command } from '../../src/lab/run.ts'
import { nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { execute, skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { failedOf, patient, repeatedSyns } from './support/lost.ts'
import { startNginx } from './support/nginx.ts'
import { tenbin as command, Tenbin } from './support/tenbin.ts'

/** How long main is stopped: longer than it believes in a checker that it does not hear (5 s). TENBIN_STOP_S=10: more. */
const STOP_MS = 1_000 * Number(process.env.TENBIN_STOP_S ?? 6)
const HOUR = 3_600_000
const CHECK = { http: '/', every: '500ms', in_doubt: '250ms', timeout: '500ms', fall: 2, rise: 2 }
const DETECTION = detectionOf({ ...RHYTHM, everyMs: 500, inDoubtMs: 250, timeoutMs: 500, fall: 2 })
/** What this machine is late by at times. */
const MARGIN = 2000
const CLOCK = new URL('./support/shifted-clock.mjs', import.meta.url).href

/** HardTenbin: on a small disk, with a clock that can be set. */
class HardTenbin extends Tenbin {
  readonly disk: string
  readonly #clock: string
  override readonly socket: string

  constructor(lab: Lab) {
    super(lab)
    this.disk = join(lab.directory, 'small')
    this.#clock = join(lab.directory, 'clock')
    this.socket = instanceOf({ instance: this.instance, runDir: this.disk }).socket
    mkdirSync(this.disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tenbin-test', this.disk])
  }

  readonly #places = () => ['--instance', this.instance, '--run-dir', this.disk]

  /** say runs a command of this instance, which must do it. */
  async say(...words: string[]): Promise<void> {
    const { code, err } = await execute(lab, 'lb1', command([...words, ...this.#places()]))
    assert.equal(code, 0, err)
  }

  override command(): Command {
    const options = `NODE_OPTIONS=--import=${CLOCK}?${encodeURIComponent(this.#clock)}`
    return ['env', options, ...command(['run', '-c', this.file, ...this.#places(), '--state-dir', this.disk])]
  }

  setClock(byMs: number): void {
    writeFileSync(this.#clock, `${byMs}`)
  }

  /** fill the disk to its last byte. */
  fill(): void {
    for (const bytes of [4096, 1])
      try {
        for (;;) appendFileSync(join(this.disk, 'fill'), Buffer.alloc(bytes))
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
      }
  }

  empty(): void {
    rmSync(join(this.disk, 'fill'))
  }
}

let lab: Lab
let tenbin: HardTenbin
let traffic: TrafficClient
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'ht', servers: 4, services: 1 })
  await startNginx(lab)
  tenbin = new HardTenbin(lab)
  const www = { listen: ['10.0.0.100:80'], servers: serverNames(lab.topology), check: CHECK }
  tenbin.write(tenbinFile(lab.topology, { www }))
  await tenbin.start()
  await until(async (status) => checks(status).every((state) => state === 'up'), 'all servers are up')
  const [client] = nodesOf(lab.topology, 'client')
  const target = { address: '10.0.0.100', port: 80, ...patient(100) }
  traffic = await TrafficClient.start(client!.namespace, target, 50)
  traffic.resume()
  await delay(300)
})
after(async () => {
  await traffic?.[Symbol.asyncDispose]()
  if (tenbin) {
    const { pid } = (await tenbin.status()) ?? {}
    if (pid !== undefined) process.kill(pid, 'SIGTERM')
    while (pid !== undefined && existsSync(`/proc/${pid}`)) await delay(20)
    execFileSync('umount', ['--lazy', tenbin.disk])
  }
  await lab?.[Symbol.asyncDispose]()
})

const statusNow = (): Promise<Status> => tenbin.statusNow()
const checks = (status: Status) => status.pools[0]!.servers.map(({ check }) => check?.state ?? 'none')
const codes = ({ problems }: Status) => problems.map(({ code }) => code)
/** looks: how many the checker has made since it began. */
const looks = ({ checker }: Status) => checker!.totals!.reduce((sum, { good, bad }) => sum + good + bad, 0)

async function until(is: (status: Status) => boolean | Promise<boolean>, what: string, patienceMs = 20_000) {
  const start = performance.now()
  for (;;) {
    const status = await tenbin.status()
    if (status && (await is(status))) return performance.now() - start
    const found = status && `${checks(status)} ${status.problems.map(({ message }) => message)}`
    assert.ok(performance.now() - start < patienceMs, `in ${patienceMs} ms not: ${what}; ${found}`)
    await delay(20)
  }
}
const nginxOf = (name: string): number =>
  -Number(readFileSync(join(lab.directory, `nginx-${name}.pid`), 'utf8'))
const mend = (name: string) => {
  const args = [
    'nginx',
    '-e',
    'stderr',
    '-p',
    lab.directory,
    '-c',
    join(lab.directory, `nginx-${name}.conf`),
  ] as const
  lab.spawn(name, args, { stdio: 'ignore', detached: true }).unref()
}
/** undisturbed: while something lasts, no request fails, and no SYN has to be repeated; and as many looks are made as the file asks for. */
async function undisturbed(what: string, last: () => Promise<void>): Promise<void> {
  const [sentBefore, repeated] = [await traffic.decided(), await repeatedSyns(lab)]
  const before = await statusNow()
  const start = performance.now()
  await last()
  const took = performance.now() - start
  const after = await statusNow()
  const { failed, sent, reasons } = await traffic.decided()
  assert.equal(failed - sentBefore.failed, 0, `${what}: requests failed: ${JSON.stringify(reasons)}`)
  assert.equal(await repeatedSyns(lab), repeated, `${what}: SYNs were lost`)
  assert.ok(sent - sentBefore.sent > took / 20, `${what}: ${sent - sentBefore.sent} requests`)
  const due = (4 * took) / 500
  const made = looks(after) - looks(before)
  // what is told of looks is a second old
  assert.ok(made >= 0.8 * due - 12, `${what}: ${made} looks of ${due}`)
}

test(`main is not run for ${STOP_MS} ms: traffic and checks go on, and whoever died is out as soon as it runs`, {
  skip,
}, async (context) => {
  const { pid, checker } = await statusNow()
  await undisturbed('stopped', async () => {
    process.kill(pid, 'SIGSTOP')
    try {
      await delay(STOP_MS)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await until(() => true, 'it answers')
  })
  assert.equal((await statusNow()).checker!.pid, checker!.pid, 'the checker was not taken for one that hangs')
  process.kill(pid, 'SIGSTOP')
  process.kill(nginxOf('web02'), 'SIGKILL')
  await delay(DETECTION.refusedMs + MARGIN)
  process.kill(pid, 'SIGCONT')
  const took = await until((status) => checks(status)[1] === 'down', 'web02 is down')
  assert.ok(took < 1_000 + MARGIN, `${took} ms after it runs again`)
  await delay(100)
  const from = Date.now()
  await delay(500)
  const to = Date.now()
  assert.equal(failedOf(await traffic.decided(), { from, to }), 0, 'nobody is sent there any more')
  mend('web02')
  await until((status) => checks(status)[1] === 'up', 'web02 is up again')
  context.diagnostic(`out ${took.toFixed(0)} ms after main ran again`)
})

test('the disk is full: all goes on, status says what is not kept, and with room it is', {
  skip,
}, async () => {
  const overrides = join(tenbin.disk, `${tenbin.instance}.overrides.json`)
  const states = join(tenbin.disk, tenbin.instance, 'checks.json')
  await undisturbed('full', async () => {
    tenbin.fill()
    await tenbin.say('drain', 'web04')
    await traffic.decided()
    process.kill(nginxOf('web04'), 'SIGKILL')
    await until((status) => checks(status)[3] === 'down', 'web04 is down')
    await lab.run('lb1', ['ip', 'address', 'del', '10.0.0.100/24', 'dev', 'eth0'])
    await until(
      (status) => ['STATE_UNUSABLE', 'CHECKS_UNKEPT'].every((each) => codes(status).includes(each)),
      'what is not kept is named',
    )
    assert.ok(!existsSync(overrides) || !readFileSync(overrides, 'utf8').includes('web04'))
    tenbin.empty()
    await until((status) => codes(status).length === 0, 'nothing is wrong any more')
  })
  assert.match(readFileSync(overrides, 'utf8'), /"web04"/)
  assert.match(readFileSync(states, 'utf8'), /down/)
  assert.match(await lab.run('lb1', ['ip', 'address', 'show', 'dev', 'eth0']), /10\.0\.0\.100\/24/)
  mend('web04')
  await tenbin.say('undrain', 'web04')
  await until((status) => checks(status)[3] === 'up', 'web04 is up again')
})

test('the clock is set by an hour, forward and back: looks are on time, and failures are found as soon', {
  skip,
}, async () => {
  for (const by of [HOUR, -HOUR]) {
    await undisturbed(`the clock is set by ${by} ms`, async () => {
      tenbin.setClock(by)
      await delay(1_000)
    })
    process.kill(nginxOf('web03'), 'SIGKILL')
    const took = await until((status) => checks(status)[2] === 'down', 'web03 is down')
    assert.ok(took < DETECTION.refusedMs + MARGIN, `down after ${took} ms, computed ${DETECTION.refusedMs}`)
    const since = Date.parse((await statusNow()).pools[0]!.servers[2]!.check!.since!)
    assert.ok(Math.abs(since - (Date.now() + by)) < 60_000, 'its label is of the clock as it is set')
    mend('web03')
    await until((status) => checks(status)[2] === 'up', 'web03 is up again')
  }
})
