// Much data, both ways and in both families, all at once, with digests compared; and its packets, of which none may have
// a wrong checksum anywhere. A lab for dsr, another for nat.
//
//            .-- client                               up: through lb1
//   switch --+-- lb1 10.0.0.100 2001:db8::100         down: past it (dsr), or through it as well (nat)
//            '-- web01..03
//
// TENBIN_BULK_GB=10 npm test -- bulk     moves 10 GB in all for each (0.1 if nothing is said)

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { byteCounts, bytesBetween } from '../../src/lab/byte-counts.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { labFile } from '../../src/lab/lab-file.ts'
import { FORWARDS, type LabForward } from '../../src/lab/topology.ts'
import type { Transfer, Transferred } from './support/bulk-client-process.ts'
import type { BulkServerOptions } from './support/bulk-server-process.ts'
import { Capture } from './support/capture.ts'
import { checksums } from './support/checksums.ts'
import { entryOf } from './support/entry.ts'
import { skip } from './support/execute.ts'
import { serverNames } from './support/file.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { Tenbin } from './support/tenbin.ts'

const TOTAL_BYTES = Number(process.env.TENBIN_BULK_GB ?? '0.1') * 1e9
const CONNECTIONS = 8
const ADDRESSES = ['10.0.0.100', '2001:db8::100']

const labs = new Map<LabForward, { readonly lab: Lab; readonly tenbin: Tenbin }>()
before(async () => {
  if (skip) return
  for (const forward of FORWARDS) {
    const lab = await Lab.hold({ prefix: `bulk${forward}`, servers: 3, ipv6: true, forward })
    const tenbin = new Tenbin(lab)
    labs.set(forward, { lab, tenbin })
    // its servers speak no HTTP
    tenbin.write(labFile(lab.topology).replaceAll(/check: .*/g, 'check: none'))
    await Promise.all([tenbin.start(), ...serverNames(lab.topology).map((name) => serve(lab, name))])
  }
})
after(async () => {
  for (const { lab } of labs.values()) await lab[Symbol.asyncDispose]()
})

/** serve resolves when a server listens. */
async function serve(lab: Lab, name: string): Promise<void> {
  const options: BulkServerOptions = { name, port: 80 }
  const child = lab.spawn(name, entryOf('bulk-server-process', options), {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`the server of ${name} ended`))),
  ])
  child.unref()
}

/** move: `connections` for each way and family, `bytes` on each. */
async function move(lab: Lab, connections: number, bytes: number): Promise<readonly Transferred[]> {
  const transfers = ADDRESSES.flatMap((address) =>
    (['up', 'down'] as const).flatMap((way) =>
      Array.from({ length: connections }, (): Transfer => ({ address, port: 80, way, bytes })),
    ),
  )
  const done = JSON.parse(await lab.run('client', entryOf('bulk-client-process', transfers))) as Transferred[]
  assert.equal(done.length, transfers.length)
  for (const { sent, arrived, arrivedBytes, way, address } of done)
    assert.deepEqual([arrivedBytes, arrived], [bytes, sent], `${way} ${address}`)
  return done
}

/** repeats: segments that the client and all servers have sent again. */
async function repeats(lab: Lab): Promise<number> {
  const nodes = ['client', ...serverNames(lab.topology)]
  const counters = await Promise.all(nodes.map((name) => networkCounters(lab, name)))
  return counters.reduce((sum, each) => sum + (each.get('Tcp.RetransSegs') ?? 0), 0)
}

for (const forward of FORWARDS) {
  test(`${forward}: ${TOTAL_BYTES / 1e9} GB arrive as they were sent, answers ${forward === 'nat' ? 'through' : 'past'} lb1`, {
    skip,
  }, async (t) => {
    const { lab, tenbin } = labs.get(forward)!
    const before = byteCounts(lab.topology)
    const bytes = Math.ceil(TOTAL_BYTES / (4 * CONNECTIONS))
    const startedAt = performance.now()
    const done = await move(lab, CONNECTIONS, bytes)
    t.diagnostic(`${Math.round((TOTAL_BYTES * 8) / (performance.now() - startedAt) / 1000)} Mbit/s`)
    const up = done.filter(({ way }) => way === 'up')
    assert.ok(new Set(up.map(({ server }) => server)).size > 1)
    const { intoBalancer, outOfBalancer } = bytesBetween(before, byteCounts(lab.topology))
    // What goes up, with headers; of what comes down only its ACKs with dsr, all of it with nat.
    const sum = (forward === 'nat' ? done : up).length * bytes
    assert.ok(intoBalancer > sum && intoBalancer < 1.3 * sum, `${intoBalancer} of ${sum}`)
    assert.ok(Math.abs(outOfBalancer / intoBalancer - 1) < 0.05, `${outOfBalancer}`)
    const { services, outcomes } = await tenbin.statusNow()
    for (const { name, bytes: forwarded } of services)
      assert.ok(Number(forwarded) > (up.length * bytes) / 2, `${name} ${forwarded}`)
    for (const name of ['no-server', 'bad-length', 'truncated', 'fragment', 'ttl'])
      assert.equal(outcomes[name], '0', name)
    const kernel = await networkCounters(lab, 'lb1')
    assert.deepEqual(pick(kernel, 'Tcp.InSegs', 'Tcp.OutRsts'), { 'Tcp.InSegs': 0, 'Tcp.OutRsts': 0 })
  })

  test(`${forward}: no packet of a transfer has a wrong checksum, at the client or at any server`, {
    skip,
  }, async () => {
    const { lab } = labs.get(forward)!
    const nodes = ['client', ...serverNames(lab.topology)]
    const captures = await Promise.all(nodes.map((name) => Capture.of(lab, name, 'lb1')))
    const before = await repeats(lab)
    await move(lab, 3, 100_000)
    const repeated = (await repeats(lab)) - before
    for (const capture of captures) await capture.stop()
    const found = await Promise.all(captures.map(({ file }) => checksums(lab, file)))
    assert.deepEqual(
      found.flatMap(({ wrong }) => wrong),
      [],
    )
    const [client, ...others] = found.map(({ right }) => right)
    // 12 transfers of 100,000 bytes in segments of 1,448, up and down.
    assert.ok(client! > 12 * 70, `${client} segments`)
    // one that the node's queue has lost is seen once where it was sent, and again
    const lost = Math.abs(others.reduce((sum, right) => sum + right) - client!)
    assert.ok(lost <= repeated, `${lost} segments are missing, ${repeated} were repeated`)
  })
}
