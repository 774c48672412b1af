// A balancer must not touch a frame that is not its own. On a switch that sends every frame everywhere, two nodes with
// the same listeners see each other's frames; were one of them to forward what is meant for the other, copies would
// multiply without end.
//
//              .-- client
//              |-- lb1: tenbin, holds 10.0.0.100      learning off: each port gets
//   switch ----+-- lb2: tenbin, backup                every frame of all others
//              |-- web01: silent, answers nothing
//              '-- web02: a web server

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab } from '../../src/lab/held-lab.ts'
import { findNode, type LabNode } from '../../src/lab/topology.ts'
import { ether, ipv4, packet, tcp } from '../../src/wire/packet.ts'
import { tcpFlag } from '../../src/wire/tcp.ts'
import { Capture } from './support/capture.ts'
import { skip } from './support/execute.ts'
import { tenbinFile } from './support/file.ts'
import { type Read, send, to } from './support/frames.ts'
import { Tenbin } from './support/tenbin.ts'

const QUIET_MS = 3000
const SILENT = 7000
const PORTS = ['client', 'lb1', 'lb2', 'web01', 'web02'] as const

let lab: Lab
const nodes = new Map<string, Tenbin>()
const macOf = (name: string): string => (findNode(lab.topology, name) as LabNode).mac

before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'fb', servers: 2, balancers: 2, flooding: true })
  await lab.run('web01', ['ip', 'addr', 'del', '10.0.0.100/32', 'dev', 'lo'])
  await lab.startWebServers()
  for (const name of ['lb1', 'lb2']) {
    const node = new Tenbin(lab, name)
    node.write(
      tenbinFile(lab.topology, {
        www: { listen: ['10.0.0.100:80'], servers: ['web02'] },
        silent: { listen: [`10.0.0.100:${SILENT}`], servers: ['web01'] },
      }),
    )
    await node.start()
    nodes.set(name, node)
  }
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const outcomes = async (name: string) => (await nodes.get(name)!.statusNow()).outcomes

/** counted: by how much each outcome of a node grew, but for ARP, which comes when it wants. */
async function counted(name: string, before: Readonly<Record<string, string>>) {
  const grown = Object.entries(await outcomes(name)).map(([outcome, count]) => [
    outcome,
    Number(count) - Number(before[outcome]),
  ])
  return Object.fromEntries(
    grown.filter(([outcome, count]) => count !== 0 && outcome !== 'not-ip'),
  ) as Record<string, number>
}

/** sent: from the client to the silent service, one SYN for each MAC, and what each port sent in 3 seconds. */
async function sent(...destinations: readonly string[]) {
  const frames = destinations.map((destination) =>
    packet(
      ether({ destination, source: macOf('client') }),
      ipv4({ source: '10.0.0.200', destination: '10.0.0.100', ttl: 64, identification: 4711 }),
      tcp({ source: 40_000, destination: SILENT, sequence: 1, flags: tcpFlag.SYN }),
    ),
  )
  const captures = await Promise.all(PORTS.map((port) => Capture.into(lab, port)))
  await using seenByBackup = await Capture.of(lab, 'lb2')
  send(lab, 'client', frames)
  await delay(QUIET_MS)
  const seen = await Promise.all(captures.map((capture) => capture.stop()))
  const ours = (reads: readonly Read[]) => reads.filter(({ ip }) => ip?.identification === 4711)
  return {
    frames,
    by: Object.fromEntries(PORTS.map((port, at) => [port, ours(seen[at]!)])),
    passedBackup: ours(await seenByBackup.stop()),
  }
}

const numbers = (by: Readonly<Record<string, readonly unknown[]>>) =>
  Object.fromEntries(Object.entries(by).map(([port, frames]) => [port, frames.length]))

test('one packet in is exactly one packet out, and no node touches what it sees of the other', {
  skip,
}, async () => {
  const [before1, before2] = [await outcomes('lb1'), await outcomes('lb2')]
  const { by, frames, passedBackup } = await sent(macOf('lb1'))
  assert.deepEqual(numbers(by), { client: 1, lb1: 1, lb2: 0, web01: 0, web02: 0 })
  const [out] = by.lb1!
  assert.deepEqual([out!.ether.source, out!.ether.destination], [macOf('lb1'), macOf('web01')])
  assert.equal(out!.ip!.ttl, 63)
  assert.deepEqual(await counted('lb1', before1), { forwarded: 1 })
  // The packet on its way to lb1, and what lb1 made of it: both go to lb2's kernel as they are.
  assert.deepEqual(await counted('lb2', before2), { 'other-host': 2 })
  assert.deepEqual(
    passedBackup.map(({ bytes }) => Buffer.from(bytes).toString('hex')),
    [frames[0]!, out!.bytes].map((bytes) => Buffer.from(bytes).toString('hex')),
  )
})

test('a backup node forwards what is addressed to its own MAC', { skip }, async () => {
  const status = await nodes.get('lb2')!.statusNow()
  assert.deepEqual([status.node, status.addresses], ['lb2', []])
  const [before1, before2] = [await outcomes('lb1'), await outcomes('lb2')]
  const { by } = await sent(macOf('lb2'))
  assert.deepEqual(numbers(by), { client: 1, lb1: 0, lb2: 1, web01: 0, web02: 0 })
  const [out] = by.lb2!
  assert.deepEqual([out!.ether.source, out!.ether.destination], [macOf('lb2'), macOf('web01')])
  assert.equal(out!.ip!.ttl, 63)
  assert.deepEqual(await counted('lb2', before2), { forwarded: 1 })
  assert.deepEqual(await counted('lb1', before1), { 'other-host': 2 })
})

test('a frame to everybody, or to nobody here, is forwarded by nobody', { skip }, async () => {
  const [before1, before2] = [await outcomes('lb1'), await outcomes('lb2')]
  const { by } = await sent('ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '02:00:0a:00:00:fe')
  assert.deepEqual(numbers(by), { client: 3, lb1: 0, lb2: 0, web01: 0, web02: 0 })
  assert.deepEqual(await counted('lb1', before1), { 'other-host': 3 })
  assert.deepEqual(await counted('lb2', before2), { 'other-host': 3 })
})

test('requests are answered, and each of their packets reaches the server exactly once', {
  skip,
}, async () => {
  const captures = await Promise.all(PORTS.map((port) => Capture.into(lab, port)))
  const urls = Array<string>(50).fill('http://10.0.0.100/')
  const answers = await lab.run('client', ['curl', '-sS', '-m', '5', '-H', 'Connection: close', ...urls])
  assert.equal(answers, 'web02\n'.repeat(50))
  const seen = await Promise.all(captures.map((capture) => capture.stop()))
  const requests = seen.map((frames) => frames.filter((read) => read.tcp && to(read) === '10.0.0.100:80'))
  const [client, lb1, ...others] = requests.map(({ length }) => length)
  assert.ok(client! >= 50 * 4, `${client} packets`)
  assert.deepEqual([lb1, ...others], [client, 0, 0, 0])
  assert.ok(requests[1]!.every(({ ether, ip }) => ether.destination === macOf('web02') && ip!.ttl === 63))
})
