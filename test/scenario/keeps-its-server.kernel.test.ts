// What becomes of connections that are busy, silent for a while, and silent past their time-out, while the file gives
// their service other servers 20 times, and servers fail, return, drain and weigh less in between; once the daemon dies:
//
//            .-- client: of each kind and service so many connections
//   switch --+-- lb1: a service for each `track`, and in another lab one with nat; each twice, the second one's time-out is short
//            '-- web01..05: nginx; those that leave all services run on, and are in the file's inventory still
//
// EXPECTED says for each which connections may break. All others may not, nor may any be answered by another server.
//
// TENBIN_IDLE_S=60 npm test -- keeps-its-server     all of it over one minute, in which the idle ones are silent

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { orderSchema } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { findNode, type LabNode } from '../../src/lab/topology.ts'
import type { Held } from './support/connections-process.ts'
import { skip } from './support/execute.ts'
import { serverNames } from './support/file.ts'
import { brokenOf, type HeldFlows, holdConnections } from './support/flows.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

/** IDLE_S: over how long the changes are spread at least, in seconds. */
const IDLE_S = Number(process.env.TENBIN_IDLE_S ?? '0')
/** The services' time-outs: longer than all of it, and the short one. */
const [LONG_S, SHORT_S] = [600 + 2 * IDLE_S, 4 + Math.ceil(IDLE_S / 4)]
const [SERVERS, WEIGHT, RELOADS, EACH, EVERY_MS] = [5, 4, 20, 60, 50]

/**
 * EXPECTED: `never`: none breaks. `moved`: it breaks if the table ever gave its slot to another server, as it sends all the
 * time. `elsewhere`: it breaks if its slot has another server when it sends again. What is promised is `never`
 * (a flow keeps its server through failures of others; through changes of the file if it sends within its time-out, or
 * always with `all`, while the table has room). With `none` there is only the table.
 */
const EXPECTED = {
  none: { busy: 'moved', idle: 'elsewhere', past: 'elsewhere' },
  changes: { busy: 'never', idle: 'never', past: 'elsewhere' },
  all: { busy: 'never', idle: 'never', past: 'never' },
  nat: { busy: 'never', idle: 'never', past: 'never' },
} as const
type Track = keyof typeof EXPECTED
type Kind = keyof (typeof EXPECTED)[Track]
const KINDS = ['busy', 'idle', 'past'] as const

/** Place: a lab, and the services in it: for each track the address of long time-outs, and behind it that of short ones. */
interface Place {
  readonly lab: Lab
  readonly tenbin: Tenbin
  readonly tracks: readonly Track[]
  readonly held: ReadonlyMap<Kind, HeldFlows<'ask' | 'report', Held>>
}
const places: Place[] = []
const serviceOf = (track: Track, kind: Kind): string => (kind === 'past' ? `${track}-short` : track)

/** file: `servers` of all services. Those of the short time-outs have a pool of their own: what is young is the pool's. */
function file({ lab, tracks }: Pick<Place, 'lab' | 'tracks'>, servers: readonly string[]): string {
  const service = (track: Track, isShort: boolean, address: string) => ({
    listen: [`${address}:80`],
    pool: isShort ? 'short' : 'long',
    forward: track === 'nat' ? 'nat' : 'dsr',
    track: track === 'nat' ? 'all' : track,
    timeouts: { established: `${isShort ? SHORT_S : LONG_S}s`, syn: '1s', fin: '2s' },
  })
  const { serviceAddresses } = lab.topology
  return JSON.stringify({
    nodes: { lb1: '10.0.0.2' },
    interfaces: { lan: 'eth0' },
    addresses: { front: { on: 'lan', ips: serviceAddresses.map((address) => `${address}/24`) } },
    servers: { [`web01..0${SERVERS}`]: `10.0.0.11..${10 + SERVERS}` },
    defaults: { check: 'none', weight: WEIGHT },
    pools: { long: { servers }, short: { servers } },
    services: Object.fromEntries(
      tracks.flatMap((track, at) => [
        [serviceOf(track, 'idle'), service(track, false, serviceAddresses[2 * at]!)],
        [serviceOf(track, 'past'), service(track, true, serviceAddresses[2 * at + 1]!)],
      ]),
    ),
  })
}

/** trackOf: of a connection, by its address. */
const trackOf = ({ lab, tracks }: Place, { address }: Held): Track =>
  tracks[Math.floor(lab.topology.serviceAddresses.indexOf(address) / 2)]!

async function place(prefix: string, tracks: readonly Track[]): Promise<Place> {
  const forward = tracks[0] === 'nat' ? 'nat' : 'dsr'
  const lab = await Lab.hold({ prefix, servers: SERVERS, services: 2 * tracks.length, forward })
  const tenbin = new Tenbin(lab)
  const held = new Map<Kind, HeldFlows<'ask' | 'report', Held>>()
  const made: Place = { lab, tenbin, tracks, held }
  places.push(made)
  await startNginx(lab)
  tenbin.write(file(made, serverNames(lab.topology)))
  await tenbin.start()
  await Promise.all(
    KINDS.map(async (kind) => {
      const address = lab.topology.serviceAddresses.filter((_, at) => at % 2 === (kind === 'past' ? 1 : 0))
      const everyMs = kind === 'busy' ? EVERY_MS : 0
      held.set(kind, await holdConnections(lab, { address, port: 80, count: EACH * tracks.length, everyMs }))
    }),
  )
  return made
}

before(async () => {
  if (skip) return
  await Promise.all([place('kept', ['none', 'changes', 'all']), place('keptnat', ['nat'])])
})
after(async () => {
  for (const { lab, held } of places) {
    for (const flows of held.values()) await flows[Symbol.asyncDispose]()
    await lab[Symbol.asyncDispose]()
  }
})

/** STEPS: one behind each reload, two in a row about the same server: it fails, returns, drains, and so on. */
const STEPS = [
  ['disable', {}],
  ['enable', {}],
  ['drain', {}],
  ['undrain', {}],
  ['weight', { weight: '1' }],
  ['weight', { weight: `${WEIGHT}` }],
] as const

/** serversAt: another set at every reload, of three or four; the last lacks one that was there at first. */
function serversAt(reload: number, names: readonly string[]): readonly string[] {
  const out = [reload % SERVERS, ...(reload % 2 === 0 ? [(reload + 3) % SERVERS] : [])]
  return names.filter((_, at) => !out.includes(at))
}

/** currentOf: who gets what is new, by the daemon, in the slot of a connection. */
async function currentOf({ lab, tenbin }: Place, { address, localPort }: Held): Promise<string> {
  const client = findNode(lab.topology, 'client') as LabNode
  return (await tenbin.trace(`${client.address}:${localPort}`, `${address}:80`)).current!
}

/** change makes all changes, and returns the ports of busy connections without tracking whose slot was another's meanwhile. */
async function change(one: Place): Promise<ReadonlySet<number>> {
  const { lab, tenbin, held } = one
  const names = serverNames(lab.topology)
  const startedAt = performance.now()
  const busy = held.get('busy')!
  const untracked = (await busy.ask('report')).filter((each) => trackOf(one, each) === 'none')
  const moved = new Set<number>()
  const look = async () => {
    for (const each of untracked)
      if (!moved.has(each.localPort) && (await currentOf(one, each)) !== each.server)
        moved.add(each.localPort)
    // So that each has sent since the change.
    await busy.ask('ask')
  }
  for (let reload = 0; reload < RELOADS; reload++) {
    assert.equal((await tenbin.apply(file(one, serversAt(reload, names)))).change, 'replaced')
    await look()
    const [kind, words] = STEPS[reload % STEPS.length]!
    // Neither of the two sets lacks it.
    const server = names[(reload - (reload % 2) + 2) % SERVERS]!
    const path = `/v1/${kind}`
    await tenbin.ask({ method: 'POST', path, query: { server, ...words }, reply: orderSchema })
    await look()
    if (reload === RELOADS / 2) {
      // What it finds is what its file means, with the servers that are in no service any more. What has settled since
      // asks no table of before any more, which goes with an apply: it may settle between two words.
      for (let tries = 1; ; tries++) {
        await tenbin.reloadNow()
        const { program } = await tenbin.statusNow()
        await tenbin.kill()
        const found = (await tenbin.start()).program
        if (tries < 3 && !isDeepStrictEqual(found, program)) continue
        assert.deepEqual(found, program)
        break
      }
      await look()
    }
    await delay(Math.max(0, ((reload + 1) / RELOADS) * IDLE_S * 1000 - (performance.now() - startedAt)))
  }
  return moved
}

/** forgotten resolves when nothing is young any more, and no connection of the short time-outs is remembered. */
async function forgotten({ tenbin, tracks }: Place): Promise<void> {
  for (const end = Date.now() + (20 + SHORT_S) * 1000; ; await delay(100)) {
    const { pools, services } = await tenbin.statusNow()
    const names = tracks.map((track) => serviceOf(track, 'past'))
    const left = services.filter(({ name, flows }) => names.includes(name) && flows > 0)
    if (left.length === 0 && pools.find(({ name }) => name === 'short')!.young === 0) return
    assert.ok(Date.now() < end, JSON.stringify({ left, pools }))
  }
}

/** judge has all connections of a kind ask, and holds what became of them against EXPECTED. */
async function judge(one: Place, kind: Kind, moved: ReadonlySet<number>, say: (line: string) => void) {
  const flows = one.held.get(kind)!
  const was = await flows.ask('report')
  const isElsewhere = new Map<number, boolean>()
  for (const [at, each] of was.entries()) isElsewhere.set(at, (await currentOf(one, each)) !== each.server)
  await flows.ask('ask')
  const now = [...(await flows.ask('ask')).entries()]
  for (const track of one.tracks) {
    const rule = EXPECTED[track][kind]
    const mine = now.filter(([, each]) => trackOf(one, each) === track)
    const elsewhere = mine.filter(([at]) => isElsewhere.get(at))
    const mayBreak = { never: [], moved: mine.filter(([, { localPort }]) => moved.has(localPort)), elsewhere }
    const broken = mine.filter(([, each]) => each.broken !== undefined)
    const line = `${track}, ${kind}: ${mine.length} connections, ${elsewhere.length} whose slot is another's now; ${broken.length} broke (${rule})`
    say(line)
    assert.deepEqual(broken, mayBreak[rule], line)
    // Else it would have shown nothing.
    assert.ok(elsewhere.length > 0 && elsewhere.length < mine.length, line)
  }
}

test(`connections through ${RELOADS} reloads with other servers, failures, returns and drains break where EXPECTED says so, else none`, {
  skip,
}, async (t) => {
  const say = (line: string) => t.diagnostic(line)
  for (const { held } of places)
    for (const flows of held.values()) assert.deepEqual(brokenOf(await flows.ask('report')), [])
  const startedAt = performance.now()
  const moved = await Promise.all(places.map(change))
  say(`${((performance.now() - startedAt) / 1000).toFixed(1)} s of changes`)
  for (const kind of KINDS) {
    if (kind === 'past') await Promise.all(places.map(forgotten))
    for (const [at, one] of places.entries()) await judge(one, kind, moved[at]!, say)
  }
  for (const { lab, tenbin } of places) {
    const { outcomes, events } = await tenbin.statusNow()
    for (const name of ['no-server', 'clash', 'no-room']) assert.ok(!(Number(outcomes[name]) > 0), name)
    for (const name of ['flow-evicted', 'flow-full', 'flow-capped']) assert.equal(events?.[name], '0', name)
    const kernel = await networkCounters(lab, 'lb1')
    assert.deepEqual(pick(kernel, 'Tcp.InSegs', 'Tcp.OutRsts'), { 'Tcp.InSegs': 0, 'Tcp.OutRsts': 0 })
  }
})
