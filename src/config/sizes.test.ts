import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../base/addresses.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { memoryBytes, memoryOf } from '../dataplane/memory.ts'
import { planOf } from '../engine/plan.ts'
import { toEngineSpec } from './engine-spec.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { refusals } from './refusals.fixture.ts'
import { sizes } from './sizes.ts'

const head =
  'interfaces: { lan: eth0 }\naddresses: { front: { on: lan, ips: [10.9.0.1/8] } }\ndefaults: { check: none }\n'
const services = (count: number, servers: (i: number) => string) =>
  Array.from(
    { length: count },
    (_, i) => `  s${i}: { listen: [10.9.0.1:${i + 1}], servers: ${servers(i)} }\n`,
  ).join('')
const read = (text: string) => load('t', textReader({ t: text }))

test('the sizes are those of the maps that the engine makes', () => {
  const text = `${head}servers: { web001..100: 10.0.0.1..100 }\npools: { unused: web001..100 }\nservices:\n${services(3, (i) => `web00${i + 1}..010`)}`
  const state = read(text)
  const { shape } = planOf(
    toEngineSpec(state, 'local', { name: 'eth0', index: 1, mac: parseMac('02:00:00:00:00:01'), mtu: 1500 }),
    { cpus: 3, clock: clockOf(250) },
  )
  const { pools, maps, total } = sizes(state, 3)
  assert.equal(total, memoryBytes(memoryOf(shape)))
  assert.deepEqual(
    maps.map(({ name }) => name),
    ['tables', 'slots', 'counters'],
  )
  assert.equal(
    maps.reduce((sum, { bytes }) => sum + bytes, 0),
    total,
  )
  assert.deepEqual(pools, [
    { name: 's0', servers: 10, slots: 8191, bytes: 32_764 },
    { name: 's1', servers: 9, slots: 8191, bytes: 32_764 },
    { name: 's2', servers: 8, slots: 8191, bytes: 32_764 },
  ])
})

test('a pool of one server has the smallest table, many listeners have a table too', () => {
  const few = read(`${head}servers: { web01: 10.0.0.1 }\nservices:\n${services(1, () => 'web01')}`)
  assert.deepEqual(sizes(few, 1).pools, [{ name: 's0', servers: 1, slots: 1021, bytes: 4084 }])
  const many = read(`${head}servers: { web01: 10.0.0.1 }\nservices:\n${services(1000, () => 'web01')}`)
  const tables = (state: typeof few) => sizes(state, 1).maps.find(({ name }) => name === 'tables')!.bytes
  assert.ok(tables(many) - tables(few) >= 16 * 1001, 'room for 1,000 listeners and their address')
})

test('more than the packet path can have is refused', () => {
  const servers = 'servers: { web0001..1008: 10.0.0.1..10.0.3.240 }\n'
  const tables = services(206, (i) => `web0001..${1008 - i}`)
  assert.deepEqual(refusals(`${head}${servers}services:\n${tables}`), [
    '1:1: the tables of 206 pools take 514 MiB, at most 512 are possible: let services share pools',
  ])
  const ports = (from: number) =>
    Array.from({ length: 50_001 }, (_, i) => `10.9.0.${from}:${i + 1}`).join(', ')
  const wide = head.replace('[10.9.0.1/8]', '[10.9.0.1/8, 10.9.0.2/8]')
  assert.deepEqual(
    refusals(
      `${wide}servers: { web01: 10.0.0.1 }\nservices: { s: { listen: [${ports(1)}, ${ports(2)}], servers: web01 } }`,
    ),
    ['1:1: 100002 listeners, at most 100000 are possible: split them over several balancers'],
  )
})

test('more servers than there are ids is refused before anything is built of them', () => {
  const all = (count: number) =>
    refusals(
      `${head}servers: { web00001..${count}: 10.0.0.1..10.0.127.${count - 32_512} }\nservices:\n${services(1, () => `web00001..${count}`)}`,
    )
  assert.deepEqual(all(32_767), [
    '1:1: 32767 servers in pools, at most 32766 are possible: split them over several balancers',
  ])
  assert.deepEqual(all(32_766), [])
})

test('pools of more servers together than fit are refused before they are made', () => {
  const some = services(40, (i) => `web00001..${32_767 - i}`)
  const said = refusals(`${head}servers: { web00001..32767: 10.0.0.1..10.0.127.255 }\nservices:\n${some}`)
  assert.equal(said.length, 10)
  assert.equal(
    said[0],
    '36:42: with these, pools have more than 1000000 servers together: share pools between services',
  )
})
