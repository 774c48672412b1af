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
import type { Status } from '../../src/daemon/api-schema.ts'
import { XdpLink } from '../../src/kernel/link.ts'
import { PinDirectory } from '../../src/kernel/pin.ts'
import { mapsOfProgram } from '../../src/kernel/program-maps.ts'
import { programById } from '../../src/kernel/query.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { failedOf, patient, repeatedSyns } from './support/lost.ts'
import { Tenbin } from './support/tenbin.ts'

/** The interval, and what a busy machine is late by. */
const HEALED_MS = 2_000 + 3_000
const SETTING = 'net.ipv4.conf.eth0.send_redirects'
const LATE = 'net.ipv4.conf.eth9.rp_filter'

let lab: Lab
let tenbin: Tenbin
let traffic: TrafficClient
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'he', servers: 3, services: 1 })
  await lab.startWebServers()
  tenbin = new Tenbin(lab)
  const www = { listen: ['10.0.0.100:80'], servers: serverNames(lab.topology) }
  const file = JSON.parse(tenbinFile(lab.topology, { www }))
  const interfaces = { ...file.interfaces, late: 'eth9' }
  const addresses = { ...file.addresses, inner: { on: 'late', ips: ['10.9.0.100/24'] } }
  const sysctls = { [SETTING]: 0, [LATE]: 2 }
  tenbin.write(JSON.stringify({ ...file, interfaces, addresses, sysctls }))
  await tenbin.start()
  const [client] = nodesOf(lab.topology, 'client')
  const target = { address: '10.0.0.100', port: 80, ...patient(100) }
  traffic = await TrafficClient.start(client!.namespace, target, 50)
  traffic.resume()
  await delay(300)
})
after(async () => {
  await traffic?.[Symbol.asyncDispose]()
  await lab?.[Symbol.asyncDispose]()
})

const ip = (...words: string[]) => lab.run('lb1', ['ip', ...words])

const statusNow = (): Promise<Status> => tenbin.statusNow()

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
  await delay(100)
  await goesOn(350)
  return took
}

/** goesOn: of requests that begin from now on, for so long, none fails. */
async function goesOn(ms: number): Promise<void> {
  const [from, { sent }] = [Date.now(), traffic.counts]
  await delay(ms)
  const to = Date.now()
  const counts = await traffic.decided()
  assert.ok(counts.sent > sent)
  assert.equal(failedOf(counts, { from, to }), 0, 'requests fail still')
}

/** unnoticed: what happens fails no request, and no SYN has to be repeated. */
async function unnoticed(happens: () => Promise<unknown>): Promise<void> {
  const [{ failed }, repeated] = [await traffic.decided(), await repeatedSyns(lab)]
  await happens()
  const counts = await traffic.decided()
  assert.equal(counts.failed, failed, `somebody noticed: ${JSON.stringify(counts.reasons)}`)
  assert.equal(await repeatedSyns(lab), repeated, 'SYNs were lost')
}

/** The daemon's link to eth0, as anybody finds it. */
const link = () => XdpLink.adopt(PinDirectory.find(tenbin.instance)!.get('link-eth0')!)
const isAttached = () => {
  using there = link()
  return there.info().ifindex !== 0
}

test('an interface that comes after the start is named until then, and has all that it should have when it comes', {
  skip,
}, async () => {
  const status = await statusNow()
  assert.equal(status.state, 'forwarding')
  assert.deepEqual(
    status.problems.map(({ code }) => code),
    ['INTERFACE_MISSING', 'SYSCTL_MISSING'],
  )
  await unnoticed(async () => {
    await ip('link', 'add', 'eth9', 'type', 'veth', 'peer', 'name', 'peer9')
    for (const nic of ['eth9', 'peer9']) await ip('link', 'set', 'dev', nic, 'up')
    const start = performance.now()
    const isWhole = async () => {
      const { problems, interfaces } = await statusNow()
      return problems.length === 0 && interfaces.length === 2
    }
    while (!(await isWhole())) {
      assert.ok(performance.now() - start < HEALED_MS, 'in time')
      await delay(50)
    }
  })
  assert.equal((await lab.run('lb1', ['sysctl', '-n', LATE])).trim(), '2')
  assert.match(await ip('address', 'show', 'dev', 'eth9'), /10\.9\.0\.100\/24/)
  assert.deepEqual(PinDirectory.find(tenbin.instance)!.names().sort(), ['link-eth0', 'link-eth9'])
})

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
  const is = () => PinDirectory.find(tenbin.instance)?.names().includes('link-eth0')
  await unnoticed(() => heals(/pin link-eth0 is gone/, () => rmSync(tenbin.pins, { recursive: true }), is))
})

test('slots that were all given to nobody are given back, by memory that is compared', {
  skip,
}, async (context) => {
  using program = programById((await statusNow()).interfaces[0]!.programId)!
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
  await unnoticed(() =>
    heals(
      /neighbour entries of \d servers? on eth0 were deleted/,
      () => ip('neigh', 'flush', 'dev', 'eth0'),
      () => true,
    ),
  )
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
  // ip-sysctl: a machine whose NIC was exchanged tells its neighbours
  await lab.run('web01', ['sysctl', '-w', 'net.ipv4.conf.eth0.arp_notify=1'])
  const start = performance.now()
  while ((await statusNow()).servers.find(({ name }) => name === 'web01')!.mac !== mac) {
    assert.ok(performance.now() - start < 10_000, 'the new MAC is known')
    await lab.run('web01', ['ip', 'link', 'set', 'dev', 'eth0', 'address', mac])
    await delay(200)
  }
})

test('the interface down and up, and renamed and back: forwarding goes on as before', { skip }, async () => {
  const codes = async () => (await statusNow()).problems.map(({ code }) => code)
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
  await delay(500)
  await goesOn(500)
})
