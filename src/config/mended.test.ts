// What is found in entries of which a value has the wrong shape: all else that is wrong, and nothing that is right.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { type Change, movingFile, refusals, textOf } from './refusals.fixture.ts'

const set = (rest: string): Change => ({ addresses: `addresses: { front: { ${rest} } }` })
const service = (rest: string, extra = ''): Change => ({ services: `services: { www: { ${rest} } }`, extra })

/** Of files in which more than one thing is wrong: all that is said. */
const cases: readonly (readonly [what: string, Change, ...string[]])[] = [
  [
    'an address set whose vrid cannot be: a role, an address, an interval, a word, what is tracked',
    set(
      'on: lam, ips: [192.168.8.300/24], vrid: 500, advert: 5ms, checksum: rfc5789, track: [{ link: bak }]',
    ),
    '2:27: "lam" is no role of interfaces: did you mean "lan"?',
    '2:38: "192.168.8.300" is not an address such as 192.168.8.2 or 2001:db8::2',
    '2:63: expected a whole number from 1 to 255, found 500',
    '2:76: 5ms is out of range: 10ms to 40950ms',
    '2:91: "rfc5789" is not known: write rfc5798 or rfc9568: did you mean "rfc5798"?',
    '2:116: "bak" is no role of interfaces: add it, for example bak: eth0',
  ],
  [
    'an address set in which something is missing as well',
    set('ips: [192.168.8.100/24], vrid: x'),
    '2:14: "on" is missing: it takes a role of interfaces, such as lan',
    '2:54: expected a whole number from 1 to 255, found "x"',
  ],
  [
    'a service whose check cannot be: its listener, a server, its scheduler',
    service('listen: [192.168.8.101:80], servers: [web01, web11], scheduler: dh, check: 5'),
    '4:29: 192.168.8.101 is in no address set, so no node would have it: add it to an address set, such as front',
    '4:65: web11 is not in servers: did you mean "web01"?',
    '4:84: scheduler dh is not built yet: write scheduler: mh, sh, rr, wrr, lc, wlc, sed or nq',
    '4:95: expected none, a kind such as tcp, or a check such as { http: /health, every: 3s }, found 5',
  ],
  [
    'a service without listeners: a server that is there twice, a word',
    service('servers: [web01, web01], hash: x'),
    '4:13: "listen" is missing: it takes a list of listeners such as [192.168.8.100:80]',
    '4:37: web01 is in this pool twice: also at t:4:30',
    '4:51: "x" is not part of a flow: write hash: flow or source',
  ],
  [
    'a listener of a service that cannot be is one all the same',
    service('listen: [192.168.8.100:80], servers: 7 }, alt: { listen: [192.168.8.100:80], servers: web01'),
    '4:57: expected servers such as web01..10 or [web01, { name: web02, weight: 3 }], found 7',
    '4:78: 192.168.8.100:80 is a listener of service www already, at t:4:29: remove one of them',
  ],
  [
    'a pool whose quorum cannot be: its sorry server',
    service(
      'listen: [192.168.8.100:80], pool: web',
      'pools: { web: { servers: web01, quorum: [], sorry: [web77] } }',
    ),
    '5:41: expected a quorum such as 2, 50%, or { up: 3, down: 2 }, found a list',
    '5:53: web77 is not in servers: did you mean "web07"?',
  ],
]

test('what has the wrong shape hides nothing else of its entry', () => {
  for (const [what, change, ...expected] of cases) assert.deepEqual(refusals(change), expected, what)
})

/** A service and a pool that say all that they can, and one that only names the pool. */
const serving = textOf({
  servers: 'servers: { web01..10: 192.168.8.11..20, web99: 192.168.8.99 }',
  services: `services:
  www:
    listen: [192.168.8.100:53/udp]
    servers: web01..05
    sorry: [web99]
    quorum: { up: 3, down: 2 }
    server_port: 80
    forward: nat
    scheduler: wlc
    hash: source
    track: all
    on_failure: reset
    timeouts: { udp: 30s }
    slow_start: 30s
    guard: off
    check: { dns: www.example.org }
    persistence: 10m
    defence: { proof: off }
  alt: { listen: [192.168.8.100:81], pool: web, check: { tcp: {}, via: service }, track: none }`,
  extra: 'pools: { web: { servers: web06..10, sorry: [web99], quorum: 50% } }',
})

for (const [name, text, defaults] of [
  ['address sets', movingFile, {}],
  ['services and pools', serving, {}],
  // what a service says is no longer there to say otherwise
  [
    'services under defaults',
    serving,
    { check: { tcp: {}, via: 'service' }, track: 'none', scheduler: 'mh' },
  ],
] as const)
  test(`whichever value is wrong, nothing is said of those that are right: ${name}`, () => {
    const file = parse(text) as File
    assert.deepEqual(refusals(JSON.stringify(file)), [])
    const whole = refusals(JSON.stringify({ ...file, defaults }))
    for (const section of ['addresses', 'pools', 'services'])
      for (const [entry, value] of Object.entries(file[section] ?? {}))
        for (const key of Object.keys(value)) {
          const entries = { ...file[section], [entry]: { ...value, [key]: null } }
          const wrong = { ...file, defaults, [section]: entries }
          const said = refusals(JSON.stringify(wrong)).filter((each) => !whole.includes(each))
          assert.equal(said.length, 1, `${section}, ${entry}, ${key}: ${said.join('; ')}`)
          assert.match(said[0]!, /found nothing$/)
        }
  })

type File = Record<string, Record<string, Record<string, unknown>>>
