// A fixture's packet path with a recorder, and what is to be recorded of a vector: for the recorder's tests, and its mutants.

import assert from 'node:assert/strict'
import { type OutcomeName, outcomes } from '../../src/dataplane/outcomes.ts'
import { budgetOf, FRAME_BYTES, type RecordKind } from '../../src/dataplane/record.ts'
import { type Fixture, vip } from '../../src/dataplane/vectors/fixture.ts'
import { type FixtureName, fixtures } from '../../src/dataplane/vectors/fixtures.ts'
import { frameOf as frameFor, type Vector } from '../../src/dataplane/vectors/vector.ts'
import { vectors } from '../../src/dataplane/vectors/vectors.ts'
import type { RecordedPacket } from '../../src/engine/recorded.ts'
import { Recorder } from '../../src/engine/recorder.ts'
import { icmpType } from '../../src/wire/icmp.ts'
import { outlineOf } from '../../src/wire/outline.ts'
import { icmp, ipv4, packet, tcp } from '../../src/wire/packet.ts'
import { tcpFlag } from '../../src/wire/tcp.ts'
import { KernelPath } from './kernel-path.ts'

/** RECORDS: so many has a CPU's ring here. */
export const RECORDS = 256

/** RecordedPath: owned: dispose it. */
export interface RecordedPath extends Disposable {
  readonly path: KernelPath
  readonly recorder: Recorder
}

/** recorded: a fixture's packet path with a recorder, and its reader. */
export function recorded(fixture: Fixture): RecordedPath {
  const shape = { ...fixture.shape, recorder: { records: RECORDS } }
  const path = new KernelPath({ ...fixture, shape })
  const recorder = new Recorder()
  const names = (count: number, what: string) => Array.from({ length: count }, (_, i) => `${what}${i}`)
  recorder.follow(path.maps.memory('recorder'), path.memory.recorder!, {
    shape,
    services: names(shape.services.length, 'service').map((name, at) => ({ name, pool: 0, at })),
    servers: names(shape.servers + 1, 'web'),
    ids: { interfaces: names(256, 'eth'), services: [], servers: [] },
  })
  return { path, recorder, [Symbol.dispose]: () => path[Symbol.dispose]() }
}

/** Outcomes of packets that leave before their SYN is looked at. */
const BEFORE: readonly OutcomeName[] = [
  ...(['ttl', 'time-exceeded', 'bad-length', 'truncated', 'tiny-fragment', 'not-accepted'] as const),
]
const isSyn = (frame: Uint8Array): boolean => ((outlineOf(frame)?.tcp?.flags ?? 0) & 0x12) === 0x02

/** expectedOf a vector: what a reader gets of it; undefined: nothing. `isRuled`: a rule with `record` matches it. */
function expectedOf(
  { name, fixture, frame, expected }: Vector,
  isRuled: boolean,
): Partial<RecordedPacket> | undefined {
  const { outcome } = expected
  const { verdict } = outcomes[outcome]
  if (verdict === 'pass') return undefined
  const isNew = isSyn(frame) && !BEFORE.includes(outcome)
  const kind = isNew ? 'new' : isRuled ? 'rule' : verdict === 'drop' ? 'dropped' : 'established'
  // of the two zeros of a checksum only one comes back
  const isOtherZero = name === 'a wrong checksum 0xffff'
  const came = isOtherZero ? frame.map((byte, at) => (at === 24 || at === 25 ? 0 : byte)) : frame
  const bytes = kind === 'established' ? expected.frame : came
  return {
    kind,
    outcome,
    direction: kind === 'established' ? 'out' : 'in',
    interface: `eth${fixtures[fixture].shape.own}`,
    length: bytes.length,
    bytes: new Uint8Array(bytes.subarray(0, FRAME_BYTES)),
    ...(expected.server !== undefined && {
      service: `service${expected.service}`,
      server: `web${expected.server}`,
    }),
  }
}

/** Case: something that the recorder does. `run` throws where it does not. */
export interface Case {
  readonly name: string
  readonly run: () => void
}

/** vectorCases: of each fixture that `isTaken`, that its vectors are recorded as they should be, and go where they go without. */
export function vectorCases(isTaken: (fixture: FixtureName, at: number) => boolean): Case[] {
  const byFixture = new Map<FixtureName, Vector[]>()
  for (const vector of vectors)
    if (vector.modelOnly === undefined)
      byFixture.set(vector.fixture, [...(byFixture.get(vector.fixture) ?? []), vector])
  return [...byFixture]
    .filter(([name], at) => isTaken(name, at))
    .map(([name, all]) => ({
      name: `what is recorded of the vectors of ${name}, and that they go where they go without`,
      run: () => runVectors(name, all),
    }))
}

function runVectors(name: FixtureName, all: readonly Vector[]): void {
  using run = recorded(fixtures[name])
  const records = fixtures[name].shape.defence?.rules.some(({ record }) => record) === true
  let now = 0
  for (const vector of all) {
    now += 512
    run.path.setJiffies(BigInt(now))
    run.path.forgetFragments()
    const before = run.recorder.end()
    const outcome = run.path.run(vector.frame)
    const frame = new Uint8Array(vector.expected.frame)
    assert.deepEqual(outcome, { ...vector.expected, frame }, vector.name)
    const [kept, ...more] = run.recorder.since(before).packets
    assert.deepEqual(more, [])
    const expected = expectedOf(vector, kept?.kind === 'rule' && records)
    const seen =
      kept && Object.fromEntries(Object.keys(expected ?? kept).map((key) => [key, kept[key as 'at']]))
    assert.deepEqual(seen, expected, vector.name)
  }
}

const { ACK, SYN } = tcpFlag
const frameOf = (flags: number) => frameFor({ tcp: { flags } })
const nobodys = frameFor({ tcp: { destination: 81 } })
const broken = frameFor({ ip: { totalLength: 30 } })

/** Vectors of fixtures with a rule that records: the first that is kept because of it. */
function ruled(): { readonly run: RecordedPath; readonly frame: Uint8Array } {
  const run = recorded(fixtures['defence-rules'])
  for (const { fixture, frame } of vectors) {
    if (fixture !== 'defence-rules') continue
    run.path.run(frame)
    if (run.recorder.since().packets.at(-1)?.kind === 'rule') return { run, frame }
  }
  run[Symbol.dispose]()
  assert.fail('no vector is recorded by a rule')
}

/** unkeptSyns: more SYNs than there is room for, and then a segment that has its own; plain ones, then those of the slow path. */
function unkeptSyns(name: FixtureName): void {
  using run = recorded(fixtures[name])
  const isAsked = name.startsWith('proof')
  const { clock } = fixtures[name].shape
  const { shift, kept } = budgetOf({ records: RECORDS }, clock!)
  for (const [at, tags] of [[], [{ id: 7 }]].entries()) {
    run.path.setJiffies(BigInt((5 + at) * 2 ** shift))
    const before = run.recorder.end()
    const send = (flags: number) =>
      run.path.run(frameFor({ ether: { tags }, tcp: { destination: isAsked ? 81 : 80, flags } }))
    for (let i = 0; i < 40; i++) send(SYN)
    send(ACK)
    const told = run.recorder.since(before).packets.map(({ kind, outcome }) => `${kind} ${outcome}`)
    const outcome = isAsked ? 'challenged' : 'forwarded'
    const news = Array<string>(kept.new).fill(`new ${outcome}`)
    assert.deepEqual(told, [...news, 'established forwarded'])
  }
}

/** budgetCases: how many are kept, and what is lost. */
export const budgetCases: readonly Case[] = [
  {
    name: 'of each kind so many are kept in a window, the next window begins anew, and a ring holds a minute of that',
    run: () => {
      using run = recorded(fixtures.one)
      const { clock } = fixtures.one.shape
      const { shift, kept } = budgetOf({ records: RECORDS }, clock!)
      for (const window of [5, 6, 60]) {
        run.path.setJiffies(BigInt(window * 2 ** shift))
        const before = run.recorder.end()
        for (let i = 0; i < 40; i++)
          for (const frame of [frameOf(SYN), frameOf(ACK), broken, nobodys]) run.path.run(frame)
        const { packets } = run.recorder.since(before)
        const counted = (of: RecordKind) => packets.filter(({ kind }) => kind === of).length
        const { rule: _, ...others } = kept
        for (const [kind, count] of Object.entries(others))
          assert.equal(counted(kind as RecordKind), count, kind)
      }
      const most = kept.new + kept.dropped + kept.rule + kept.established
      assert.ok(((most * clock!.hz) / 2 ** shift) * 60 <= RECORDS)
    },
  },
  {
    name: 'of what a rule with `record` matches, too, so many are kept in a window',
    run: () => {
      const { run, frame } = ruled()
      using _ = run
      const { clock } = fixtures['defence-rules'].shape
      const { shift, kept } = budgetOf({ records: RECORDS }, clock!)
      run.path.setJiffies(BigInt(2 ** (shift + 8)))
      const before = run.recorder.end()
      for (let i = 0; i < 40; i++) run.path.run(frame)
      const kinds = run.recorder.since(before).packets.filter(({ kind }) => kind === 'rule')
      assert.equal(kinds.length, kept.rule)
    },
  },
  ...(['one', 'both', 'dual', 'proof-four', 'proof-flows', 'proof-nat'] as const).map((name) => ({
    name: `a SYN that finds no room is no packet of an established flow, forwarded or challenged: ${name}`,
    run: () => unkeptSyns(name),
  })),
  {
    name: 'a reader that is late is told how many it has missed, and gets the rest in order',
    run: () => {
      using run = recorded(fixtures.one)
      const cursor = run.recorder.end()
      for (let i = 0; i < RECORDS + 44; i++) {
        run.path.setJiffies(BigInt(i * 2 ** 20))
        run.path.run(frameFor({ tcp: { source: 1_000 + i } }))
      }
      const { packets, lost, more } = run.recorder.since(cursor)
      assert.deepEqual([packets.length, lost, more], [RECORDS - 1, 45, false])
      const ports = packets.map(({ bytes }) => outlineOf(bytes)!.ports!.source)
      const expected = Array.from({ length: RECORDS - 1 }, (_, i) => 1_045 + i)
      assert.deepEqual(ports, expected)
    },
  },
  {
    name: 'a datagram, and an error about a flow, are no SYNs, whatever they have where a SYN has its flags',
    run: () => {
      using run = recorded(fixtures.both)
      const datagram = frameFor({ udp: {}, payload: new Uint8Array(40).fill(SYN) })
      // of an error the client's address is where the source of a packet would be
      const quoted = packet(ipv4({ source: vip, destination: '198.2.2.2' }), tcp({ source: 80 }))
      const error = frameFor({ behind: icmp({ type: icmpType.DEST_UNREACH }), payload: quoted })
      for (const frame of [datagram, error]) run.path.run(frame)
      const told = run.recorder.since().packets.map(({ outcome, kind }) => `${kind} ${outcome}`)
      assert.deepEqual(told, ['established forwarded', 'established forwarded'])
    },
  },
  {
    name: 'a record is completed by the packet that it is of, and by no later one',
    run: () => {
      using run = recorded(fixtures.nobody)
      for (const frame of [frameOf(SYN), nobodys, frameOf(ACK)]) run.path.run(frame)
      const told = run.recorder.since().packets.map(({ outcome, kind }) => `${kind} ${outcome}`)
      assert.deepEqual(told, ['new no-server', 'dropped no-server'])
    },
  },
]
