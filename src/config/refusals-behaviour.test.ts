import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, refusals } from './refusals.fixture.ts'

/** service: the right file's service with more keys, and where those begin. */
const service = (keys: string): Exclude<Change, string> => ({
  services: `services: { www: { servers: web01..10, check: none, listen: [192.168.8.100:80], ${keys} } }`,
})

test('what a service does with its flows is refused where it is not known or not built', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['track: change', '4:88: "change" is not a way of tracking: did you mean "changes"?'],
    ['track: yes', '4:88: "yes" is not a way of tracking: write track: changes, all or none'],
    ['track: [all]', '4:88: expected which flows are remembered: changes, all or none, found a list'],
    ['on_failure: rst', '4:93: "rst" is not known: write on_failure: keep or reset'],
    ['hash: ports', '4:87: "ports" is not part of a flow: write hash: flow or source'],
    ['hash: sourec', '4:87: "sourec" is not part of a flow: did you mean "source"?'],
    [
      'scheduler: dh',
      '4:92: scheduler dh is not built yet: write scheduler: mh, sh, rr, wrr, lc, wlc, sed or nq',
    ],
    ['forward: nat'],
    ['forward: nat, track: all, server_port: 8080'],
    [
      'forward: nat, track: none',
      '4:102: forward nat tracks every flow, track none does not: write track: all, or leave it out',
    ],
    ['server_port: 8080', '4:94: dsr leaves the port as it is: write forward: nat, or remove server_port'],
    ['forward: nat, server_port: 65536', '4:108: expected a whole number from 1 to 65535, found 65536'],
    ['onfailure: keep', '4:81: unknown key "onfailure": did you mean "on_failure"?'],
  ]
  for (const [keys, ...expected] of cases) assert.deepEqual(refusals(service(keys)), expected)
})

test('a scheduler that counts remembers every flow, and another track beside it is refused', () => {
  const remedy = (scheduler: string) =>
    `scheduler ${scheduler} remembers every flow: write track: all, or leave it out`
  assert.deepEqual(refusals(service('scheduler: rr, track: all')), [])
  assert.deepEqual(refusals(service('scheduler: sh, track: none')), [])
  assert.deepEqual(refusals(service('scheduler: rr, track: none')), [`4:103: ${remedy('rr')}`])
  assert.deepEqual(refusals({ ...service('track: changes'), extra: 'defaults: { scheduler: nq }' }), [
    `4:88: ${remedy('nq')}`,
  ])
  assert.deepEqual(refusals({ extra: 'defaults: { track: changes, scheduler: wlc }' }), [
    `5:20: ${remedy('wlc')}`,
  ])
  // what is said for all is not meant for one that says otherwise
  assert.deepEqual(refusals({ ...service('scheduler: lc'), extra: 'defaults: { track: changes }' }), [])
})

test('a scheduler that looks at connections has a bounded number of servers', () => {
  const said = (scheduler: string, count: number, last: string) =>
    refusals({
      addresses: 'addresses: { front: { on: lan, ips: [10.9.0.1/8] } }',
      servers: `servers: { s0001..${count}: 10.0.0.1..${last} }`,
      services: `services: { www: { servers: s0001..${count}, check: none, listen: [10.9.0.1:80], scheduler: ${scheduler} } }`,
    })
  const why = 'which looks at all of them at each new connection: at most 1024, or write scheduler: mh'
  assert.deepEqual(said('nq', 1024, '10.0.4.0'), [])
  assert.deepEqual(said('wrr', 1025, '10.0.4.1'), [])
  assert.deepEqual(said('nq', 1025, '10.0.4.1'), [`4:13: 1025 servers are too many for scheduler nq, ${why}`])
})

test('time-outs have units and bounds, and are whole seconds', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['timeouts: { syn: 60 }', '4:98: expected a duration such as 60s, found 60'],
    ['timeouts: { syn: "60" }', '4:98: "60" has no unit: write 60s or 60ms'],
    ['timeouts: { udp: soon }', '4:98: "soon" is not a duration such as 3s or 100ms'],
    ['timeouts: { udp: 900ms }', '4:98: 900ms is out of range: a time-out is 1s to 24h'],
    ['timeouts: { fin: 86401s }', '4:98: 86401s is out of range: a time-out is 1s to 24h'],
    ['timeouts: { fin: 1.6s }', '4:98: 1.6s is not whole seconds: write 2s'],
    ['timeouts: { fin: 1s, udp: 24h }'],
    ['timeouts: { tcp: 1s }', '4:93: unknown key "tcp": known here are syn, established, fin, udp'],
    ['timeouts: 15m', '4:91: expected time-outs such as { established: 15m, udp: 30s }, found "15m"'],
    [
      'timeouts: { syn: 0s, udp: 1d1s }',
      '4:98: "0s" is out of range: 1ms to 366d',
      '4:107: "1d1s" is not a duration such as 3s or 100ms',
    ],
  ]
  for (const [keys, ...expected] of cases) assert.deepEqual(refusals(service(keys)), expected)
})

test('persistence has a time-out, lengths of networks, and all flows remembered', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['persistence: 5m'],
    ['persistence: { timeout: 24h, network: 1, network6: 128 }, track: all'],
    ['persistence: {}'],
    [
      'persistence: true',
      '4:94: expected a duration such as 10m, or { timeout: 10m, network: 24, network6: 64 }, found true',
    ],
    ['persistence: "300"', '4:94: "300" has no unit: write 300s or 300ms'],
    ['persistence: 2d', '4:94: 2d is out of range: a time-out is 1s to 24h'],
    ['persistence: { timeout: 0.5s }', '4:105: 0.5s is out of range: a time-out is 1s to 24h'],
    ['persistence: { network: 33 }', '4:105: expected a whole number from 1 to 32, found 33'],
    ['persistence: { network6: 0 }', '4:106: expected a whole number from 1 to 128, found 0'],
    [
      'persistence: { netmask: 24 }',
      '4:96: unknown key "netmask": known here are timeout, network, network6',
    ],
    [
      'persistence: 5m, track: changes',
      '4:105: track changes with persistence: all of the service’s flows are remembered, remove track',
    ],
  ]
  for (const [keys, ...expected] of cases) assert.deepEqual(refusals(service(keys)), expected, keys)
  assert.deepEqual(refusals({ extra: 'defaults: { persistence: 5m }' }), [
    '5:13: "persistence" is a service\'s own: write it there',
  ])
})

test('defaults are refused at their own place, once', () => {
  assert.deepEqual(
    refusals({ extra: 'defaults: { track: al, timeouts: { udp: 2d, syn: 5s }, sorry: [web99], hash: x }' }),
    [
      '5:20: "al" is not a way of tracking: did you mean "all"?',
      '5:41: 2d is out of range: a time-out is 1s to 24h',
      '5:64: web99 is not in servers: did you mean "web09"?',
      '5:78: "x" is not part of a flow: write hash: flow or source',
    ],
  )
})

test('limits are whole numbers within bounds', () => {
  assert.deepEqual(refusals({ extra: 'limits: { flows: 1024, new_flows: 1 }' }), [])
  assert.deepEqual(refusals({ extra: 'limits: {}' }), [])
  assert.deepEqual(refusals({ extra: 'limits: { flows: 1000, new_flows: 1.5, flow: 3 }' }), [
    '5:18: expected a whole number from 1024 to 16777216, found 1000',
    '5:35: expected a whole number from 1 to 10000000, found 1.5',
    '5:40: unknown key "flow": did you mean "flows"?',
  ])
  assert.deepEqual(refusals({ extra: 'limits: 5' }), [
    '5:9: expected limits such as { flows: 262144 }, found 5',
  ])
})

test('ranges of ports are refused with what to write', () => {
  const listening = (listen: string) =>
    refusals({ services: `services: { www: { listen: [${listen}], servers: web01..10, check: none } }` })
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['192.168.8.100:8000..8099'],
    ['192.168.8.100:8000..8000'],
    ['192.168.8.100:8000..8099, 192.168.8.100:8000..8099/udp, 192.168.8.100:8100, 192.168.8.100:7999'],
    ['192.168.8.100:8000-8099', '4:29: a range of ports has two dots: write 8000..8099'],
    ['"192.168.8.100:8000:8099"', '4:29: a range of ports has two dots: write 8000..8099'],
    ['192.168.8.100:8099..8000', '4:29: "8099..8000" runs backwards: write 8000..8099'],
    ['192.168.8.100:8000..99', '4:29: "8000..99" is no range of ports: write both in full, 8000..8099'],
    [
      '192.168.8.100:8000..65536',
      '4:29: "65536" is no port: write a number from 1 to 65535, without zeros before it',
    ],
    ['192.168.8.100:8000..', '4:29: "" is no port: write a number from 1 to 65535, without zeros before it'],
    ['192.168.8.100:1..2..3', '4:29: "1..2..3" is no range of ports such as 8000..8099'],
    ['192.168.8.100:*, "192.168.8.100:*/udp"'],
    [
      '192.168.8.100:*, 192.168.8.100:1..65535',
      '4:46: 192.168.8.100:* is a listener of this service already, at t:4:29: remove one of them',
    ],
    [
      '192.168.8.100:*, 192.168.8.100:80',
      '4:46: 192.168.8.100:80 and 192.168.8.100:* of this service, at t:4:29, have ports in common: remove them from one',
    ],
    ['192.168.8.100:**', '4:29: "**" is no port: write a number from 1 to 65535, without zeros before it'],
    [
      '192.168.8.100:8000..8099, 192.168.8.100:8050',
      '4:55: 192.168.8.100:8050 and 192.168.8.100:8000..8099 of this service, at t:4:29, have ports in common: remove them from one',
    ],
    [
      '192.168.8.100:8050, 192.168.8.100:90, 192.168.8.100:8000..8099',
      '4:67: 192.168.8.100:8000..8099 and 192.168.8.100:8050 of this service, at t:4:29, have ports in common: remove them from one',
    ],
    [
      '192.168.8.100:8000..8099, 192.168.8.100:8099..8200',
      '4:55: 192.168.8.100:8099..8200 and 192.168.8.100:8000..8099 of this service, at t:4:29, have ports in common: remove them from one',
    ],
  ]
  for (const [listen, ...expected] of cases) assert.deepEqual(listening(listen), expected, listen)
})

test('of several services a port is that of the narrowest listener; two of one kind may not have it', () => {
  const of = (first: string, second: string) =>
    refusals({
      services: `services:
  one: { listen: [${first}], servers: web01..10 }
  two: { listen: [${second}], servers: web01..10 }`,
      extra: 'defaults: { check: none }',
    })
  const cases: readonly (readonly [string, string, ...string[]])[] = [
    ['192.168.8.100:*', '192.168.8.100:80, 192.168.8.100:8000..8099, 192.168.8.100:8000..8099/udp'],
    ['192.168.8.100:8050, 192.168.8.100:90', '192.168.8.100:8000..8099'],
    ['192.168.8.100:8000..8099', '192.168.8.100:8000, 192.168.8.100:8099'],
    ['192.168.8.100:8000..8099', '192.168.8.100:*'],
    [
      '192.168.8.100:8000..8099',
      '192.168.8.100:8010..8019',
      '6:19: 192.168.8.100:8010..8019 and 192.168.8.100:8000..8099 of service one, at t:5:19, have ports in common: remove them from one',
    ],
    [
      '192.168.8.100:*',
      '192.168.8.100:8010..8019, 192.168.8.100:1..65535',
      '6:45: 192.168.8.100:* is a listener of service one already, at t:5:19: remove one of them',
    ],
    [
      '192.168.8.100:8090..8099',
      '192.168.8.100:8050, 192.168.8.100:8000..8060',
      '6:39: 192.168.8.100:8000..8060 and 192.168.8.100:8050 of this service, at t:6:19, have ports in common: remove them from one',
    ],
  ]
  for (const [first, second, ...expected] of cases)
    assert.deepEqual(of(first, second), expected, `${first} and ${second}`)
})

test('an IPv6 listener with a range or a star is told its quotes', () => {
  const listening = (listen: string) =>
    refusals({ services: `services: { www: { listen: [${listen}], servers: web01..10, check: none } }` })
  assert.match(listening('[2001:db8::10]:*').join('\n'), /stands in quotes: write "\[2001:db8::10\]:\*"/)
  assert.match(listening('[2001:db8::10]:80..90').join('\n'), /write "\[2001:db8::10\]:80\.\.90"/)
  assert.match(listening('"2001:db8::10:80..90"').join('\n'), /write "\[2001:db8::10\]:80\.\.90"/)
})
