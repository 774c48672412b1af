import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, refusals } from './refusals.fixture.ts'

const nodes = 'nodes: { lb1: 192.168.8.2, lb2: 192.168.8.3 }'
const set = (keys: string, extra = nodes): Change => ({
  addresses: `addresses: { front: { on: lan, ips: [192.168.8.100/24], ${keys} } }`,
  extra,
})
/** refusalsOf: messages without the lines and columns. */
const refusalsOf = (change: Change): string[] =>
  refusals(change).map((text) => text.replace(/^\d+:\d+: /, ''))

test('what is of failover alone needs a vrid, and stands where it was written', () => {
  assert.deepEqual(refusals(set('prefer: lb1, advert: 100ms')), [
    '2:57: prefer is of failover, which needs a vrid: write vrid: 51 too',
    '2:70: advert is of failover, which needs a vrid: write vrid: 51 too',
  ])
})

test('what two nodes could not agree on is refused with what to write', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['vrid: 0', 'expected a whole number from 1 to 255, found 0'],
    ['vrid: 51, prefer: lb3', '"lb3" is no node: did you mean "lb1"?'],
    ['vrid: 51, priorities: { lb1: 200 }', 'no priority for lb2: add lb2: 100'],
    [
      'vrid: 51, priorities: { lb1: 255, lb2: 255 }',
      "lb1 and lb2 cannot both own the addresses: 255 is one node's",
    ],
    [
      'vrid: 51, prefer: lb1, priorities: { lb1: 2, lb2: 1 }',
      'priorities say already who is preferred: leave one of them out',
    ],
    ['vrid: 51, priorities: { lb1: 2, lb2: 1, x: 3 }', '"x" is no node: add it to nodes'],
    ['vrid: 51, advert: 5ms', '5ms is out of range: 10ms to 40950ms'],
    ['vrid: 51, advert: 15ms', '15ms cannot be said in an advert: version 3 counts in steps of 10ms'],
    ['vrid: 51, advert: 41s', '41s is out of range: 10ms to 40950ms'],
    [
      'vrid: 51, version: 2, advert: 1500ms',
      '1500ms cannot be said in an advert: version 2 counts in whole seconds',
    ],
    ['vrid: 51, advert: soon', '"soon" is not a duration such as 3s or 100ms'],
    ['vrid: 51, preempt: 2d', '2d is out of range: 0s to 1d'],
    ['vrid: 51, version: 2, checksum: rfc9568', 'version 2 has one form of checksum: leave "checksum" out'],
    [
      'vrid: 51, checksum: rfc5789',
      '"rfc5789" is not known: write rfc5798 or rfc9568: did you mean "rfc5798"?',
    ],
    ['vrid: 51, mac: real', '"real" is not known: write interface or virtual'],
    ['vrid: 51, announce: { repeat: 1ms }', '1ms is out of range: 1s to 1d'],
    ['vrid: 51, auth: { pass: /k }', 'version 3 has no passwords (RFC 9568 9): write hmac, or version: 2'],
    ['vrid: 51, version: 2, auth: { hmac: /k }', 'hmac is of version 3: write pass, or version: 3'],
    ['vrid: 51, auth: {}', 'write either pass (version 2) or hmac (version 3)'],
    ['vrid: 51, auth: { hmac: [] }', 'hmac takes one file, or two while keys are exchanged: [NEW, OLD]'],
    ['vrid: 51, auth: { hmac: key }', '"key" is not a whole path: write it from / on'],
    ['vrid: 51, auth: { hmac: /k, hmca: /k }', 'unknown key "hmca": did you mean "hmac"?'],
  ]
  for (const [keys, ...expected] of cases)
    assert.deepEqual(refusalsOf(set(keys)).slice(0, expected.length), expected, keys)
})

test('version 2 is refused IPv6 addresses, and any version more than an advert has room for', () => {
  const six = 'addresses: { front: { on: lan, ips: ["2001:db8::1/64"], vrid: 1, version: 2 } }'
  assert.ok(
    refusalsOf({ addresses: six }).includes('version 2 is for IPv4 only, and the set has 2001:db8::1'),
  )
  const many = Array.from({ length: 81 }, (_, at) => `"2001:db8::${(at + 1).toString(16)}/64"`).join(', ')
  assert.ok(
    refusalsOf({ addresses: `addresses: { front: { on: lan, ips: [${many}], vrid: 1 } }` }).some((text) =>
      text.startsWith('81 IPv6 addresses on lan: an advert has room for 80'),
    ),
  )
})

test('addresses that move together are named by role, once', () => {
  const both = { interfaces: 'interfaces: { lan: eth0, back: eth1 }' }
  const cases: readonly (readonly [string, string, ...string[]])[] = [
    ['both', 'on: lan, ips: { lan: [192.168.8.100/24] }', 'ips names the roles already: leave "on" out'],
    ['neither', 'ips: [192.168.8.100/24]', '"on" is missing: it takes a role of interfaces, such as lan'],
    [
      'unknown',
      'ips: { lan: [192.168.8.100/24], bakc: [10.0.0.1/24] }',
      '"bakc" is no role of interfaces: did you mean "back"?',
    ],
    ['none', 'ips: {}', 'an address set has at least one address: write [192.168.8.100/24]'],
    [
      'twice',
      'ips: { lan: [192.168.8.100/24], back: [192.168.8.100/24] }',
      '192.168.8.100 is the address of address set front already, at t:2:36',
    ],
  ]
  for (const [what, keys, ...expected] of cases)
    assert.deepEqual(
      refusalsOf({ ...both, addresses: `addresses: { front: { ${keys} } }` }).slice(0, 1),
      expected,
      what,
    )
})

test('one virtual router is one set’s on one link', () => {
  const two = (second: string) =>
    `addresses: { front: { on: lan, ips: [192.168.8.100/24], vrid: 51 }, more: { ${second} } }`
  const clash =
    'vrid 51 is that of address set front on the same link already, at t:2:63: take another number'
  assert.deepEqual(refusalsOf({ addresses: two('on: lan, ips: [192.168.8.101/24], vrid: 51') }), [clash])
  assert.deepEqual(refusalsOf({ addresses: two('on: lan, ips: ["2001:db8::1/64"], vrid: 51') }), [])
  const alike = { interfaces: 'interfaces: { lan: eth0, again: eth0 }' }
  assert.deepEqual(refusalsOf({ ...alike, addresses: two('on: again, ips: [192.168.8.101/24], vrid: 51') }), [
    clash,
  ])
  const self =
    'addresses: { front: { ips: { lan: [192.168.8.100/24], again: [192.168.8.101/24] }, vrid: 51 } }'
  assert.deepEqual(refusalsOf({ ...alike, addresses: self }), [
    "lan and again are one NIC, eth0: put the set's addresses on one of them",
  ])
})

test('link-local addresses are a set’s that says on which link it moves', () => {
  const of = (keys: string) =>
    `addresses: { front: { on: lan, ips: [192.168.8.100/24, "fe80::1/64"]${keys} } }`
  assert.deepEqual(refusalsOf({ addresses: of(', vrid: 1') }), [])
  assert.deepEqual(refusalsOf({ addresses: of('') }), [
    'fe80::1 is a link-local address, which needs an interface beside it: no machine can have it here',
  ])
})

test('unicast has one address of every node, of each family, on each role', () => {
  const cases: readonly (readonly [Change, ...string[]])[] = [
    [set('vrid: 51, unicast: true'), ...[]],
    [set('vrid: 51, unicast: true, min_ttl: 64'), ...[]],
    [
      set('vrid: 51, min_ttl: 64'),
      'min_ttl is of adverts by unicast: by multicast they come from the link itself, with 255',
    ],
    [
      set('vrid: 51, unicast: true', 'nodes: { lb1: 192.168.8.2 }'),
      'there is nobody to send to: add the other node to nodes',
    ],
    [
      set('vrid: 51, unicast: true', 'nodes: { lb1: 192.168.8.2, lb2: "2001:db8::3" }'),
      'true is the address in nodes, one of each node, but here are both families: name the addresses of each role',
    ],
    [
      set('vrid: 51, unicast: { lan: { lb1: 192.168.8.2 } }'),
      'no address of lb2 on lan: add lb2: 192.168.8.2',
    ],
    [
      set('vrid: 51, unicast: { lan: { lb1: 192.168.8.2, lb2: 192.168.8.2 } }'),
      "192.168.8.2 is lb1's address already",
    ],
    [
      set('vrid: 51, unicast: { lan: { lb1: 192.168.8.2, lb2: "2001:db8::3" } }'),
      'lb2 needs one IPv4 address on lan, and has none',
    ],
    [
      set('vrid: 51, unicast: { lna: { lb1: 192.168.8.2, lb2: 192.168.8.3 } }'),
      'no addresses of nodes on lan: add lan: { lb1: … }',
      'the set has no addresses on "lna": did you mean "lan"?',
    ],
  ]
  for (const [change, ...expected] of cases) assert.deepEqual(refusalsOf(change), expected)
})

test('a route leads somewhere, through a gateway on one of the set’s links, and has an address of the set as its source', () => {
  const routes = (text: string, more = ''): Change => ({
    ...(set(`vrid: 51, routes: [${text}]${more}`) as object),
    interfaces: 'interfaces: { lan: eth0, back: eth1 }',
  })
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['{ to: default, via: 192.168.8.1 }'],
    ['{ to: 0.0.0.0/0, via: 192.168.8.1, on: lan, source: 192.168.8.100, metric: 5 }'],
    ['{ via: 192.168.8.1 }', '"to" is missing: it takes a network such as 10.20.0.0/16, or default'],
    ['{ to: default }', '"via" is missing: it takes an address such as 192.168.8.2'],
    ['{ to: here, via: 192.168.8.1 }', '"here" is no network such as 203.0.113.0/24 or 2001:db8::/32'],
    ['{ to: 10.20.1.0/16, via: 192.168.8.1 }', '10.20.1.0/16 has bits behind its length: write 10.20.0.0/16'],
    ['{ to: default, via: gw }', '"gw" is not an address such as 192.168.8.2 or 2001:db8::2'],
    [
      '{ to: "2001:db8:1::/48", via: 192.168.8.1 }',
      '192.168.8.1 is no gateway of IPv6: write one of its addresses there',
    ],
    [
      '{ to: default, via: "fe80::1" }',
      'the set has no IPv6 address, which is the source of such a route: add one',
    ],
    [
      '{ to: default, via: 192.168.8.100 }',
      '192.168.8.100 is an address of this set: a gateway is another machine, which this set’s nodes are not',
    ],
    [
      '{ to: default, via: 192.168.8.3 }',
      '192.168.8.3 is lb2: a gateway is another machine, which this set’s nodes are not',
    ],
    ['{ to: default, via: 192.168.8.1, on: bakc }', 'the set has no addresses on "bakc"'],
    [
      '{ to: default, via: 192.168.8.1, source: 192.168.8.2 }',
      '192.168.8.2 is no IPv4 address of this set: the source of its routes is one',
    ],
    ['{ to: default, via: 192.168.8.1, metric: 0 }', 'expected a whole number from 1 to 4294967295, found 0'],
    [
      '{ to: default, via: 192.168.8.1 }, { to: 0.0.0.0/0, via: 192.168.8.9 }',
      'there is a route to 0.0.0.0/0 already, at t:2:76: write a metric for one of the two, the smaller counts',
    ],
    [
      '{ to: default, via: 192.168.8.255 }',
      '192.168.8.255 is the broadcast address of the set’s own network: no machine can have it',
    ],
    [
      '{ to: 192.168.8.128/25, via: 192.168.8.1 }',
      '192.168.8.128/25 is on the set’s own network 192.168.8.0/24: no gateway leads there',
    ],
    ['{ to: 224.0.0.0/4, via: 192.168.8.1 }', '224.0.0.0/4 is behind no gateway: it is not routed'],
    ['{ to: 0.0.0.0/1, via: 192.168.8.1 }, { to: 128.0.0.0/1, via: 192.168.8.1 }'],
    ['{ to: default, via: 192.168.8.1 }, { to: default, via: 192.168.8.1, metric: 2 }'],
    [
      Array.from({ length: 65 }, (_, at) => `{ to: 10.${at}.0.0/16, via: 192.168.8.1 }`).join(),
      '65 routes are too many for a set: at most 64',
    ],
  ]
  for (const [text, ...expected] of cases) assert.deepEqual(refusalsOf(routes(text)), expected, text)
  assert.deepEqual(refusalsOf(routes('{ to: default, via: 192.168.8.1 }', ', accept: false')), [
    'what is sent by the set’s routes comes from its addresses, and with accept: false the answers are dropped: leave one of the two out',
  ])
  const sets = (front: string, more: string): Change => ({
    addresses: `addresses: { front: { on: lan, ips: [${front}], vrid: 51, mac: virtual, routes: [{ to: default, via: 192.168.9.1 }] }, more: { on: lan, ips: [${more}], vrid: 52, routes: [{ to: 192.168.9.3/32, via: 192.168.8.1 }] } }`,
    extra: 'nodes: { lb1: 192.168.9.2, lb2: 192.168.9.3 }',
  })
  assert.deepEqual(refusalsOf(sets('192.168.8.100', '192.168.9.1')), [
    'with mac: virtual no address on lan says that 192.168.9.1 is on its link: give one its network’s length, such as 192.168.8.100/24',
    '192.168.9.1 is an address of address set more: a gateway is another machine, which this set’s nodes are not',
    '192.168.9.3 is lb2: nodes reach each other without a gateway',
  ])
})

test('of a set on several roles a route says which one, unless its gateway is in the network of one', () => {
  const of = (route: string): Change => ({
    interfaces: 'interfaces: { lan: eth0, back: eth1 }',
    addresses: `addresses: { front: { ips: { lan: [192.168.8.100/24], back: [10.0.0.1/24] }, vrid: 51, routes: [${route}] } }`,
    extra: nodes,
  })
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['{ to: default, via: 10.0.0.254 }'],
    ['{ to: default, via: 10.1.0.254 }', '"on" is missing: which of lan and back is 10.1.0.254 on?'],
    ['{ to: default, via: 10.1.0.254, on: back }'],
    [
      '{ to: default, via: 10.1.0.254, on: bakc }',
      'the set has no addresses on "bakc": did you mean "back"?',
    ],
    ['{ to: default, via: 10.0.0.254, source: 192.168.8.100 }'],
  ]
  for (const [text, ...expected] of cases) assert.deepEqual(refusalsOf(of(text)), expected, text)
})

test('what is tracked is one thing an entry, known, and worth something', () => {
  const two = (rule: string): Change => ({
    ...(set(`vrid: 51, track: [${rule}]`) as object),
    interfaces: 'interfaces: { lan: eth0, back: eth1 }',
  })
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['{ link: back }'],
    ['{ link: lan }', "lan is the set's own: its link is a fault anyway; leave this out"],
    ['{ link: bakc }', '"bakc" is no role of interfaces: did you mean "back"?'],
    ['{ service: wwww }', '"wwww" is no service: did you mean "www"?'],
    ['{}', 'write what is tracked: link, service, script, file, reach'],
    ['{ link: back, service: www }', 'link and service are two things: write an entry for each'],
    ['{ link: back, every: 2s }', 'every belongs to script or reach, not to link'],
    ['{ link: back, weight: 0 }', 'expected a whole number from -253 to 253, but not 0, found 0'],
    ['{ link: back, weight: 5, fault: true }', 'a fault needs no weight: leave one of them out'],
    ['{ link: back, fault: false }', 'it would be worth nothing: write a weight, such as -50'],
    ['{ link: back }, { link: back, weight: 5 }', 'link:back is tracked twice: remove one of them'],
    ['{ script: [fit] }', 'a script is named by its whole path: write [/usr/local/bin/fit]'],
    ['{ script: [/fit], user: root }', 'a script does not run as root: write a user without privileges'],
    ['{ script: [/fit], every: 1s, timeout: 2s }', '2s is out of range: 100ms to 1s'],
    ['{ file: stop }', '"stop" is not a whole path: write it from / on'],
    ...['/tmp/stop', '/var/tmp/stop', '/run//../tmp/stop'].map((path): [string, string] => [
      `{ file: ${path} }`,
      `${path} cannot be tracked: systemd gives the process that looks for it a /tmp of its own, and anybody may write there: take one in /etc/tenbin or /run`,
    ]),
    ['{ reach: [] }', 'reach takes 1 to 16 addresses'],
    ['{ reach: here }', '"here" is not an address such as 192.168.8.2 or 2001:db8::2'],
    ['{ reach: 192.168.8.1, every: 10ms }', '10ms is out of range: 100ms to 1h'],
  ]
  for (const [rule, ...expected] of cases) assert.deepEqual(refusalsOf(two(rule)).slice(0, 1), expected, rule)
})
