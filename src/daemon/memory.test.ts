import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { type MachineMemory, meminfo, memoryShortage, requireMemory } from './memory.ts'

const MiB = 2 ** 20
const maps = (generation: number, flows: number) => [
  { name: 'tables', bytes: generation * MiB },
  { name: 'slots', bytes: 0 },
  { name: 'flows', bytes: flows * MiB },
]
const machine = (available: number, held: MachineMemory['held'] = []): MachineMemory => ({
  cpus: 2,
  total: 4096 * MiB,
  available: available * MiB,
  held,
})
const said = (...args: Parameters<typeof memoryShortage>) =>
  memoryShortage(...args).map(({ message }) => message)

test('the generation counts twice, the flow table once', () => {
  assert.deepEqual(said(maps(100, 300), machine(500)), [])
  assert.deepEqual(said(maps(100, 300), machine(499)), [
    'the packet path needs 500 MiB (twice 100 MiB while a file is put in, 300 MiB for flows), this machine has free 499 MiB',
  ])
  assert.deepEqual(said(maps(1000, 0), machine(1999)), [
    'the packet path needs 2,000 MiB (twice 1,000 MiB while a file is put in), this machine has free 1,999 MiB',
  ])
})

test('what this instance holds already is free for what takes its place', () => {
  assert.deepEqual(said(maps(100, 300), machine(100, maps(100, 300))), [])
  assert.equal(said(maps(100, 300), machine(99, maps(100, 300))).length, 1)
})

test('a flow table that changes its size is there twice while it is copied', () => {
  assert.deepEqual(said(maps(100, 400), machine(500, maps(100, 300))), [])
  assert.match(said(maps(100, 400), machine(499, maps(100, 300)))[0]!, /300 MiB for the flow table of before/)
})

test('the recorder stays, and counts once unless its size is another', () => {
  const recorded = (bytes: number) => [...maps(100, 0), { name: 'recorder', bytes: bytes * MiB }]
  assert.deepEqual(said(recorded(64), machine(264)), [])
  assert.match(said(recorded(64), machine(263))[0]!, /64 MiB for the recorder and sources/)
  assert.match(said(recorded(64), machine(131, recorded(32)))[0]!, /32 MiB for those of before/)
  assert.deepEqual(said(recorded(64), machine(164, recorded(32))), [])
})

test('who may not see what is held is told only what this machine can never have', () => {
  assert.deepEqual(said(maps(100, 300), { ...machine(1), held: undefined }), [])
  assert.match(said(maps(2000, 300), { ...machine(1), held: undefined })[0]!, /this machine has 4,096 MiB$/)
})

test('what does not fit is MEMORY_SHORT, with a remedy', () => {
  requireMemory(maps(1, 1), machine(3))
  assert.throws(
    () => requireMemory(maps(1, 1), machine(2)),
    (e) => e instanceof TenbinError && e.code === 'MEMORY_SHORT' && /limits/.test(e.remedy),
  )
})

test('/proc/meminfo is read in bytes', () => {
  const text =
    'MemTotal:        8127384 kB\nMemFree:         1 kB\nMemAvailable:    7127384 kB\nBuffers: 2 kB\n'
  assert.deepEqual(meminfo(text), { total: 8127384 * 1024, available: 7127384 * 1024 })
})
