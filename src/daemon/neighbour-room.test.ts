import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseIp } from '../base/addresses.ts'
import { crowdedNeighbours, neighbourRoom } from './neighbour-room.ts'

const servers = (count: number, family: 4 | 6 = 4) =>
  Array.from({ length: count }, (_, i) => ({
    address: parseIp(family === 4 ? `10.0.${i >> 8}.${i & 255}` : `2001:db8::${(i + 1).toString(16)}`),
  }))
const networks = () => [
  { address: parseIp('10.0.0.1'), prefix: 16 },
  { address: parseIp('2001:db8::ffff'), prefix: 64 },
]
const usual = { ipv4: { kept: 512, most: 1024 }, ipv6: { kept: 512, most: 1024 } }
const said = (...asked: Parameters<typeof crowdedNeighbours>) =>
  crowdedNeighbours(...asked).map(({ code, message }) => `${code}: ${message}`)

test('more servers beside the node than its kernel keeps neighbours are told, of each family by itself', () => {
  assert.deepEqual(said(servers(512), networks, usual), [])
  assert.deepEqual(said(servers(513), networks, usual), [
    'NEIGHBOURS_CROWDED: 513 servers are beside this node, and its kernel keeps 512 neighbours of ipv4 and has room for 1024: net.ipv4.neigh.default.gc_thresh2 and gc_thresh3',
  ])
  assert.match(said(servers(1_500, 6), networks, usual).join(), /^[A-Z_]+: 1500 servers .* of ipv6 /)
  assert.deepEqual(said([...servers(400), ...servers(400, 6)], networks, usual), [])
})

test('a room that was made larger counts, and so does one whose two settings contradict each other', () => {
  assert.deepEqual(said(servers(1_500), networks, { ipv4: { kept: 4096, most: 8192 } }), [])
  assert.equal(said(servers(1_500), networks, { ipv4: { kept: 4096, most: 1024 } }).length, 1)
  assert.equal(said(servers(1_500), networks, { ipv4: { kept: 512, most: 8192 } }).length, 1)
})

test('servers behind a router take no room, and where nothing is known of it nothing is said', () => {
  const others = () => [{ address: parseIp('10.9.0.1'), prefix: 24 }]
  assert.deepEqual(said(servers(1_500), others, usual), [])
  assert.deepEqual(said(servers(1_500), networks, {}), [])
})

test('the room is what the kernel says, or the file, of families whose settings are there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-room-'))
  try {
    assert.deepEqual(neighbourRoom([], folder), {})
    const at = join(folder, 'net/ipv4/neigh/default')
    mkdirSync(at, { recursive: true })
    writeFileSync(join(at, 'gc_thresh2'), '512\n')
    assert.deepEqual(neighbourRoom([], folder), {})
    writeFileSync(join(at, 'gc_thresh3'), '1024\n')
    assert.deepEqual(neighbourRoom([], folder), { ipv4: { kept: 512, most: 1024 } })
    const set = [{ name: 'net.ipv4.neigh.default.gc_thresh2', value: 4096 }]
    assert.deepEqual(neighbourRoom(set, folder), { ipv4: { kept: 4096, most: 1024 } })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
