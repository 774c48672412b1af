import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, refusals } from './refusals.fixture.ts'

test('unknown keys name the nearest known one, and keys of later features what to do', () => {
  const cases: readonly (readonly [Change, ...string[]])[] = [
    [{ extra: 'server: {}' }, '5:1: unknown key "server": did you mean "servers"?'],
    [
      { extra: 'virtual_server: {}' },
      '5:1: unknown key "virtual_server": known here are include, nodes, interfaces, addresses, servers, pools, services, defaults, limits, defence, cluster, metrics, notify, sysctls',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none, foward: dsr } }',
      },
      '4:81: unknown key "foward": did you mean "forward"?',
    ],
    [
      { addresses: 'addresses: { front: { on: lan, ip: [192.168.8.100/24], ips: [192.168.8.100/24] } }' },
      '2:32: unknown key "ip": did you mean "ips"?',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: [{ name: web01, wieght: 3 }], check: none } }',
      },
      '4:73: unknown key "wieght": did you mean "weight"?',
    ],
    [
      { extra: 'pools: { web: { server: web01 } }' },
      '5:10: "servers" is missing: it takes servers such as web01..10 or [web01, { name: web02, weight: 3 }]',
      '5:17: unknown key "server": did you mean "servers"?',
    ],
    [
      { extra: 'defaults: { wait: 3 }' },
      '5:13: unknown key "wait": known here are forward, scheduler, hash, track, on_failure, timeouts, slow_start, guard, check, sorry, quorum, weight',
    ],
    [
      {
        extra: `constructor: 1
toString: 2
__proto__: 3`,
      },
      '5:1: unknown key "constructor": known here are include, nodes, interfaces, addresses, servers, pools, services, defaults, limits, defence, cluster, metrics, notify, sysctls',
      '6:1: unknown key "toString": known here are include, nodes, interfaces, addresses, servers, pools, services, defaults, limits, defence, cluster, metrics, notify, sysctls',
      '7:1: "__proto__" is not a name',
    ],
    [
      {
        extra: `limits: { flow: 1 }
api: {}
log: {}`,
      },
      '5:11: unknown key "flow": did you mean "flows"?',
      '6:1: "api" is not built yet: leave it out',
      '7:1: "log" is not built yet: leave it out',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none, on_failure: keep, sorry: [web99], track: all } }',
      },
      '4:107: web99 is not in servers: did you mean "web09"?',
    ],
  ]
  for (const [changed, ...expected] of cases) assert.deepEqual(refusals(changed), expected)
})

test('a fault hides no other: neither in the same entry nor where the entry is named', () => {
  const services =
    'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none, foward: dsr, scheduler: dh } }'
  assert.deepEqual(refusals({ services, servers: 'servers: { web01..10: 7 }' }), [
    '3:23: expected an address such as 192.168.8.11 or a range such as 192.168.8.11..20, found 7',
    '4:81: unknown key "foward": did you mean "forward"?',
    '4:105: scheduler dh is not built yet: write scheduler: mh, sh, rr, wrr, lc, wlc, sed or nq',
  ])
})

test('values of the wrong kind say what belongs there and what was found', () => {
  const cases: readonly (readonly [Change, ...string[]])[] = [
    [
      `- a
- b`,
      '1:1: expected a map of nodes, interfaces, addresses, servers and services, found a list',
    ],
    ['hello', '1:1: expected a map of nodes, interfaces, addresses, servers and services, found "hello"'],
    [
      { services: 'services: [www]' },
      '4:11: expected services such as { www: { listen: [192.168.8.100:80], servers: web01..10 } }, found a list',
    ],
    [{ servers: 'servers:' }, '3:1: expected servers such as { web01..10: 192.168.8.11..20 }, found nothing'],
    [
      { services: 'services: { www: 192.168.8.100:80 }' },
      '4:18: expected a service such as { listen: [192.168.8.100:80], servers: web01..10 }, found "192.168.8.100:80"',
    ],
    [
      {
        services: `services:
  www:
    servers: web01..10
    check: none`,
      },
      '5:3: "listen" is missing: it takes a list of listeners such as [192.168.8.100:80]',
    ],
    [
      { services: 'services: { www: { listen: 80, servers: web01..10, check: none } }' },
      '4:28: expected a list of listeners such as [192.168.8.100:80], found 80',
    ],
    [
      { services: 'services: { www: { listen: [{ ip: 192.168.8.100 }], servers: web01..10, check: none } }' },
      '4:29: expected a listener such as 192.168.8.100:80, found a map',
    ],
    [
      { services: 'services: { www: { listen: [192.168.8.100:80], servers: 7, check: none } }' },
      '4:57: expected servers such as web01..10 or [web01, { name: web02, weight: 3 }], found 7',
    ],
    [
      { services: 'services: { www: { listen: [192.168.8.100:80], servers: [web01, 7], check: none } }' },
      '4:65: expected a server such as web01, or { name: web01, weight: 3 }, found 7',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: [web01, { weight: 7 }], check: none } }',
      },
      '4:65: "name" is missing: it takes a server such as web01 or a range such as web01..10',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none, forward: true } }',
      },
      '4:90: expected a way of forwarding: dsr or nat, found true',
    ],
    [{ extra: 'nodes: { lb1: 7 }' }, '5:15: expected an address such as 192.168.8.2, found 7'],
    [
      { interfaces: 'interfaces: { lan: [eth0] }' },
      '1:20: expected a NIC such as eth0, or one per node such as { lb1: eth0, lb2: ens3 }, found a list',
    ],
    [
      { addresses: 'addresses: { front: { on: lan, ips: 192.168.8.100/24 } }' },
      '2:37: expected a list of addresses such as [192.168.8.100/24], found "192.168.8.100/24"',
    ],
    [
      { addresses: 'addresses: { front: { ips: [192.168.8.100/24] } }' },
      '2:14: "on" is missing: it takes a role of interfaces, such as lan',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: [{ name: web01, weight: -1 }, { name: web02, weight: 65536 }, { name: web03, weight: 1.5 }, { name: web04, weight: heavy }, { name: web05, weight: 65535 }], check: none } }',
      },
      '4:81: expected a whole number from 0 to 65535, found -1',
      '4:110: expected a whole number from 0 to 65535, found 65536',
      '4:142: expected a whole number from 0 to 65535, found 1.5',
      '4:172: expected a whole number from 0 to 65535, found "heavy"',
    ],
    [{ extra: 'defaults: { weight: 70000 }' }, '5:21: expected a whole number from 0 to 65535, found 70000'],
  ]
  for (const [changed, ...expected] of cases) assert.deepEqual(refusals(changed), expected)
})

test('what is no YAML, or YAML that readers disagree about, is refused at its place', () => {
  const cases: readonly (readonly [Change, ...string[]])[] = [
    [
      '',
      '1:1: there are no services: add them, for example services: { www: { listen: [192.168.8.100:80], servers: web01..10 } }',
    ],
    [
      `# nothing
`,
      '1:1: there are no services: add them, for example services: { www: { listen: [192.168.8.100:80], servers: web01..10 } }',
    ],
    [
      '~',
      '1:1: there are no services: add them, for example services: { www: { listen: [192.168.8.100:80], servers: web01..10 } }',
    ],
    [
      `services: [
`,
      '2:1: not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['services: www: listen', '1:11: not valid YAML: nested mappings are not allowed in compact mappings'],
    [
      `services: "www
`,
      '2:1: not valid YAML: missing closing "quote',
    ],
    [
      `services:
	www: {}`,
      '2:1: a tab does not indent in YAML: use spaces',
    ],
    [
      `services: {}
---
services: {}`,
      '2:1: a second YAML document begins here: remove the line "---"',
    ],
    [
      `%YAML 1.1
---
services: {}`,
      '1:1: the file is read as YAML 1.2: remove the line "%YAML 1.1"',
    ],
    [
      { extra: 'servers: { a: 192.168.8.1 }' },
      '5:1: "servers" is here twice: first at t:3:1; remove one of them',
    ],
    [
      {
        servers: `servers:
  web01..10: 192.168.8.11..20
  web01..10: 192.168.8.31..40`,
      },
      '5:3: "web01..10" is here twice: first at t:4:3; remove one of them',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: [{ name: web01, weight: 010 }, { name: web02, weight: 0o10 }, { name: web03, weight: 0x10 }, { name: web04, weight: 1e1 }], check: none } }',
      },
      '4:81: "010" is 10 in YAML 1.2, but not to every reader: write it in plain decimal',
      '4:111: "0o10" is 8 in YAML 1.2, but not to every reader: write it in plain decimal',
      '4:142: "0x10" is 16 in YAML 1.2, but not to every reader: write it in plain decimal',
      '4:173: "1e1" is 10 in YAML 1.2, but not to every reader: write it in plain decimal',
    ],
    [
      { servers: 'servers: !!map { web01..10: 192.168.8.11..20 }' },
      '3:16: a tag (!) has no meaning here: write the plain value',
    ],
    [
      { servers: 'servers: !inventory { web01..10: 192.168.8.11..20 }' },
      '3:10: a tag (!) has no meaning here: write the plain value',
    ],
    [
      {
        services: `x: &x { check: none }
services: { www: { <<: *x, listen: [192.168.8.100:80], servers: web01..10 } }`,
      },
      '4:1: unknown key "x": known here are include, nodes, interfaces, addresses, servers, pools, services, defaults, limits, defence, cluster, metrics, notify, sysctls',
      '5:20: a merge key (<<) is not YAML 1.2: write the keys out, or use defaults',
    ],
    [
      { services: 'services: *other' },
      '4:11: *other refers to no anchor that ends above it: write &other first',
    ],
    [
      { services: 'services: &s { www: *s }' },
      '4:21: *s refers to no anchor that ends above it: write &s first',
    ],
    [
      `a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]
g: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]`,
      '5:29: aliases stand for more than 100000 values: write them out, or use ranges',
    ],
    [
      `? [a]
: b`,
      '1:3: a key is one plain word',
    ],
    [
      'a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]',
      '1:35: nested more than 32 deep',
    ],
    [
      'services: { "a\\nb\\u0007": { listen: 3 } }',
      '1:13: "a\\nb\\u0007" is not a name: a name is a letter, then letters, digits, "-", "_" and ".", at most 63',
      '1:37: expected a list of listeners such as [192.168.8.100:80], found 3',
    ],
  ]
  for (const [changed, ...expected] of cases) assert.deepEqual(refusals(changed), expected)
})
