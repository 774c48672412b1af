// Much data, both ways and in both families, all at once, with digests compared; and its packets, of which none may have
// a wrong checksum anywhere.
//
//            .-- client 10.0.0.200 2001:db8::200      up: through lb1
//   switch --+-- lb1 10.0.0.100 2001:db8::100         down: past it
//            '-- web01..03
//
// TENBIN_BULK_GB=10 npm test -- bulk     moves 10 GB in all (0.1 if nothing is said)

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { byteCounts, bytesBetween } from '../../src/lab/byte-counts.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { labFile } from '../../src/lab/lab-file.ts'
import { nodesOf } from '../../src/lab/topology.ts'
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
const CONNECTIONS = 4
const ADDRESSES = ['10.0.0.100', '2001:db8::100']

let lab: Lab
let tenbin: Tenbin
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'bulk', servers: 3, ipv6: true })
  tenbin = new Tenbin(lab)
  tenbin.write(labFile(lab.topology))
  const listening = nodesOf(lab.topology, 'server').map(async ({ name }) => {
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
  })
  await Promise.all([tenbin.start(), ...listening])
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

/** move: `connections` for each way and family, `bytes` on each. */
async function move(connections: number, bytes: number): Promise<readonly Transferred[]> {
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

test(`${TOTAL_BYTES / 1e9} GB arrive as they were sent, and what servers send passes lb1 by`, {
  skip,
}, async (t) => {
  const before = byteCounts(lab.topology)
  const bytes = Math.ceil(TOTAL_BYTES / (4 * CONNECTIONS))
  const startedAt = performance.now()
  const done = await move(CONNECTIONS, bytes)
  t.diagnostic(`${Math.round((TOTAL_BYTES * 8) / (performance.now() - startedAt) / 1000)} Mbit/s`)
  const up = done.filter(({ way }) => way === 'up')
  assert.ok(new Set(up.map(({ server }) => server)).size > 1)
  const { intoBalancer, outOfBalancer } = bytesBetween(before, byteCounts(lab.topology))
  // What goes up, with headers; of what comes down only its ACKs.
  const sum = up.length * bytes
  assert.ok(intoBalancer > sum && intoBalancer < 1.3 * sum, `${intoBalancer} of ${sum}`)
  assert.ok(Math.abs(outOfBalancer / intoBalancer - 1) < 0.01, `${outOfBalancer}`)
  const { services, outcomes } = (await tenbin.status())!
  for (const { name, bytes: forwarded } of services)
    assert.ok(Number(forwarded) > sum / 2, `${name} ${forwarded}`)
  for (const name of ['no-server', 'bad-length', 'truncated', 'fragment', 'ttl'])
    assert.equal(outcomes[name], '0', name)
  const kernel = await networkCounters(lab, 'lb1')
  assert.deepEqual(pick(kernel, 'Tcp.InSegs', 'Tcp.OutRsts'), { 'Tcp.InSegs': 0, 'Tcp.OutRsts': 0 })
})

test('no packet of a transfer has a wrong checksum, at the client or at any server', { skip }, async () => {
  const servers = serverNames(lab.topology)
  const atClient = await Capture.of(lab, 'client', 'lb1')
  const atServers = await Promise.all(servers.map((name) => Capture.of(lab, name, 'lb1')))
  await move(3, 100_000)
  const captures = [atClient, ...atServers]
  for (const capture of captures) await capture.stop()
  const found = await Promise.all(captures.map(({ file }) => checksums(lab, file)))
  assert.deepEqual(
    found.flatMap(({ wrong }) => wrong),
    [],
  )
  const [client, ...others] = found.map(({ right }) => right)
  // 12 transfers of 100,000 bytes in segments of 1,448, up and down.
  assert.ok(client! > 12 * 70, `${client} segments`)
  assert.equal(
    others.reduce((sum, right) => sum + right),
    client,
  )
})
