// Servers that fail are found by checks and left out, and come back, under load; and whatever is killed of tenbin
// meanwhile loses nothing. Real nginx in every server:
//
//            .-- client: requests, each a connection of its own
//   switch --+-- lb1: tenbin and its checker
//            '-- web01..10: nginx; they answer the client directly (dsr)
//
// How long requests may fail after a failure is computed from the file (src/health/rhythm.ts): no request that was sent
// later may fail.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RHYTHM } from '../../src/config/check-spec.ts'
import { detectionOf } from '../../src/health/rhythm.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { failedOf, patient, repeatedSyns } from './support/lost.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

const CHECK = { http: '/', every: '500ms', in_doubt: '250ms', timeout: '500ms', fall: 2, rise: 2 }
const DETECTION = detectionOf({ ...RHYTHM, everyMs: 500, inDoubtMs: 250, timeoutMs: 500, fall: 2 })
/** From a finding to the last slot. */
const SLOTS = 500
/** What this machine is late by at times. */
const MARGIN = 2000
const KILLS = Number(process.env.TENBIN_KILLS ?? 6)

/** A lab with tenbin, whose servers are all up, and traffic. */
async function begin(prefix: string, servers: number) {
  const lab = await Lab.hold({ prefix, servers, services: 1 })
  await startNginx(lab)
  const tenbin = new Tenbin(lab)
  const www = { listen: ['10.0.0.100:80'], servers: serverNames(lab.topology), check: CHECK }
  tenbin.write(tenbinFile(lab.topology, { www }))
  await tenbin.start()
  await until(
    async () => (await states(tenbin)).join() === Array(servers).fill('up').join(),
    'all servers are up',
  )
  const [client] = nodesOf(lab.topology, 'client')
  const target = { address: '10.0.0.100', port: 80, ...patient(200) }
  const traffic = await TrafficClient.start(client!.namespace, target, 50)
  traffic.resume()
  await delay(500)
  return {
    lab,
    tenbin,
    traffic,
    [Symbol.asyncDispose]: async () => {
      await traffic[Symbol.asyncDispose]()
      await lab[Symbol.asyncDispose]()
    },
  }
}

/** losesNothing: whatever happens, no request fails, and no SYN has to be repeated. */
async function losesNothing(
  { lab, traffic }: Awaited<ReturnType<typeof begin>>,
  happens: () => Promise<void>,
): Promise<void> {
  const [before, repeated] = [await traffic.decided(), await repeatedSyns(lab)]
  await happens()
  const after = await traffic.decided()
  assert.ok(after.sent - before.sent > 100)
  assert.equal(after.failed - before.failed, 0, JSON.stringify(after.reasons))
  assert.equal(await repeatedSyns(lab), repeated, 'SYNs were lost')
}

/** states of the servers; none while the daemon does not answer in time. */
const states = async (tenbin: Tenbin): Promise<string[]> =>
  (await tenbin.status())?.pools[0]?.servers.map(({ check }) => check?.state ?? 'none') ?? []

async function until(is: () => Promise<boolean>, what: string, patienceMs = 20_000): Promise<number> {
  const start = performance.now()
  while (!(await is())) {
    assert.ok(performance.now() - start < patienceMs, `in ${patienceMs} ms not: ${what}`)
    await delay(20)
  }
  return performance.now() - start
}

/** nginxOf: the process group of a server's nginx. */
const nginxOf = (lab: Lab, name: string): number =>
  -Number(readFileSync(join(lab.directory, `nginx-${name}.pid`), 'utf8'))

/** checkersIn: processes of this lab's checker. */
const checkersIn = ({ directory }: Lab): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return words.includes('checker-process') && words.includes(directory)
      } catch {
        return false
      }
    })
    .map(Number)

test('ten servers under load: one is stopped, one frozen, one unplugged, and requests fail within the time of detection only', {
  skip,
}, async (context) => {
  await using world = await begin('hc', 10)
  const { lab, tenbin, traffic } = world
  const [stopped, frozen, unplugged] = serverNames(lab.topology) as [string, string, string]
  const config = join(lab.directory, `nginx-${stopped}.conf`)
  const failures = [
    {
      ...{ what: 'stopped', name: stopped, detectionMs: DETECTION.refusedMs },
      fail: async () => void process.kill(nginxOf(lab, stopped), 'SIGKILL'),
      mend: async () => {
        const args = ['nginx', '-e', 'stderr', '-p', lab.directory, '-c', config] as const
        lab.spawn(stopped, args, { stdio: 'ignore', detached: true }).unref()
      },
    },
    {
      ...{ what: 'frozen', name: frozen, detectionMs: DETECTION.silentMs },
      fail: async () => void process.kill(nginxOf(lab, frozen), 'SIGSTOP'),
      mend: async () => void process.kill(nginxOf(lab, frozen), 'SIGCONT'),
    },
    {
      ...{ what: 'unplugged', name: unplugged, detectionMs: DETECTION.silentMs },
      fail: async () => void (await lab.run(unplugged, ['ip', 'link', 'set', 'dev', 'eth0', 'down'])),
      mend: async () => void (await lab.run(unplugged, ['ip', 'link', 'set', 'dev', 'eth0', 'up'])),
    },
  ]
  for (const { what, name, detectionMs, fail, mend } of failures) {
    const before = traffic.counts.failed
    await fail()
    const failedAt = Date.now()
    const at = serverNames(lab.topology).indexOf(name)
    const took = await until(async () => (await states(tenbin))[at] === 'down', `${name} is down`)
    assert.ok(took <= detectionMs + MARGIN, `${what}: ${took} ms, computed ${detectionMs}`)
    await delay(Math.max(0, detectionMs - took) + SLOTS)
    const from = failedAt + Math.max(took, detectionMs) + SLOTS
    const { sent } = traffic.counts
    await delay(1500)
    assert.ok(traffic.counts.sent - sent > 100, 'requests go on')
    // Before it comes back: who hangs at it would be answered after all.
    const lost = (await traffic.decided()).failed - before
    await mend()
    const back = await until(async () => (await states(tenbin))[at] === 'up', `${name} is up again`)
    await delay(1000)
    const span = { from, to: Date.now() }
    const late = failedOf(await traffic.decided(), span)
    assert.equal(late, 0, `${what}: requests fail after the time of detection, or when it comes back`)
    context.diagnostic(
      `${what}: down after ${took.toFixed(0)} ms (computed: at most ${detectionMs}), ${lost} requests lost, up again after ${back.toFixed(0)} ms`,
    )
  }
  const { perServer } = await traffic.stop()
  assert.equal(Object.keys(perServer).length, 10, 'every server has answered')
})

test(`${KILLS} kills of the daemon and of its checker under load lose no request and change no standing`, {
  skip,
}, async () => {
  await using world = await begin('hk', 4)
  const { lab, tenbin } = world
  // One is down all the time, so that a state that was lost would show.
  process.kill(nginxOf(lab, 'web04'), 'SIGKILL')
  const expected = ['up', 'up', 'up', 'down']
  const isAsExpected = async () => (await states(tenbin)).join() === expected.join()
  await until(isAsExpected, 'web04 is down')
  await delay(1000)
  await losesNothing(world, async () => {
    for (let round = 0; round < KILLS; round++) {
      // One that ends again and again is started later each time, up to half a minute.
      await until(async () => checkersIn(lab).length > 0, `round ${round}: there is a checker`, 60_000)
      const [checker] = checkersIn(lab) as [number]
      if (round % 3 !== 0) process.kill(checker, 'SIGKILL')
      if (round % 3 !== 1) {
        await tenbin.kill()
        await delay((round * 137) % 600)
        await tenbin.start(() => true)
      }
      await delay((round * 211) % 700)
      await until(isAsExpected, `round ${round}: states are as before`)
      await until(
        async () => (await tenbin.status())?.pools[0]?.servers[3]?.share === 0,
        'web04 gets nothing',
      )
    }
  })
})

test('a daemon that comes with changed checks, and no checker that knows anything, loses no request', {
  skip,
}, async () => {
  await using world = await begin('hf', 4)
  const { lab, tenbin } = world
  process.kill(nginxOf(lab, 'web04'), 'SIGKILL')
  await until(async () => (await states(tenbin))[3] === 'down', 'web04 is down')
  await delay(1000)
  await losesNothing(world, async () => {
    await tenbin.kill()
    const [checker] = checkersIn(lab)
    process.kill(checker!, 'SIGKILL')
    // The first looks are seconds away, at least for some: who is up until then was found in the packet path.
    const check = { ...CHECK, http: '/?changed', every: '20s', timeout: '2s' }
    const www = { listen: ['10.0.0.100:80'], servers: serverNames(lab.topology), check }
    tenbin.write(tenbinFile(lab.topology, { www }))
    // As on a machine whose history is lost: the file is run.
    rmSync(join(lab.directory, `${tenbin.instance}.revisions`), { recursive: true })
    await tenbin.start()
    const { servers } = (await tenbin.statusNow()).pools[0]!
    assert.deepEqual(
      servers.map(({ check, share }) => [check?.state === 'up', share > 0]),
      [...Array.from({ length: 3 }, () => [true, true]), [false, false]],
    )
    await delay(1000)
  })
})
