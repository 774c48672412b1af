// Mistakes that must not compile. tsc checks this file; nothing here runs but one test that says so.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Builder } from './builder.ts'
import { bytes, direct, kernelMap, objectMap, struct, wire } from './types.ts'
import { be16, be32, eq, fields, gt, lt, ne } from './values.ts'

const Eth = wire('eth', { dst: bytes(6), src: bytes(6), type: 'be16' })
const Ip = wire('ip', { protocol: 'u8', pad: 'u8', length: 'be16', source: 'be32' })
const Key = struct('key', { address: 'be32', port: 'be16', kind: 'u16' })
const Small = struct('small', { id: 'u32' })
const Server = struct('server', { mac: bytes(6), state: 'u16' })
const services = kernelMap('services', 'hash', Key, Server, 16)
const byId = kernelMap('by_id', 'hash', Small, Server, 16)
const devices = objectMap('devices', 'devmap', 4)
const memory = direct('memory', { server: Server, count: 'u64' })

function mistakes(p: Builder<'short' | 'miss'>): void {
  const { data, end } = p.packet()
  const { eth, ip } = p.headers(data, end, { eth: Eth, ip: Ip }, 'short')
  // @ts-expect-error what happens to a short packet is a required argument
  p.headers(data, end, { eth: Eth })
  // @ts-expect-error a field's type is not a place: no pointer exists before headers()
  p.load(Eth.fields.type)
  // @ts-expect-error a host-order number against a wire-order field: a missing byte swap
  ne(p.load(eth.type), 0x0800)
  // @ts-expect-error which of two wire-order values is larger: a missing byte swap
  lt(p.load(ip.length), be16(40))
  // @ts-expect-error the same between two of them
  gt(p.load(ip.length), p.load(eth.type))
  // @ts-expect-error wrong width: be32 where the field is be16
  ne(p.load(eth.type), be32(0x0800))
  // @ts-expect-error a wire-order value against a host-order field
  eq(p.load(ip.protocol), be16(6))
  // @ts-expect-error what happens on a miss is a required argument
  p.lookup(services, { address: p.load(ip.source), port: be16(80), kind: 1 })
  // @ts-expect-error a key field left out
  p.lookup(services, { address: p.load(ip.source), port: be16(80) }, 'miss')
  // @ts-expect-error wrong width in the key
  p.lookup(services, { address: p.load(ip.length), port: be16(80), kind: 1 }, 'miss')
  // @ts-expect-error the wrong map for this key
  p.lookup(byId, { address: p.load(ip.source), port: be16(80), kind: 1 }, 'miss')
  // @ts-expect-error an outcome that is not counted
  p.leave('nowhere')
  const { server, count } = p.memory(memory)
  // @ts-expect-error 6 bytes into 2
  p.copy(fields(server).state, eth.dst)
  // @ts-expect-error an address plus a number is no value to add
  p.increment(count, eth.dst)
  // @ts-expect-error a field that is not there
  p.load(ip.destination)
  // @ts-expect-error arithmetic on a wire-order value
  p.alu('add', p.load(ip.length), 1)
  // @ts-expect-error the context is no number
  p.alu('add', p.ctx, 8)
  // @ts-expect-error a helper that takes addresses is not called with numbers
  p.call('map_lookup_elem', 1, 2)
  // @ts-expect-error a helper's arguments left out
  p.call('redirect', 1)
  // @ts-expect-error a tail call into a map of devices
  p.tailCall(devices, 0, 'miss')
  // @ts-expect-error what happens where there is no device is a required argument
  p.redirectMap(devices, 0)
  // @ts-expect-error a struct on the stack with a field left out
  p.onStack(Key, { address: p.load(ip.source), port: be16(80) })
  // @ts-expect-error the parameters of another helper
  p.fibLookup(p.onStack(Small, { id: 1 }), 'miss')
  // @ts-expect-error storing a host-order value into a wire-order field
  p.store(ip.length, p.load(ip.protocol))
}

test('mistakes that tsc stops are listed here', () => {
  assert.equal(typeof mistakes, 'function')
})
