// Connections that are established keep their records, and so their servers, whatever SYNs arrive: first half-open
// flows for which the flow table has room, then a flood of more than twice as many as it holds.
//
//            .-- client: busy connections; SYNs from addresses that are nobody's
//   switch --+-- lb1: services with track all and track changes; in another lab one with nat
//            '-- web01..04: nginx
//
// Connections are opened while web02 is drained. When it is back, those in its slots are with others by nothing but
// their records: one that is lost breaks its connection.
//
// TENBIN_HALF_OPEN=100000 npm test -- syn-flood     so many half-open flows (10,000 if nothing is said)

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { orderSchema, type Status } from '../../src/daemon/api-schema.ts'
import { WALK_MS } from '../../src/engine/sweep.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { FORWARDS, findNode, type LabForward, type LabNode } from '../../src/lab/topology.ts'
import type { Held } from './support/connections-process.ts'
import { execute, skip } from './support/execute.ts'
import { serverNames } from './support/file.ts'
import { brokenOf, type HeldFlows, holdConnections } from './support/flows.ts'
import { startNginx } from './support/nginx.ts'
import { answerSyns, sendSyns } from './support/syns.ts'
import { Tenbin } from './support/tenbin.ts'

const HALF_OPEN = Number(process.env.TENBIN_HALF_OPEN ?? '10000')
/** How many SYNs the flood has. */
const FLOOD = 4 * HALF_OPEN
const [CONNECTIONS, LOOKED_AT, EVERY_MS, DRAINED] = [100, 100, 100, 'web02']
const TRACKS: Readonly<Record<LabForward, readonly ('all' | 'changes')[]>> = {
  dsr: ['all', 'changes'],
  nat: ['all'],
}

/** Place: a lab; its first service tracks all. */
interface Place {
  readonly lab: Lab
  readonly tenbin: Tenbin
  readonly busy: HeldFlows<'ask' | 'report', Held>
  readonly count: number
}
const labs: Lab[] = []
const places = new Map<LabForward, Place>()

async function make(forward: LabForward): Promise<void> {
  const tracks = TRACKS[forward]
  const lab = await Lab.hold({ prefix: `syn${forward}`, servers: 4, services: tracks.length, forward })
  labs.push(lab)
  await startNginx(lab)
  if (forward === 'dsr') await answerSyns(lab)
  const { serviceAddresses } = lab.topology
  const tenbin = new Tenbin(lab)
  tenbin.write(
    JSON.stringify({
      nodes: { lb1: '10.0.0.2' },
      interfaces: { lan: 'eth0' },
      addresses: { front: { on: 'lan', ips: serviceAddresses.map((address) => `${address}/24`) } },
      servers: { 'web01..04': '10.0.0.11..14' },
      defaults: { check: 'none', forward },
      // Above what one CPU can send: what is to be seen is the table when it is full.
      limits: { flows: HALF_OPEN, new_flows: 10_000_000 },
      // It is the table that has to stand this.
      defence: 'off',
      pools: { web: { servers: serverNames(lab.topology) } },
      services: Object.fromEntries(
        tracks.map((track, at) => [track, { listen: [`${serviceAddresses[at]}:80`], pool: 'web', track }]),
      ),
    }),
  )
  await tenbin.start()
  const order = (kind: 'drain' | 'undrain') =>
    tenbin.ask({ method: 'POST', path: `/v1/${kind}`, query: { server: DRAINED }, reply: orderSchema })
  await order('drain')
  const count = CONNECTIONS * tracks.length
  const options = { address: serviceAddresses, port: 80, count, everyMs: EVERY_MS }
  const busy = await holdConnections(lab, options)
  await order('undrain')
  places.set(forward, { lab, tenbin, busy, count })
}
before(async () => {
  if (skip) return
  for (const forward of FORWARDS) await make(forward)
})
after(async () => {
  for (const { busy } of places.values()) await busy[Symbol.asyncDispose]()
  for (const lab of labs) await lab[Symbol.asyncDispose]()
})

/** SWEEP_MS: by when the daemon has walked through the whole table once more. */
const SWEEP_MS = 3_000

/** sendUntil sends, and again if the daemon does not count what it should: a queue of the kernel may have overflowed. */
async function sendUntil(
  { tenbin }: Place,
  send: () => Promise<void>,
  isDone: (flows: NonNullable<Status['flows']>) => boolean,
): Promise<Status> {
  for (let sends = 1; ; sends++) {
    await send()
    let status = await tenbin.statusNow()
    for (const end = Date.now() + SWEEP_MS; Date.now() < end && !isDone(status.flows!); await delay(100))
      status = await tenbin.statusNow()
    if (isDone(status.flows!)) return status
    assert.ok(sends < 5, JSON.stringify(status.flows))
  }
}

/** unharmed: no connection is broken, and none of their records was lost. */
async function unharmed(place: Place, { events, flows }: Status): Promise<void> {
  for (const name of ['flow-evicted', 'flow-capped', 'flow-full', 'answer-evicted'])
    assert.ok(!(Number(events![name]) > 0), `${name}: ${events![name]}`)
  assert.ok(flows!.established >= CONNECTIONS, `${flows!.established} established`)
  const now = await place.busy.ask('ask')
  assert.equal(now.length, place.count)
  assert.deepEqual(brokenOf(now), [])
}

for (const forward of FORWARDS) {
  test(`${forward}: connections are with others than who has their slots now`, { skip }, async () => {
    const { lab, tenbin, busy } = places.get(forward)!
    const client = findNode(lab.topology, 'client') as LabNode
    const flows = await busy.ask('report')
    assert.deepEqual(brokenOf(flows), [])
    for (const address of lab.topology.serviceAddresses) {
      const mine = flows.filter((each) => each.address === address).slice(0, LOOKED_AT)
      let elsewhere = 0
      for (const { localPort, server } of mine) {
        assert.notEqual(server, DRAINED)
        const { current, settled = current } = await tenbin.trace(
          `${client.address}:${localPort}`,
          `${address}:80`,
        )
        if (current === DRAINED && settled === DRAINED) elsewhere++
      }
      // A quarter of the slots are web02's.
      assert.ok(elsewhere > LOOKED_AT / 20, `${elsewhere} of ${mine.length}`)
    }
  })

  test(`${forward}: ${HALF_OPEN} half-open flows are remembered, beside the connections`, {
    skip,
  }, async (t) => {
    const place = places.get(forward)!
    const address = place.lab.topology.serviceAddresses[0]!
    // Three times, since queues of the kernel may overflow: a SYN that comes again is the same flow. Addresses in a row may
    // meet in the same buckets, as the key will have it.
    const send = async () => {
      for (let i = 0; i < 3; i++) await sendSyns(place.lab, { address, port: 80, count: HALF_OPEN, group: 0 })
    }
    await sendUntil(place, send, ({ syn }) => syn >= 0.95 * HALF_OPEN)
    // The walk that counted them may have begun before the last ones came.
    await delay(WALK_MS + 500)
    const status = await place.tenbin.statusNow()
    t.diagnostic(JSON.stringify({ flows: status.flows, events: status.events }))
    await unharmed(place, status)
  })

  test(`${forward}: a flood of ${FLOOD} SYNs takes no record of a connection, in a table for ${HALF_OPEN}`, {
    skip,
  }, async (t) => {
    const place = places.get(forward)!
    const { lab, tenbin } = place
    const before = await place.busy.ask('report')
    const send = async () => {
      const startedAt = performance.now()
      for (const [at, address] of lab.topology.serviceAddresses.entries())
        await sendSyns(lab, { address, port: 80, count: FLOOD, group: 1 + at })
      const count = FLOOD * lab.topology.serviceAddresses.length
      t.diagnostic(`${Math.round((1000 * count) / (performance.now() - startedAt))} SYNs a second`)
    }
    const status = await sendUntil(place, send, ({ live, capacity }) => live > 0.99 * capacity)
    t.diagnostic(JSON.stringify({ flows: status.flows, events: status.events }))
    await unharmed(place, status)
    const now = await place.busy.ask('report')
    assert.ok(now.every(({ answers }, at) => answers > before[at]!.answers))
    // And a new client is served.
    const url = `http://${lab.topology.serviceAddresses[0]}:80/?[1-50]`
    const words = ['curl', '-sS', '-f', '-m', '10', '-H', 'Connection: close', '-o', '/dev/null'] as const
    assert.deepEqual(await execute(lab, 'client', [...words, url]), { code: 0, out: '', err: '' })
    const { outcomes } = await tenbin.statusNow()
    assert.ok(!(Number(outcomes['no-room']) > 0), `no-room: ${outcomes['no-room']}`)
  })
}
