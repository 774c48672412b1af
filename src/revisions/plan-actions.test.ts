import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import type { DesiredState } from '../config/state.ts'
import { actionsOf } from './plan-actions.ts'

interface Said {
  readonly www?: string
  readonly set?: string
  readonly more?: string
}

/** state of a file whose service, address set and rest say this. */
const state = ({ www = '', set = '', more = '' }: Said): DesiredState =>
  load(
    't',
    textReader({
      t: `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
interfaces: { lan: eth0, back: eth1 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] ${set} } }
servers: { web1..4: 10.0.0.101..104 }
services: { www: { listen: [10.0.0.100:80], servers: web1..4 ${www} } }
${more}`,
    }),
  )

/** details of what is changed from one to the other. */
const details = (before: Said, after: Said): string[] =>
  actionsOf(state(before), state(after)).map(
    ({ kind, what, name, detail }) => `${kind === 'change' ? '' : `${kind} `}${what} ${name}: ${detail}`,
  )

const check = (words: string): Said => ({ www: `, check: ${words}` })

test('of a check only what differs is said, in the words of the file', () => {
  const table: readonly (readonly [string, string, string])[] = [
    ['{ tcp: {}, every: 1s }', '{ tcp: {}, every: 2s }', 'every: 1s -> 2s'],
    ['tcp', '{ tcp: {}, in_doubt: 500ms, fall: 5 }', 'fall: 3 -> 5, in_doubt: 1s -> 500ms'],
    ['{ http: /a }', '{ http: /b, timeout: 90s }', 'http: path: /a -> /b, timeout: 2s -> 90s'],
    [
      '{ http: { path: /a } }',
      '{ http: { path: /a, status: [200, 204..206] } }',
      'http: status: 200 -> 200 204..206',
    ],
    [
      '{ tls: { name: a } }',
      '{ tls: { name: a, ca: /etc/ca.pem, verify: true } }',
      'tls: verify: false -> true, ca: none -> /etc/ca.pem',
    ],
    [
      '{ script: [/bin/x] }',
      '{ script: { command: [/bin/x, -v], dynamic: true } }',
      'script: command: /bin/x -> /bin/x -v, dynamic: false -> true',
    ],
    [
      '{ tcp: {}, address: 10.0.0.9, port: 1 }',
      '{ tcp: {}, address: 10.0.0.8, port: 1 }',
      'address: 10.0.0.9 -> 10.0.0.8',
    ],
    [
      'none',
      '{ ping: {}, every: 1s }',
      'none -> ping, every: 1s, in_doubt: 1s, timeout: 2s, delay: 0ms, fall…',
    ],
  ]
  for (const [before, after, words] of table)
    assert.deepEqual(details(check(before), check(after)), [`service www: check: ${words}`])
  const [kinds] = details(check('tcp'), check('{ http: /a, every: 1s }'))
  assert.match(kinds!, /^service www: check: tcp -> http, .*path: \/a.*, every: 2s -> 1s$/)
})

test('names, such as those of headers, are as they were written', () => {
  const http = (headers: string) => check(`{ http: { path: /, headers: { ${headers} } } }`)
  assert.deepEqual(details(http('X-Probe: "1"'), http('X-Probe: "2", isA: "7"')), [
    'service www: check: http: headers: X-Probe: 1 -> 2, isA: none -> 7',
  ])
  const prefer = (node: string): Said => ({ set: `, vrid: 5, prefer: ${node}` })
  assert.deepEqual(details(prefer('lb1'), prefer('lb2')), [
    'address set front: priorities: lb1: 200 -> 100, lb2: 100 -> 200',
  ])
})

test('of two long values that begin alike the place is shown where they differ', () => {
  const path = (end: string) => `{ http: /${'long/'.repeat(30)}${end} }`
  const [detail] = details(check(path('a')), check(path('b')))
  assert.equal(detail, 'service www: check: http: path: …long/long/a -> …long/long/b')
  const several = (every: string) => `{ all: [tcp, { http: /a }, { http: /${every} }] }`
  const [all] = details(check(several('b')), check(several('c')))
  const [from, to] = all!.split(' -> ')
  assert.notEqual(from!.split('…')[1], to!.split('…')[1])
})

test('the keys of what is nested are those of the file, its numbers have their units', () => {
  const table: readonly (readonly [Said, Said, string])[] = [
    [{}, { www: ', slow_start: 30s' }, 'service www: slow_start: 0ms -> 30s'],
    [{}, { www: ', timeouts: { established: 1h }' }, 'service www: timeouts: established: 15m -> 1h'],
    [{}, { www: ', guard: off' }, 'service www: guard: share: 50% -> off'],
    [
      { www: ', guard: 30%' },
      { www: ', guard: { share: 30%, hold: 90s }' },
      'service www: guard: hold: 1m -> 90s',
    ],
    [{ set: ', vrid: 5' }, { set: ', vrid: 5, advert: 100ms' }, 'address set front: advert: 1s -> 100ms'],
    [
      { set: ', vrid: 5, track: [{ service: www }]' },
      { set: ', vrid: 5, track: [{ service: www, weight: -20 }]' },
      'address set front: track: service:www: weight: fault -> -20',
    ],
    [
      { set: ', vrid: 5, routes: [{ to: default, via: 10.0.0.1 }]' },
      { set: ', vrid: 5, routes: [{ to: default, via: 10.0.0.9 }, { to: 10.2.0.0/16, via: 10.0.0.1 }]' },
      'address set front: routes: - default via 10.0.0.1 on lan from 10.0.0.100, + default via 10.0.0.9 on lan from 10.0.0.100, + 10.2.0.0/16 via 10.0.0.1 on lan from 10.0.0.100',
    ],
    [{}, { more: 'cluster: { port: 1000 }' }, 'cluster : port: 7943 -> 1000'],
    [{}, { more: 'metrics: { listen: "10.0.0.2:9100" }' }, 'metrics : none -> 10.0.0.2:9100'],
    [
      { more: 'cluster: { also: { lb1: 10.1.0.2, lb2: 10.1.0.3 } }' },
      { more: 'cluster: { also: { lb1: 10.1.0.2, lb2: 10.1.0.4 } }' },
      'cluster : also: lb2: 10.1.0.3 -> 10.1.0.4',
    ],
    [
      { more: 'notify: { ops: { mail: a@b.example, server: mx, tls: none } }' },
      { more: 'notify: { ops: { mail: a@b.example, server: mx, tls: tls, gather: 2m } }' },
      'notification ops: port: 25 -> 465; tls: none -> tls; gather: 1m -> 2m',
    ],
  ]
  for (const [before, after, words] of table) assert.deepEqual(details(before, after), [words])
})
