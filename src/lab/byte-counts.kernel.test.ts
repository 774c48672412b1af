import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byteCounts, bytesBetween, bytesText } from './byte-counts.ts'
import { Lab } from './held-lab.ts'
import { PAGE_BYTES } from './web-server.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'

test('bytes are counted where they pass: what servers send straight to the client never meets the balancer', {
  skip,
}, async () => {
  await using lab = await Lab.hold({ prefix: 'bc', servers: 2, ipv6: true })
  await lab.startWebServers()
  const before = byteCounts(lab.topology)
  const pages = ['http://10.0.0.11/page', 'http://[2001:db8::12]/page']
  const body = await lab.run('client', ['curl', '-sS', ...pages])
  assert.equal(body.length, 2 * PAGE_BYTES)
  const { intoBalancer, outOfBalancer, fromServers } = bytesBetween(before, byteCounts(lab.topology))
  assert.ok(fromServers > 2 * PAGE_BYTES && fromServers < 3 * PAGE_BYTES, `${fromServers}`)
  // ARP and neighbour discovery at most: all nodes are asked.
  assert.ok(intoBalancer < 1000 && outOfBalancer < 1000, `${intoBalancer} ${outOfBalancer}`)
})

test('amounts are written with three digits that mean something', () => {
  const amounts = [0, 12, 999, 999.6, 1234, 9994, 9996, 45_640, 99_960, 999_400, 999_600, 3.6e6, 2e15]
  assert.deepEqual(amounts.map(bytesText), [
    ...['0 B', '12 B', '999 B', '1.00 kB', '1.23 kB', '9.99 kB', '10.0 kB', '45.6 kB', '100 kB', '999 kB'],
    ...['1.00 MB', '3.60 MB', '2000 TB'],
  ])
})
