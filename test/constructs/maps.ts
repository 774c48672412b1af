// Kernel maps whose values are found by helper.

import assert from 'node:assert/strict'
import type { Builder } from '../../src/bpf/builder.ts'
import { bytes, kernelMap, struct } from '../../src/bpf/types.ts'
import { be16, part, type View } from '../../src/bpf/values.ts'
import { plainFunction } from '../../src/bpf/xdp.ts'
import { blob, type Construct, type Loaded, packetBytes, piece, same, take } from './construct.ts'

const Key = struct('key', { address: 'be32', port: 'be16', kind: 'u16' })
const Index = struct('index', { at: 'u32' })
const Value = struct('value', { hits: 'u64', first: 'u32', fill: 'u32' })

/** touching: a function that answers 2 and changes the value that `find` finds, or answers 1. */
const touching = (find: (p: Builder, miss: () => void) => View<(typeof Value)['fields']>) =>
  plainFunction('main', (p) => {
    const { hits, first } = find(p, () => p.exitValue(1))
    p.increment(hits, 1)
    p.store(first, 0xcafe)
    p.exitValue(2)
  })

/** Stores a value under the key, runs, and sees what became of it. */
function touches(it: Loaded, key: Uint8Array): void {
  const map = it.maps.get('map')!
  const value = Buffer.alloc(16)
  value.writeBigUInt64LE(2n ** 40n)
  map.update(key, value)
  assert.equal(it.run().verdict, 2)
  const after = map.lookup(key)!
  same(after.readBigUInt64LE(), 2n ** 40n + 1n)
  assert.equal(after.readUInt32LE(8), 0xcafe)
}

const hashes: readonly Construct[] = (['hash', 'lru_hash'] as const).map((kind) => ({
  name: `lookup finds what a map of kind ${kind} has, in place, and takes the way out for what it has not`,
  run: (kernel) => {
    const map = kernelMap('map', kind, Key, Value, 4)
    const it = kernel.load(
      touching((p, miss) => {
        const packet = packetBytes(p)
        const [address, kind] = [p.load(part(packet, 8, 'be32')), p.load(part(packet, 0, 'u16'))]
        return p.lookup(map, { address, port: be16(443), kind }, miss)
      }),
    )
    assert.equal(it.run().verdict, 1)
    touches(it, Uint8Array.of(9, 10, 11, 12, 443 >> 8, 443 & 255, 1, 2))
  },
}))

const indexed: Construct = {
  name: 'lookup finds an element of an array, and takes the way out for an index behind the last',
  run: (kernel) => {
    const map = kernelMap('map', 'array', Index, Value, 4)
    const it = kernel.load(touching((p, miss) => p.lookup(map, { at: p.narrow(take(p, 0)) }, miss)))
    it.give(0, 4n)
    assert.equal(it.run().verdict, 1)
    it.give(0, 3n)
    touches(it, Uint8Array.of(3, 0, 0, 0))
  },
}

const keys: Construct = {
  name: 'a key holds byte strings copied from the packet, and zeros',
  run: (kernel) => {
    const Flow = struct('flow', { source: bytes(16), other: bytes(6), port: 'u16' })
    const flows = kernelMap('flows', 'hash', Flow, Index, 4)
    const it = kernel.load(
      plainFunction('main', (p) => {
        const packet = packetBytes(p)
        const source = piece(packet, 22, 16)
        const { at } = p.lookup(flows, { source, other: 'zero', port: 7 }, () => p.exitValue(0))
        p.exitValue(p.load(at))
      }),
    )
    const key = Buffer.alloc(24)
    key.set(blob().subarray(22, 38))
    key.writeUInt16LE(7, 22)
    assert.equal(it.run().verdict, 0)
    it.maps.get('flows')!.update(key, Uint8Array.of(3, 0, 0, 0))
    assert.equal(it.run().verdict, 3)
  },
}

/** mapConstructs: all of them. */
export const mapConstructs: readonly Construct[] = [...hashes, indexed, keys]
