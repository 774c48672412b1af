// Who answers when too few of a pool are left, under load, with each way of tracking, and with dsr and nat:
//
//            .-- client: requests, each a connection of its own; connections that are held
//   switch --+-- lb1: services all, changes, none and kept (persistence), over one pool
//            '-- web01..03: nginx, the pool; web04: its sorry server
//
// All three die: within the time of detection web04 answers, and from then on no request fails. They come back: web04 gets
// nothing new, its connections stay with it where flows are tracked. Two of three die: the quorum of two is lost, web04
// gets what is new, and connections of the third stay where they are.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RHYTHM } from '../../src/config/check-spec.ts'
import { detectionOf } from '../../src/health/rhythm.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { type LabForward, nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import type { Held } from './support/connections-process.ts'
import { skip } from './support/execute.ts'
import { tenbinFile } from './support/file.ts'
import { brokenOf, holdConnections, perServer } from './support/flows.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

const CHECK = { http: '/', port: 80, every: '300ms', in_doubt: '150ms', timeout: '300ms', fall: 2, rise: 1 }
const DETECTION = detectionOf({ ...RHYTHM, everyMs: 300, inDoubtMs: 150, timeoutMs: 300, fall: 2 })
/** From a finding to the last slot, and what this machine is late by at times. */
const MARGIN = 2000
/** What this machine may be late by is no request lost. */
const REQUEST_TIMEOUT = 3000
const MEMBERS = ['web01', 'web02', 'web03'] as const
const EACH = 48

const services = {
  dsr: ['all', 'changes', 'none', 'kept'],
  nat: ['all', 'kept'],
} as const satisfies Record<LabForward, readonly string[]>

describe('sorry servers and quorum', { concurrency: 2 }, () => {
  for (const forward of ['dsr', 'nat'] as const)
    test(`${forward}: the sorry server answers when all others are dead or too few, and gets nothing new when they are back`, {
      skip,
    }, async (context) => {
      const names = services[forward]
      await using lab = await Lab.hold({
        prefix: `so${forward}`,
        servers: 4,
        services: names.length,
        forward,
      })
      await startNginx(lab)
      const tenbin = new Tenbin(lab)
      const addressOf = (name: string) =>
        lab.topology.serviceAddresses[(names as readonly string[]).indexOf(name)]!
      const common = {
        servers: [...MEMBERS],
        sorry: 'web04',
        quorum: { up: 2, down: 2 },
        check: CHECK,
        forward,
      }
      tenbin.write(
        tenbinFile(
          lab.topology,
          Object.fromEntries(
            names.map((name) => {
              const listen = [`${addressOf(name)}:80`]
              return [
                name,
                name === 'kept'
                  ? { ...common, listen, persistence: '5m', ...(forward === 'nat' && { server_port: 81 }) }
                  : { ...common, listen, track: name },
              ]
            }),
          ),
        ),
      )
      await tenbin.start()
      const pool = async () => (await tenbin.statusNow()).pools[0]!
      const until = async (is: () => Promise<boolean>, what: string): Promise<number> => {
        const start = performance.now()
        while (!(await is())) {
          assert.ok(performance.now() - start < 10_000, `in 10 s not: ${what}`)
          await delay(20)
        }
        return performance.now() - start
      }
      const isUp = async (name: string) =>
        (await pool()).servers.find((each) => each.name === name)?.check?.state === 'up'
      const allUp = () =>
        until(async () => (await Promise.all([...MEMBERS, 'web04'].map(isUp))).every(Boolean), 'all are up')
      const groupOf = (name: string) =>
        -Number(readFileSync(join(lab.directory, `nginx-${name}.pid`), 'utf8'))
      const kill = (name: string) => process.kill(groupOf(name), 'SIGKILL')
      const begin = (name: string) => {
        const args = [
          'nginx',
          '-e',
          'stderr',
          '-p',
          lab.directory,
          '-c',
          join(lab.directory, `nginx-${name}.conf`),
        ]
        lab.spawn(name, args as [string, ...string[]], { stdio: 'ignore', detached: true }).unref()
      }
      /** Connections to each of these services, all of one process. */
      const hold = (...some: readonly string[]) => {
        const address = some.map(addressOf)
        return holdConnections(lab, { address, port: 80, count: EACH * some.length, everyMs: 50 })
      }
      const toService = (flows: readonly Held[], name: string) =>
        flows.filter(({ address }) => address === addressOf(name))
      await allUp()

      const [client] = nodesOf(lab.topology, 'client')
      const target = {
        address: addressOf('all'),
        port: 80,
        ratePerSecond: 200,
        concurrency: 1200,
        timeoutMs: REQUEST_TIMEOUT,
      }
      await using traffic = await TrafficClient.start(client!.namespace, target, 50)
      traffic.resume()
      await delay(300)
      assert.equal(
        (await traffic.fresh()).perServer.web04 ?? 0,
        0,
        'a sorry server gets nothing while others can',
      )

      // All of them die.
      for (const name of MEMBERS) kill(name)
      const took = await until(async () => (await pool()).sorry === true, 'the sorry server answers')
      assert.ok(took <= DETECTION.refusedMs + MARGIN, `${took} ms, computed ${DETECTION.refusedMs}`)
      await delay(REQUEST_TIMEOUT)
      const sorry = await traffic.fresh()
      await delay(500)
      const later = await traffic.fresh()
      const since = (some: typeof sorry) =>
        `${JSON.stringify(sorry.reasons)}, then ${JSON.stringify(some.reasons)}`
      assert.equal(later.failed, sorry.failed, `no request fails any more: ${since(later)}`)
      assert.ok((later.perServer.web04 ?? 0) - (sorry.perServer.web04 ?? 0) > 50)
      const steps = (await tenbin.trace('10.0.0.200:4000', `${addressOf('all')}:80`)).steps.join(' ')
      assert.match(steps, /Pool \w+ has lost its quorum: its sorry servers answer\. The slot is web04’s\./)

      // They come back.
      const held = await hold(...names)
      const count = EACH * names.length
      assert.deepEqual(perServer(await held.ask('report')), { web04: count }, 'all are with the sorry server')
      for (const name of MEMBERS) begin(name)
      await until(async () => (await pool()).sorry !== true, 'the sorry server no longer answers')
      await allUp()
      await delay(100)
      const back = await traffic.fresh()
      await delay(500)
      const end = await traffic.fresh()
      assert.equal(end.failed, sorry.failed, `no request fails when they come back: ${since(end)}`)
      assert.equal(end.perServer.web04, back.perServer.web04, 'the sorry server gets nothing new')
      const anew = await hold('kept')
      assert.equal(
        perServer(await anew.ask('stop')).web04,
        undefined,
        'nor does a client network go back to it',
      )
      const kept = await held.ask('stop')
      for (const name of names) {
        const broken = brokenOf(toService(kept, name))
        const whys = JSON.stringify(broken.slice(0, 3).map((each) => each.broken))
        assert.equal(broken.length, name === 'none' ? EACH : 0, `${name}: its connections: ${whys}`)
      }

      // One dies, then another, each for itself, so that the guard believes it; the quorum is lost.
      const own = await hold(...names)
      for (const name of ['web01', 'web02']) {
        kill(name)
        await until(async () => !(await isUp(name)), `${name} is down`)
        await delay(700)
      }
      const { sorry: isSorry, quorum, servers } = await pool()
      assert.deepEqual([isSorry, quorum], [true, { state: 'lost', present: 1, up: 2, down: 2 }])
      assert.deepEqual(
        servers.map(({ share }) => share),
        [0, 0, 0, 1],
      )
      const few = await hold('all')
      assert.deepEqual(perServer(await few.ask('stop')), { web04: EACH })
      const atEnd = await own.ask('stop')
      for (const name of names) {
        const ofThird = toService(atEnd, name).filter(({ server }) => server === 'web03')
        // Of one client network all are with one server.
        if (name !== 'kept') assert.ok(ofThird.length > 0)
        const broken = brokenOf(ofThird).length
        assert.equal(
          broken,
          name === 'none' ? ofThird.length : 0,
          `${name}: connections of the server that is left`,
        )
      }
      const { failed } = await traffic.stop()
      context.diagnostic(
        `${forward}: all dead, the sorry server answers after ${took.toFixed(0)} ms (computed: at most ${DETECTION.refusedMs}), ${failed} requests lost`,
      )
    })
})
