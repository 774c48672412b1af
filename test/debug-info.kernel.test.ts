// What people see of a loaded program with the kernel's own tool: field names of its maps, its functions, and our
// TypeScript lines between the instructions.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { array, bytes, direct, kernelMap, struct } from '../src/bpf/types.ts'
import { eq } from '../src/bpf/values.ts'
import { plainFunction, program } from '../src/bpf/xdp.ts'
import { BpfMap } from '../src/kernel/map.ts'
import { loadProgram } from '../src/kernel/program.ts'

const skip = spawnSync('bpftool', ['version']).error
  ? 'bpftool (Debian package bpftool) is not installed'
  : false
const bpftool = (...args: string[]): string => execFileSync('bpftool', args, { encoding: 'utf8' })

const Server = struct('server', { mac: bytes(6), state: 'u16', packets: 'u64' })
const tables = direct('tables', {
  servers: array(Server, 2),
  rows: array(array('u32', 2), 2),
  address: 'be32',
  port: 'be16',
  pad: bytes(2),
})
const Key = struct('key', { address: 'be32', port: 'be16', kind: 'u16' })
const flows = kernelMap('flows', 'hash', Key, struct('flow', { server: 'u32', age: 'u32' }), 4)
const Index = struct('index', { at: 'u32' })
const totals = kernelMap('totals', 'array', Index, struct('total', { count: 'u64' }), 2)

const other = plainFunction('other', (p) => p.exitValue(7))
const main = plainFunction('main', (p) => {
  const { address, port } = p.memory(tables)
  const key = { address: p.load(address), port: p.load(port), kind: 1 }
  const { server } = p.lookup(flows, key, () => p.exitValue(0))
  const { count } = p.lookup(totals, { at: 1 }, () => p.exitValue(1))
  p.increment(count, p.load(server))
  p.exitIf(eq(p.callSub(other, p.ctx), 7), () => p.exitValue(2))
  p.exitValue(3)
})

function loaded() {
  const { spec } = program('with_info', main, [other])
  const maps = new Map(spec.maps.map((map) => [map.name, BpfMap.create(map)]))
  const { program: loaded } = loadProgram(spec, maps)
  const close = () => {
    loaded[Symbol.dispose]()
    for (const map of maps.values()) map[Symbol.dispose]()
  }
  return { maps, program: loaded, [Symbol.dispose]: close }
}

test('bpftool prints the maps with our field names', { skip }, () => {
  using it = loaded()
  const [memory, hash] = [it.maps.get('tables')!, it.maps.get('flows')!]
  const view = new DataView(memory.memory)
  view.setUint8(0, 2)
  view.setUint16(6, 513, true)
  view.setBigUint64(24, 99n, true)
  view.setUint32(44, 5, true)
  const shown = bpftool('map', 'dump', 'id', String(memory.info.id)).replace(/\s+/g, '')
  assert.match(shown, /"servers":\[\{"mac":\[2,0,0,0,0,0\],"state":513,"packets":0\},\{.*"packets":99\}\]/)
  assert.match(shown, /"rows":\[\[0,0\],\[0,5\]\]/)
  hash.update(Uint8Array.of(1, 0, 0, 0, 2, 0, 3, 0), Uint8Array.of(4, 0, 0, 0, 5, 0, 0, 0))
  const flow = bpftool('map', 'dump', 'id', String(hash.info.id)).replace(/\s+/g, '')
  assert.match(flow, /"key":\{"address":1,"port":2,"kind":3\},"value":\{"server":4,"age":5\}/)
  const array = bpftool('map', 'dump', 'id', String(it.maps.get('totals')!.info.id)).replace(/\s+/g, '')
  assert.match(array, /\{"key":1,"value":\{"count":0\}\}/)
})

test('bpftool prints the program with its functions and our lines', { skip }, () => {
  using it = loaded()
  const shown = bpftool('prog', 'dump', 'xlated', 'id', String(it.program.info.id), 'linum')
  assert.match(shown, /^int main\(struct xdp_md \* ?ctx\):?$/m)
  assert.match(shown, /^int other\(struct xdp_md \* ?ctx\):?$/m)
  assert.match(shown, /^; .*\[file:test\/debug-info\.kernel\.test\.ts line_num:\d+/m)
})
