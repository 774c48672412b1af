// For tests: edits after which only who is in which pool, or with which weight, is another, and some that are more. Words of
// what runs are stored one by one, and no map, program or flow becomes another. Each is told to an engine that has none of
// the others behind it, and throws where something is not as it should be.

import assert from 'node:assert/strict'
import { parseIp4 } from '../base/addresses.ts'
import { TIMEOUTS } from '../dataplane/shape.ts'
import type { Neighbour } from './engine.ts'
import { type Cast, macOf, nameOf, type Rehearsal } from './rehearsal.ts'

const ports = Array.from({ length: 200 }, (_, i) => 20_000 + 7 * i)
const later = ports.map((port) => port + 1)
const latest = ports.map((port) => port + 2)
const servers = [1, 2, 3, 4]
const MOVED = parseIp4('10.0.0.204')
/** Without new flows for the fourth server. */
const drained = { servers, weights: [10, 10, 10, 0] } as const

const share = (flows: ReadonlyMap<number, unknown>, server: number | 'reset' | 'drop') =>
  [...flows.values()].filter((each) => each === server).length
const isSome = (flows: ReadonlyMap<number, unknown>, server: number) =>
  assert.ok(share(flows, server) > 10, `server ${server} has ${share(flows, server)} flows`)
const programId = (r: Rehearsal) => r.engine.status().interfaces[0]!.programId
const viewOf4 = (view: { readonly up: boolean; readonly weight?: number }) =>
  new Map([['web', new Map([[nameOf(4), view]])]])
/** audited: all of what is compared with what was written, which is a part at a time. */
const audited = (r: Rehearsal) => Array.from({ length: 100 }, () => r.engine.audit()).flat()

/** settled: the words when nothing has happened for so long that nothing is remembered. */
function settled(r: Rehearsal): Uint32Array {
  r.pass(TIMEOUTS.established + 60)
  r.engine.tick()
  return r.words()
}

const current = (words: Uint32Array) => words.map((word) => word & 0x7fff)

/** Amendment: an edit, and what is to come of it. */
export interface Amendment {
  readonly name: string
  readonly tell: (r: Rehearsal) => void
}

const weights = (['none', 'changes', 'all'] as const).map(
  (track): Amendment => ({
    name: `another weight is words of what runs: track ${track}`,
    tell: (r) => {
      r.apply({ servers, track })
      const flows = r.sendAll('syn', ports)
      const [slots, program, { generation }] = [r.mapId('slots'), programId(r), r.engine.status()]
      const before = r.words()
      const applied = r.apply({ ...drained, track })
      assert.deepEqual([applied.change, applied.generation], ['amended', generation])
      assert.deepEqual([r.mapId('slots'), programId(r)], [slots, program])
      assert.equal(share(r.sendAll('syn', later), 4), 0)
      r.pass(TIMEOUTS.syn + 60)
      if (track !== 'none') assert.deepEqual(r.sendAll('ack', ports), flows, 'for as long as they may send')
      const moved = r.words().filter((word, slot) => word !== before[slot]).length
      assert.ok(moved > 0 && moved < 0.5 * before.length, `${moved} of ${before.length} words`)
      assert.equal(r.apply({ ...drained, track }).change, 'taken-over')
      assert.equal(r.apply({ servers, track }).change, 'amended')
      if (track !== 'none') assert.deepEqual(r.sendAll('ack', ports), flows)
      assert.deepEqual(settled(r).slice(0, before.length), before)
      assert.deepEqual(audited(r), [])
    },
  }),
)

/** amendments: all of them. */
export const amendments: readonly Amendment[] = [
  ...weights,
  {
    name: 'a server that leaves the pool is words, too: its flows stay, and it gets nothing new',
    tell: (r) => {
      const cast: Cast = { servers: [...servers, 5], track: 'changes' }
      r.apply(cast)
      const flows = r.sendAll('syn', ports)
      const spec = r.spec(cast)
      const without = { ...spec, pools: [{ name: 'web', members: spec.pools[0]!.members.slice(0, 4) }] }
      // in the inventory still, so that it keeps its number
      const { change } = r.engine.apply(without, new Map())
      assert.equal(change, 'amended')
      assert.deepEqual(r.sendAll('ack', ports), flows)
      isSome(flows, 5)
      assert.equal(share(r.sendAll('syn', later), 5), 0)
    },
  },
  {
    name: 'while a table of before is asked an edit is another generation, and its flows find their servers by that table',
    tell: (r) => {
      const cast: Cast = { servers, track: 'changes' }
      r.apply({ ...cast, servers: [...servers, 5, 6, 7, 8, 9] })
      const flows = r.sendAll('syn', ports)
      const stay = ports.filter((port) => servers.includes(Number(flows.get(port))))
      const asked = () => [...r.sendAll('ack', stay).values()]
      const wanted = stay.map((port) => flows.get(port))
      assert.equal(r.apply(cast).change, 'replaced')
      assert.equal(r.apply({ ...cast, weights: [10, 9, 10, 10] }).change, 'replaced')
      assert.deepEqual(asked(), wanted)
      settled(r)
      assert.equal(r.apply(cast).change, 'replaced')
      assert.equal(r.apply({ ...cast, weights: [10, 9, 10, 10] }).change, 'amended')
    },
  },
  {
    name: 'a daemon that starts finds what was amended, and goes on',
    tell: (r) => {
      r.apply({ servers })
      r.apply({ servers, weights: [10, 10, 10, 1] })
      const words = r.words()
      r.restart()
      assert.equal(r.apply({ servers, weights: [10, 10, 10, 1] }).change, 'taken-over')
      assert.deepEqual(current(r.words()), current(words))
      r.restart()
      // not this daemon's: what it was is not known well enough
      assert.equal(r.apply({ servers }).change, 'replaced')
    },
  },
  {
    name: 'a daemon that died between the description and the last word: the next one stores the others',
    tell: (r) => {
      r.apply({ servers })
      const before = r.words()
      r.apply(drained)
      const after = r.words()
      r.spoil('slots', (bytes) => new Uint32Array(bytes.buffer).set(before.subarray(0, before.length / 2)))
      r.restart()
      assert.equal(r.apply(drained).change, 'taken-over')
      assert.deepEqual(current(r.words()), current(after))
    },
  },
  {
    name: 'a server that has failed when the edit comes: its flows end, and it gets none until it is back',
    tell: (r) => {
      const cast: Cast = { servers, onFailure: 'reset' }
      r.apply(cast)
      const flows = r.sendAll('syn', ports)
      isSome(flows, 4)
      const theirs = ports.filter((port) => flows.get(port) === 4)
      const edited = { ...cast, weights: [10, 10, 9, 10] }
      assert.equal(r.apply(edited, viewOf4({ up: false })).change, 'amended')
      assert.equal(share(r.sendAll('ack', theirs), 'reset'), theirs.length)
      assert.equal(share(r.sendAll('syn', later), 4), 0)
      assert.deepEqual(audited(r), [])
      assert.equal(r.apply(cast, viewOf4({ up: true })).change, 'amended')
      isSome(r.sendAll('syn', latest), 4)
      assert.equal(share(r.sendAll('ack', theirs), 'reset'), 0)
      assert.deepEqual(audited(r), [])
    },
  },
  {
    name: 'client networks of a server that drains with the edit go to others, and come back to it when it is open',
    tell: (r) => {
      const cast: Cast = { servers, persistence: { timeout: 1_200, network: 32, network6: 64 } }
      r.apply(cast)
      const server = r.send('syn', 1)
      const at = servers.indexOf(server as number)
      const without = { ...cast, weights: servers.map((_, i) => (i === at ? 0 : 10)) }
      assert.equal(r.apply(without).change, 'amended')
      const other = r.send('syn', 2)
      assert.notEqual(other, server)
      assert.equal(r.send('ack', 1), server, 'its flow stays')
      const flows = r.sendAll('syn', later)
      assert.equal(share(flows, other as number), later.length, 'the network stays with its new server')
      assert.equal(r.apply(cast).change, 'amended')
      assert.equal(r.send('syn', 3), other)
    },
  },
  {
    name: 'where a server is reached is another with the edit: its packets go there, or to others where it is nowhere',
    tell: (r) => {
      r.apply({ servers, track: 'none' })
      const spec = r.spec({ servers, track: 'none', weights: [10, 10, 10, 9] })
      const at = (ids: readonly number[]): Map<string, Neighbour> =>
        new Map(ids.map((id, i) => [nameOf(i + 1), { mac: macOf(id), on: 'eth0' }]))
      assert.equal(r.engine.apply(spec, at([1, 2, 3, 14])).change, 'amended')
      const flows = r.sendAll('syn', ports)
      assert.equal(share(flows, 4), 0)
      isSome(flows, 14)
      const gone = new Map<string, Neighbour>([...at([1, 2, 3]), [nameOf(4), { why: 'FAILED' }]])
      assert.equal(r.engine.apply(r.spec({ servers, track: 'none' }), gone).change, 'amended')
      const others = r.sendAll('syn', ports)
      assert.deepEqual([share(others, 14), share(others, 'drop')], [0, 0])
    },
  },
  {
    name: 'what an operator has said meanwhile counts with an apply of the same file',
    tell: (r) => {
      r.apply({ servers })
      assert.equal(r.apply({ servers }, viewOf4({ up: true, weight: 0 })).change, 'taken-over')
      assert.equal(share(r.sendAll('syn', ports), 4), 0)
      assert.equal(r.apply({ servers }, viewOf4({ up: true })).change, 'taken-over')
      isSome(r.sendAll('syn', later), 4)
    },
  },
  {
    name: 'a server at another address is another server, whatever it is called',
    tell: (r) => {
      const cast: Cast = { servers, track: 'none' }
      r.apply(cast)
      const spec = r.spec(cast)
      const moved = spec.servers.map((each) => (each.name === nameOf(4) ? { ...each, address: MOVED } : each))
      const at = new Map<string, Neighbour>(
        servers.map((id) => [nameOf(id), { mac: macOf(id === 4 ? 14 : id), on: 'eth0' }]),
      )
      assert.equal(r.engine.apply({ ...spec, servers: moved }, at).change, 'replaced')
      isSome(r.sendAll('syn', ports), 14)
      assert.equal(share(r.sendAll('syn', ports), 'drop'), 0)
    },
  },
  {
    name: 'an apply that fails leaves pools that follow what happens to servers',
    tell: (r) => {
      const cast = { servers }
      r.apply(cast)
      const spec = r.spec(cast)
      const nowhere = { ...spec.interfaces[0]!, name: 'eth9', index: 999_999 }
      assert.throws(() => r.engine.apply({ ...spec, interfaces: [...spec.interfaces, nowhere] }, new Map()))
      assert.notEqual(r.engine.setServer('web', nameOf(4), { up: false }).slots, 0)
      assert.equal(share(r.sendAll('syn', later), 4), 0)
      assert.deepEqual(audited(r), [])
    },
  },
  {
    name: 'pools that one was split into are each their own from then on',
    tell: (r) => {
      const cast = { servers, track: 'none' as const }
      r.apply(cast)
      const { pools, services, ...rest } = r.spec(cast)
      const split = services.map((service) => ({ ...service, pool: `web-${service.name}` }))
      const ofEach = split.map(({ pool: name }) => ({ name, members: pools[0]!.members }))
      r.engine.apply({ ...rest, services: split, pools: ofEach }, new Map())
      for (const [pool, kind] of [
        ['web-www', 'syn'],
        ['web-dns', 'udp'],
      ] as const) {
        isSome(r.sendAll(kind, ports), 4)
        assert.notEqual(r.engine.setServer(pool, nameOf(4), { up: false }).slots, 0, pool)
        assert.equal(share(r.sendAll(kind, later), 4), 0, pool)
      }
      assert.deepEqual(audited(r), [])
    },
  },
  {
    name: 'where packets write whose turn it is, it is another generation',
    tell: (r) => {
      r.apply({ servers, scheduler: 'rr' })
      assert.equal(r.apply({ ...drained, scheduler: 'rr' }).change, 'replaced')
    },
  },
  {
    name: 'where a table grows it is another generation, and what comes then is words: it asks none of before',
    tell: (r) => {
      const many = { servers: Array.from({ length: 12 }, (_, i) => i + 1) }
      r.apply({ servers })
      const flows = r.sendAll('syn', ports)
      assert.equal(r.apply(many).change, 'replaced')
      assert.deepEqual(r.sendAll('ack', ports), flows)
      const edited = { ...many, weights: many.servers.map((server) => (server === 4 ? 0 : 10)) }
      assert.equal(r.apply(edited).change, 'amended')
      assert.deepEqual(r.sendAll('ack', ports), flows)
      settled(r)
      assert.equal(share(r.sendAll('syn', later), 4), 0)
    },
  },
  {
    name: 'where a table shrinks it is another generation, and so is what comes while that of before is asked',
    tell: (r) => {
      const spec = r.spec({ servers: Array.from({ length: 12 }, (_, i) => i + 1), track: 'changes' })
      // in the inventory still, so that all keep their numbers
      const first = (count: number) => ({
        ...spec,
        pools: [{ name: 'web', members: spec.pools[0]!.members.slice(0, count) }],
      })
      const change = (count: number) => r.engine.apply(first(count), new Map()).change
      change(12)
      const flows = r.sendAll('syn', ports)
      assert.equal(change(4), 'replaced')
      assert.deepEqual(r.sendAll('ack', ports), flows)
      assert.equal(change(3), 'replaced')
      assert.deepEqual(r.sendAll('ack', ports), flows)
      settled(r)
      assert.equal(share(r.sendAll('syn', later), 4), 0)
    },
  },
]
