// Evidence, by a recorder that a test fills and clocks that it sets: what is kept, where, how much, and what is told.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { type FakeCluster, fakeCluster } from '../cluster/fake-peers.ts'
import { FakeRecorder } from '../engine/fake-recorder.ts'
import type { RecordedPacket } from '../engine/recorded.ts'
import type { Event, NewEvent } from '../events/event.ts'
import type { EventLog } from '../events/event-log.ts'
import { quietLog } from '../events/quiet-log.ts'
import { ether, ipv4, packet, tcp } from '../wire/packet.ts'
import { Evidence } from './evidence.ts'
import { captureFacts, captureName, isCaptureName } from './evidence-files.ts'
import { receiveEvidence } from './evidence-peers.ts'

let dir: string
let now: number
/** set: by how much somebody has set the wall clock. */
let set: number
let recorder: FakeRecorder
let events: EventLog
let cluster: FakeCluster
const owned: Disposable[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tenbin-evidence-'))
  now = Date.UTC(2016, 10, 1, 20, 15, 30)
  set = 0
  recorder = new FakeRecorder(100_000)
  events = quietLog()
  cluster = fakeCluster(['lb1', 'lb2'])
})
afterEach(() => {
  for (const each of owned.splice(0)) each[Symbol.dispose]()
  rmSync(dir, { recursive: true })
})

const spec = { memory: 2 ** 20, disk: 8 * 2 ** 20, aroundS: 30 }
function start({ folder = join(dir, 'lb1'), disk = spec.disk } = {}): Evidence {
  const evidence = new Evidence({
    ...{ events, folder, peers: cluster.node('lb1') },
    recorder: () => recorder,
    spec: () => ({ ...spec, disk }),
    now: () => now + set,
    monotonic: () => now,
  })
  owned.push(evidence)
  return evidence
}
const receive = (folderBytes = 2 ** 20): void => {
  owned.push(
    receiveEvidence({ peers: cluster.node('lb2'), folder: join(dir, 'lb2'), folderBytes: () => folderBytes }),
  )
}
const held: NewEvent = { kind: 'service.held', severity: 'error', text: '3 of 4 servers of pool www failed' }

const syn = (port: number, at = now): RecordedPacket => {
  const bytes = packet(
    ether(),
    ipv4({ source: '198.51.100.7', destination: '192.0.2.10' }),
    tcp({ source: port, destination: 80 }),
  )
  return {
    ...{ at, kind: 'new', outcome: 'challenged', direction: 'in', service: 'www' },
    ...{ interface: 'eth0', length: bytes.length, bytes },
  }
}

/** run for so many seconds, four steps a second; in each second these packets come. */
async function run(
  evidence: Evidence,
  seconds: number,
  came: (second: number) => readonly RecordedPacket[] = () => [],
) {
  for (let second = 0; second < seconds; second++) {
    recorder.record(...came(second))
    for (let step = 0; step < 4; step++) {
      now += 250
      evidence.step()
      await turn()
    }
  }
}
async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !isTrue(); await delay(5))
    assert.ok(Date.now() < deadline, `not in time: ${what}`)
}

/** told of a capture, once all of it is where it should be; `isStuck`: some of it never will be. */
async function told(evidence: Evidence, isStuck = false): Promise<Event> {
  const found = () => events.latest().findLast(({ kind }) => kind === 'node.evidence')
  await until(() => {
    if (isStuck) now += 250
    evidence.step()
    return found() !== undefined
  }, 'the event')
  return found()!
}

/** packetsIn a file, as far as it is there. */
const packetsIn = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'latin1').split('verdict=').length - 1 : 0

test('what was before and what comes after is kept here and on the other node, and told', async () => {
  receive()
  const evidence = start()
  recorder.record(syn(1, now - 40_000), syn(2, now - 20_000), syn(3))
  events.record(held)
  await run(evidence, 31, (second) => [syn(100 + second, now)])
  const event = await told(evidence)
  const [name, ...others] = readdirSync(join(dir, 'lb1'))
  assert.deepEqual([name, others], ['20161101T201530Z-service.held.pcapng', []])
  const path = join(dir, 'lb1', name!)
  // 2, 3, and one at each of the seconds 0 to 30
  assert.equal(packetsIn(path), 33)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.match(
    readFileSync(path, 'latin1'),
    /lb1, 2016-11-01T20:15:30\.000Z: 3 of 4 servers of pool www failed/,
  )
  assert.equal(packetsIn(join(dir, 'lb2', 'lb1', name!)), 33)
  assert.equal(event.severity, 'notice')
  assert.match(
    event.text,
    /^33 recorded packets around this are kept in \S+service\.held\.pcapng, node lb2: 3 of 4 servers/,
  )
  assert.equal(event.data.file, path)
})

test('the other node has what was captured up to the moment when this one dies, as a file that readers take', async () => {
  receive()
  const evidence = start()
  recorder.record(syn(1))
  events.record(held)
  await run(evidence, 5, (second) => [syn(100 + second)])
  const path = join(dir, 'lb2', 'lb1', '20161101T201530Z-service.held.pcapng')
  await until(() => packetsIn(path) === 6, 'what was captured up to now')
  evidence[Symbol.dispose]()
  for (const [command, ...args] of [
    ['tcpdump', '-nnr'],
    ['tshark', '-nr'],
  ] as const) {
    const before = packetsIn(path)
    const { status, stdout, stderr, error } = spawnSync(command, [...args, path], { encoding: 'utf8' })
    if (error) continue
    assert.equal(status, 0, stderr)
    // a piece that was under way may have come meanwhile
    const read = stdout.trimEnd().split('\n').length
    assert.ok(read >= before && read <= packetsIn(path), `${read} packets, ${stderr}`)
  }
})

test('a node that is away gets the beginning when it is back', async () => {
  receive()
  cluster.cut('lb1', 'lb2')
  const evidence = start()
  recorder.record(syn(1))
  events.record(held)
  await run(evidence, 2)
  cluster.heal('lb1', 'lb2')
  const path = join(dir, 'lb2', 'lb1', '20161101T201530Z-service.held.pcapng')
  await until(() => packetsIn(path) === 1, 'what was captured while it was away')
})

test('no file takes more than its part of the disk, it is told how many packets that were, and the other node has them all', async () => {
  receive(2 ** 26)
  const evidence = start({ disk: 2 ** 20 })
  events.record(held)
  await run(evidence, 31, () => Array.from({ length: 1_000 }, (_, i) => syn(i, now + i)))
  const { text, data } = await told(evidence)
  const [name] = readdirSync(join(dir, 'lb1'))
  const path = join(dir, 'lb1', name!)
  const { size } = statSync(path)
  const most = 2 ** 20 / 8
  assert.ok(size <= most && size > 0.9 * most, `${size} bytes`)
  const [here, there] = [packetsIn(path), packetsIn(join(dir, 'lb2', 'lb1', name!))]
  assert.ok(here > 0 && here < there)
  assert.equal(
    text,
    `${there} recorded packets around this are kept in ${path} (${here} of them, cut: its part of the disk was full), node lb2: ${held.text}`,
  )
  assert.deepEqual([data.packets, data.read], [there, there])
})

test('where no place has all that was read, that is told', async () => {
  const evidence = start({ disk: 2 ** 20 })
  events.record(held)
  await run(evidence, 31, () => Array.from({ length: 1_000 }, (_, i) => syn(i, now + i)))
  const { text, data } = await told(evidence, true)
  const [name] = readdirSync(join(dir, 'lb1'))
  const path = join(dir, 'lb1', name!)
  const here = packetsIn(path)
  assert.ok(
    text.startsWith(`${here} of ${data.read} recorded packets around this are kept in ${path} (cut: its `),
  )
  assert.equal(data.packets, here)
})

test('a flood is thinned to fifty of a kind in a tenth of a second', async () => {
  receive(2 ** 24)
  const evidence = start()
  events.record(held)
  await run(evidence, 3, () => Array.from({ length: 1_000 }, (_, i) => syn(i, now + i)))
  await run(evidence, 29)
  assert.equal((await told(evidence)).data.packets, 3 * 10 * 50)
})

for (const [way, by] of [
  ['back', -3_600_000],
  ['ahead', 3_600_000],
] as const)
  test(`a clock that is set ${way} meanwhile makes a capture neither longer nor shorter`, async () => {
    receive(2 ** 24)
    const evidence = start()
    events.record(held)
    await run(evidence, 10, () => [syn(1)])
    set = by
    await run(evidence, 19, () => [syn(1, now + set)])
    assert.equal(
      events.latest().some(({ kind }) => kind === 'node.evidence'),
      false,
    )
    await run(evidence, 3)
    assert.equal((await told(evidence)).data.packets, 29)
  })

test('what turns bad again makes a capture longer, and the same asks once in five minutes', async () => {
  receive(2 ** 24)
  const evidence = start()
  events.record(held)
  await run(evidence, 20)
  events.record({ kind: 'role.changed', severity: 'warning', text: 'front: this node is active: silence' })
  await run(evidence, 20, () => [syn(1)])
  assert.equal(
    events.latest().some(({ kind }) => kind === 'node.evidence'),
    false,
  )
  await run(evidence, 12)
  const event = await told(evidence)
  assert.deepEqual([event.data.reasons, event.data.packets], [2, 20])
  events.record(held)
  await run(evidence, 40)
  assert.equal(events.latest().filter(({ kind }) => kind === 'node.evidence').length, 1)
  now += 300_000
  events.record(held)
  await run(evidence, 1)
  await until(() => readdirSync(join(dir, 'lb1')).length === 2, 'a second capture')
})

test('a flood is captured although its service was told as overloaded two minutes before', async () => {
  const evidence = start()
  const began = (verdict: string): NewEvent => ({
    ...{ kind: 'flood.began', severity: 'error', services: ['www'], data: { verdict } },
    text: `www: ${verdict}`,
  })
  events.record(began('overload'))
  await run(evidence, 31)
  await told(evidence)
  now += 90_000
  recorder.record(syn(1))
  events.record(began('syn-flood'))
  await run(evidence, 31)
  const flood = join(dir, 'lb1', '20161101T201731Z-flood.began.pcapng')
  await until(() => packetsIn(flood) === 1, 'a capture of the flood')
  assert.match(readFileSync(flood, 'latin1'), /www: syn-flood/)
})

test('three servers that fail within ten seconds are many, two are not, and what is no trouble is none', async () => {
  const evidence = start()
  const down: NewEvent = { kind: 'server.down', severity: 'warning', text: 'web03 down' }
  events.record({ kind: 'role.changed', severity: 'info', text: 'front: this node is backup: startup' })
  events.record(down)
  events.record(down)
  await run(evidence, 11)
  events.record(down)
  await run(evidence, 1)
  assert.equal(existsSync(join(dir, 'lb1')), false)
  events.record(down)
  events.record(down)
  await run(evidence, 1)
  await until(() => existsSync(join(dir, 'lb1')), 'a capture')
})

test('the oldest captures go when the folder is full, and nothing else in it does', async () => {
  receive(2 ** 24)
  const folder = join(dir, 'lb1')
  const evidence = start({ disk: 2 ** 20 })
  const { mkdirSync } = await import('node:fs')
  mkdirSync(folder)
  const old = (day: number) => join(folder, `2016100${day}T000000Z-service.held.pcapng`)
  for (const day of [1, 2, 3, 4]) writeFileSync(old(day), Buffer.alloc(150_000))
  writeFileSync(join(folder, 'notes.txt'), Buffer.alloc(500_000))
  events.record(held)
  await run(evidence, 31, () => [syn(1)])
  await told(evidence)
  assert.deepEqual(readdirSync(folder).sort(), [
    '20161003T000000Z-service.held.pcapng',
    '20161004T000000Z-service.held.pcapng',
    '20161101T201530Z-service.held.pcapng',
    'notes.txt',
  ])
})

test('a folder that cannot be written is told, the other node has the capture, and what waits is written when it can be', async () => {
  receive()
  writeFileSync(join(dir, 'lb1'), 'a file where the folder should be')
  const evidence = start()
  recorder.record(syn(1))
  events.record(held)
  await run(evidence, 31, () => [syn(2)])
  await until(
    () => packetsIn(join(dir, 'lb2', 'lb1', '20161101T201530Z-service.held.pcapng')) > 30,
    'lb2 has it',
  )
  const event = await told(evidence, true)
  assert.match(event.text, /are kept in node lb2: /)
  assert.match(evidence.unwritten() ?? '', /lb1: (ENOTDIR|EEXIST)$/)
  rmSync(join(dir, 'lb1'))
  await until(() => evidence.unwritten() === undefined, 'the folder is written')
  assert.ok(packetsIn(join(dir, 'lb1', '20161101T201530Z-service.held.pcapng')) >= 31)
})

test('where nothing can be kept the event says so; a node that keeps nothing refuses', async () => {
  receive(0)
  writeFileSync(join(dir, 'lb1'), '')
  const evidence = start()
  events.record(held)
  await run(evidence, 31, () => [syn(2)])
  const { text, severity } = await told(evidence, true)
  assert.deepEqual([severity, /could not be kept: 3 of 4 servers/.test(text)], ['warning', true])
  const head = Buffer.from('\0\0{"name":"20161101T201530Z-service.held.pcapng"}')
  head.writeUInt16BE(head.length - 2)
  await assert.rejects(cluster.node('lb1').request('lb2', 'evidence', head, 1_000), {
    code: 'EVIDENCE_UNWRITABLE',
  })
})

test('what a node has sent that has left the cluster makes room when another one sends something', async () => {
  receive()
  const gone = join(dir, 'lb2', 'lb0')
  mkdirSync(gone, { recursive: true })
  writeFileSync(join(gone, captureName(new Date(now), 'flood.began')), 'x')
  const evidence = start()
  await run(evidence, 1)
  assert.deepEqual(readdirSync(join(dir, 'lb2')), ['lb0'])
  recorder.record(syn(1))
  events.record(held)
  await run(evidence, 31)
  await told(evidence)
  assert.deepEqual(readdirSync(join(dir, 'lb2')), ['lb1'])
})

test('a message that is no piece of a capture, or names another place, is refused', async () => {
  receive()
  const send = (head: unknown, length?: number) => {
    const text = Buffer.from(typeof head === 'string' ? head : JSON.stringify(head))
    const prefix = Buffer.alloc(2)
    prefix.writeUInt16BE(length ?? text.length)
    return cluster.node('lb1').request('lb2', 'evidence', Buffer.concat([prefix, text]), 1_000)
  }
  for (const bad of [
    '',
    'nonsense',
    { name: '../../etc/passwd' },
    { name: '20161101T201530Z-../x.pcapng' },
    { name: '20161101T201530Z-x.pcapng', more: 1 },
    { name: 7 },
  ])
    await assert.rejects(send(bad), { code: 'PEER_REQUEST' }, JSON.stringify(bad))
  await assert.rejects(send({ name: '20161101T201530Z-x.pcapng' }, 60_000), { code: 'PEER_REQUEST' })
  assert.equal(existsSync(join(dir, 'lb2')), false)
})

test('a file’s name says when it began and why', () => {
  const name = captureName(new Date(Date.UTC(2016, 10, 1, 20, 15, 30, 999)), 'flood.began')
  assert.equal(isCaptureName(name), true)
  assert.deepEqual(captureFacts(name), { began: '2016-11-01T20:15:30Z', why: 'flood.began' })
})
