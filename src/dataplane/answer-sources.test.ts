import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ip, type Ip6, parseIp, parseIp4 } from '../base/addresses.ts'
import { sourceBit, wordsOfAddress } from './answer-sources.ts'
import { fillTables, layoutOf } from './fill.ts'
import { flowKeys } from './flow-keys.ts'
import { fixedKeys, goldenShapes } from './golden-shapes.ts'

const SERVERS = 120
const shape = { ...goldenShapes['nat-one-listener']!, servers: SERVERS }
const keys = fixedKeys()
const addresses: readonly Ip[] = Array.from({ length: SERVERS }, (_, i) =>
  i % 2 === 0 ? ((parseIp4('10.1.2.3') + i) as Ip) : (((parseIp('2001:db8::7') as Ip6) + BigInt(i)) as Ip),
)

/** Whether the tables say that an address may be a server's. */
function filled(): (address: Ip) => boolean {
  const layout = layoutOf(shape, keys)
  const { type } = layout.memory.tables
  const image = new Uint8Array(type.size)
  const servers = [undefined, ...addresses].map((address) => ({
    ...{ mac: shape.mac, usable: true, via: 0 },
    ...(address !== undefined && { address }),
  }))
  fillTables(layout, shape, { keys, servers }, image)
  const bits = new Uint32Array(image.buffer, type.offsets.sources, type.fields.sources.count)
  return (address) => {
    const bit = sourceBit(flowKeys(keys), wordsOfAddress(address), layout.memory.serverCapacity)
    return ((bits[bit >>> 5]! >>> (bit & 31)) & 1) === 1
  }
}

test('every server may answer', () => {
  const mayAnswer = filled()
  for (const address of addresses) assert.ok(mayAnswer(address), String(address))
})

test('of those who are no servers one in 64 may answer', () => {
  const mayAnswer = filled()
  const others = Array.from({ length: 10_000 }, (_, i) => (parseIp4('172.16.0.0') + i) as Ip)
  const some = others.filter(mayAnswer).length
  // 120 of 8,192 bits are set
  assert.ok(some > 50 && some < 300, `${some} of ${others.length}`)
})
