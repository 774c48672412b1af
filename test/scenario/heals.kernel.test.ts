// What a rough hand does to a running node is put right by itself, within the interval, and told: programs detached, pins
// removed, memory rewritten, neighbours flushed, addresses removed, the NIC down and up and renamed, settings changed.
//
//            .-- client: requests, each a connection of its own
//   switch --+-- lb1: tenbin, and the hand
//            '-- web01..03
//
// The daemon looks every two seconds, and at once where the kernel tells of a change.

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventsSchema } from '../../src/daemon/api-events.ts'
import { XdpLink } from '../../src/kernel/link.ts'
import { PinDirectory } from '../../src/kernel/pin.ts'
import { mapsOfProgram } from '../../src/kernel/program-maps.ts'
import { programById } from '../../src/kernel/query.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { Tenbin } from './support/tenbin.ts'

/** The interval, and what a busy machine is late by. */
const HEALED_MS = 2_000 + 3_000
const SETTING = 'net.ipv4.conf.eth0.send_redirects'

let lab: Lab
let tenbin: Tenbin
let traffic: TrafficClient
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'he', servers: 3, services: 1 })
  await lab.startWebServers()
  tenbin = new Tenbin(lab)
  const www = { listen: ['10.0.0.100:80'], servers: serverNames(lab.topology) }
  const file = { ...JSON.parse(tenbinFile(lab.topology, { www })), sysctls: { [SETTING]: 0 } }
  tenbin.write(JSON.stringify(file))
  await tenbin.start()
  const [client] = nodesOf(lab.topology, 'client')
  const target = { address: '10.0.0.100', port: 80, ratePerSecond: 100, timeoutMs: 500 }
  traffic = await TrafficClient.start(client!.namespace, target, 50)
  traffic.resume()
  await delay(300)
})
after(async () => {
  await traffic?.[Symbol.asyncDispose]()
  await lab?.[Symbol.asyncDispose]()
})

const ip = (...words: string[]) => lab.run('lb1', ['ip', ...words])

/** healed: the texts of what was put right, all so far. */
async function healed(): Promise<readonly string[]> {
  const { events } = await tenbin.ask({ path: '/v1/events', reply: eventsSchema })
  return events.filter(({ kind }) => kind === 'node.healed').map(({ text }) => text)
}

/** heals: what was done is undone in time and told so; from then on no request fails. */
async function heals(
  what: RegExp,
  harm: () => unknown,
  isWell: () => unknown | Promise<unknown>,
): Promise<number> {
  const known = (await healed()).length
  await harm()
  const start = performance.now()
  const isOver = async () =>
    Boolean(await isWell()) && (await healed()).slice(known).some((text) => what.test(text))
  while (!(await isOver())) {
    const told = (await healed()).slice(known).join('; ')
    assert.ok(
      performance.now() - start < HEALED_MS,
      `in ${HEALED_MS} ms not put right: ${what}; told: ${told}`,
    )
    await delay(20)
  }
  const took = performance.now() - start
  await delay(600)
  const { failed, sent } = traffic.counts
  await delay(250)
  assert.ok(traffic.counts.sent > sent)
  assert.equal(traffic.counts.failed - failed, 0, 'requests fail still')
  return took
}

/** The daemon's link to eth0, as anybody finds it. */
const link = () => XdpLink.adopt(PinDirectory.find(tenbin.instance)!.get('link-eth0')!)
const isAttached = () => {
  using there = link()
  return there.info().ifindex !== 0
}

test('a program that was detached is attached again', { skip }, async (context) => {
  const took = await heals(
    /no longer attached to eth0/,
    () => {
      using there = link()
      there.detach()
    },
    isAttached,
  )
  context.diagnostic(`attached again after ${took.toFixed(0)} ms`)
})

test('pins that were removed are pinned again', { skip }, async () => {
  const before = traffic.counts.failed
  const is = () => PinDirectory.find(tenbin.instance)?.names().includes('link-eth0')
  await heals(/pin link-eth0 is gone/, () => rmSync(tenbin.pins, { recursive: true }), is)
  assert.equal(traffic.counts.failed, before, 'nobody noticed')
})

test('slots that were all given to nobody are given back, by memory that is compared', {
  skip,
}, async (context) => {
  using program = programById((await tenbin.status())!.interfaces[0]!.programId)!
  const maps = mapsOfProgram(program)
  const slots = maps.get('slots')!
  const key = new Uint8Array(4)
  const was = slots.lookup(key)!
  const took = await heals(
    /slots of pool www/,
    () => slots.update(key, new Uint8Array(was.length)),
    () => slots.lookup(key)!.equals(was),
  )
  for (const map of maps.values()) map[Symbol.dispose]()
  context.diagnostic(`written back after ${took.toFixed(0)} ms`)
})

test('neighbours that were flushed are there again, and nobody noticed', { skip }, async () => {
  const before = traffic.counts.failed
  await heals(
    /neighbour entries of \d servers? on eth0 were deleted/,
    () => ip('neigh', 'flush', 'dev', 'eth0'),
    () => true,
  )
  assert.equal(traffic.counts.failed, before)
})

test('a service address that was removed is there again', { skip }, async () => {
  const is = async () => (await ip('address', 'show', 'dev', 'eth0')).includes('10.0.0.100/24')
  await heals(
    /10\.0\.0\.100\/24 on eth0 was gone/,
    () => ip('address', 'del', '10.0.0.100/24', 'dev', 'eth0'),
    is,
  )
})

test('a setting that was changed is set again', { skip }, async () => {
  const is = async () => (await lab.run('lb1', ['sysctl', '-n', SETTING])).trim() === '0'
  await heals(/had set .*send_redirects to 1/, () => lab.run('lb1', ['sysctl', '-w', `${SETTING}=1`]), is)
})

test('a server that comes with another MAC is followed', { skip }, async () => {
  const mac = '02:00:00:00:77:01'
  await lab.run('web01', ['ip', 'link', 'set', 'dev', 'eth0', 'address', mac])
  await lab.run('web01', ['ip', 'neigh', 'flush', 'dev', 'eth0'])
  // what it sends tells its neighbours
  await lab.run('web01', ['ping', '-c', '1', '-W', '1', '10.0.0.2']).catch(() => '')
  const start = performance.now()
  while ((await tenbin.status())!.servers.find(({ name }) => name === 'web01')!.mac !== mac) {
    assert.ok(performance.now() - start < 10_000, 'the new MAC is known')
    await delay(50)
  }
})

test('the interface down and up, and renamed and back: forwarding goes on as before', { skip }, async () => {
  const codes = async () => (await tenbin.status())!.problems.map(({ code }) => code)
  const until = async (is: () => Promise<boolean>, what: string) => {
    const start = performance.now()
    while (!(await is())) {
      assert.ok(performance.now() - start < HEALED_MS + 5_000, `in time: ${what}: ${await codes()}`)
      await delay(50)
    }
  }
  await ip('link', 'set', 'dev', 'eth0', 'down')
  await until(async () => (await codes()).includes('INTERFACE_DOWN'), 'it is named')
  await ip('link', 'set', 'dev', 'eth0', 'up')
  await until(async () => (await codes()).length === 0, 'up again')
  await ip('link', 'set', 'dev', 'eth0', 'down')
  await ip('link', 'set', 'dev', 'eth0', 'name', 'wan7')
  await until(async () => (await codes()).includes('INTERFACE_MISSING'), 'the name is missed')
  await ip('link', 'set', 'dev', 'wan7', 'name', 'eth0')
  await ip('link', 'set', 'dev', 'eth0', 'up')
  await until(async () => (await codes()).length === 0, 'it has its name again')
  assert.ok(isAttached())
  await delay(1_000)
  const { failed, sent } = traffic.counts
  await delay(500)
  assert.ok(traffic.counts.sent > sent)
  assert.equal(traffic.counts.failed - failed, 0)
})
