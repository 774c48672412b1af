import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusals } from './refusals.fixture.ts'

const head =
  'interfaces: { lan: eth0 }\naddresses: { front: { on: lan, ips: [10.9.0.1/8] } }\ndefaults: { check: none }\n'
const services = (count: number, servers: (i: number) => string) =>
  Array.from(
    { length: count },
    (_, i) => `  s${i}: { listen: [10.9.0.1:${i + 1}], servers: ${servers(i)} }\n`,
  ).join('')

test('more than the packet path can have is refused', () => {
  const servers = 'servers: { web0001..1008: 10.0.0.1..10.0.3.240 }\n'
  const tables = services(206, (i) => `web0001..${1008 - i}`)
  assert.deepEqual(refusals(`${head}${servers}services:\n${tables}`), [
    '1:1: the tables of 206 pools take 513 MiB, at most 512 are possible: let services share pools',
  ])
  assert.deepEqual(
    refusals(
      `${head.replace('/8]', '/8, 10.9.0.2/8]')}servers: { web01: 10.0.0.1 }\nservices: { s: { listen: [10.9.0.1:1..65535, 10.9.0.2:1..34466/udp], servers: web01 } }`,
    ),
    [],
  )
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
