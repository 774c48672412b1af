// Schedulers that count, with real connections:
//
//            .-- client: a connection a request, and connections that stay
//   switch --+-- lb1: tenbin; 10.0.0.100:80 rr, 10.0.0.101:80 wlc
//            '-- web01..03: nginx

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab } from '../../src/lab/held-lab.ts'
import type { Command } from '../../src/lab/run.ts'
import { execute, skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { holdConnections, perServer } from './support/flows.ts'
import { networkCounters } from './support/network-counters.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

const curl = (url: string): Command => ['curl', '-sS', '-o', '/dev/null', '-H', 'Connection: close', url]

let lab: Lab
let tenbin: Tenbin
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'sc', servers: 3, services: 2 })
  await startNginx(lab)
  tenbin = new Tenbin(lab)
  const [web01, web02, web03] = serverNames(lab.topology)
  const weighted = [
    { name: web01, weight: 3 },
    { name: web02, weight: 1 },
    { name: web03, weight: 2 },
  ]
  tenbin.write(
    tenbinFile(lab.topology, {
      turns: { listen: ['10.0.0.100:80'], servers: serverNames(lab.topology), scheduler: 'rr' },
      least: { listen: ['10.0.0.101:80'], servers: weighted, scheduler: 'wlc' },
    }),
  )
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

/** accepted: connections that each server's TCP has accepted. */
const accepted = async (): Promise<number[]> => {
  const counters = serverNames(lab.topology).map((server) => networkCounters(lab, server))
  return (await Promise.all(counters)).map((each) => each.get('Tcp.PassiveOpens')!)
}

/** asked: so many requests, a connection each: how many each server got. */
async function asked(requests: number): Promise<number[]> {
  const before = await accepted()
  const url = `http://10.0.0.100/[1-${requests}]`
  const { code, err } = await execute(lab, 'client', curl(url))
  assert.equal(code, 0, err)
  return (await accepted()).map((count, i) => count - before[i]!)
}

test('rr: servers get as many connections each, without one that is disabled, and over a restart', {
  skip,
}, async () => {
  assert.deepEqual(await asked(30), [10, 10, 10])
  assert.equal((await tenbin.cli('disable', 'web02', '--service', 'turns')).code, 0)
  assert.deepEqual(await asked(20), [10, 0, 10])
  await tenbin.kill()
  await tenbin.start(() => true)
  assert.deepEqual(await asked(20), [10, 0, 10])
  assert.equal((await tenbin.cli('enable', 'web02', '--service', 'turns')).code, 0)
  assert.deepEqual(await asked(30), [10, 10, 10])
})

test('wlc: connections that stay are as the weights, and status counts them', { skip }, async () => {
  const held = { address: '10.0.0.101', port: 80, count: 60, everyMs: 0 }
  await using connections = await holdConnections(lab, held)
  assert.deepEqual(perServer(await connections.ask('report')), { web01: 30, web02: 10, web03: 20 })
  const counts = async () => {
    const { pools } = await tenbin.statusNow()
    return pools
      .find(({ services }) => services.includes('least'))!
      .servers.map(({ active, inactive }) => [active, inactive])
  }
  assert.deepEqual(await counts(), [
    [30, 0],
    [10, 0],
    [20, 0],
  ]) // prettier-ignore
  assert.equal((await tenbin.cli('drain', 'web01', '--service', 'least')).code, 0)
  await using more = await holdConnections(lab, { ...held, count: 30 })
  // with 30 more, web02 has (10 + x) / 1 and web03 (20 + 30 - x) / 2 of them
  assert.deepEqual(perServer(await more.ask('report')), { web02: 10, web03: 20 })
  await more[Symbol.asyncDispose]()
  for (const end = Date.now() + 20_000; ; await delay(50)) {
    const [, two, three] = await counts()
    if (two![1] === 10 && three![1] === 20) break
    assert.ok(Date.now() < end, JSON.stringify(await counts()))
  }
})
