import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatIp, formatListener } from '../base/addresses.ts'
import { TIMEOUTS } from '../dataplane/shape.ts'
import { ConfigError } from './config-error.ts'
import { load } from './load.ts'
import { SIZE_LIMIT, textReader } from './reader.ts'
import { refusals, rightFile, textOf } from './refusals.fixture.ts'
import { addressesOf } from './state.ts'

const loaded = (text: string | Uint8Array) => load('t', textReader({ t: text }))

/** findings over several files, as a person reads them. */
function told(files: Record<string, string | Uint8Array>): string[] {
  try {
    load('etc/main.yaml', textReader(files))
  } catch (error) {
    assert.ok(error instanceof ConfigError && error.code === 'CONFIG_INVALID', String(error))
    return error.message.split('\n').slice(1)
  }
  return []
}

test('the file of the documentation becomes the state that it means', () => {
  const state = load(join(import.meta.dirname, '../../docs/tenbin.example.yaml'))
  assert.deepEqual(
    state.nodes.map(({ name, address }) => [name, formatIp(address)]),
    [['lb1', '192.168.8.2']],
  )
  assert.deepEqual(state.interfaces, [{ role: 'lan', nic: 'eth0' }])
  assert.deepEqual(
    state.addressSets.map(({ name, parts }) => [
      name,
      ...parts.flatMap(({ on, addresses }) => [
        on,
        addresses.map((a) => `${formatIp(a.address)}/${a.prefix}`),
      ]),
    ]),
    [['front', 'lan', ['192.168.8.100/24', '192.168.8.101/24', '192.168.8.102/24', '2001:db8::100/64']]],
  )
  assert.equal(state.servers.length, 22)
  assert.deepEqual(
    [0, 9, 14].map((i) => [state.servers[i]!.name, formatIp(state.servers[i]!.address)]),
    [
      ['web01', '192.168.8.11'],
      ['web10', '192.168.8.20'],
      ['big01', '192.168.8.40'],
    ],
  )
  assert.deepEqual(state.pools[0]!.sorry, { members: [{ server: 'web99', weight: 1 }] })
  assert.deepEqual(state.pools[0]!.quorum, { up: 4, down: 2 })
  assert.deepEqual(
    state.pools.map(({ name, members }) => [
      name,
      members.map(({ server, weight }) => `${server}:${weight}`).join(' '),
    ]),
    [
      ['images', 'img01:1 img02:1 img03:1 img04:1 big01:3'],
      ['www', 'web01:1 web02:1 web03:1 web04:1 web05:1 web06:1 web07:1 web08:1 web09:1 web10:1'],
      ['dns', 'dns01:1 dns02:1'],
      ['www6', 'six01:1 six02:1 six03:1 six04:1'],
    ],
  )
  assert.deepEqual(
    state.services.map(({ listeners, check, ...rest }) => ({
      ...rest,
      check: check === 'none' ? check : check.probe.kind,
      listen: listeners.map(formatListener),
    })),
    [
      {
        name: 'www',
        listen: ['192.168.8.100:80', '192.168.8.100:443'],
        pool: 'www',
        onFailure: 'reset',
        defence: { proof: 'auto', ceiling: 5000 },
      },
      { name: 'img', listen: ['192.168.8.101:80'], pool: 'images' },
      {
        name: 'img-admin',
        listen: ['192.168.8.101:8080..8089'],
        pool: 'images',
        track: 'all',
        check: 'none',
      },
      { name: 'rest', listen: ['192.168.8.102:*', '192.168.8.102:*/udp'], pool: 'images', check: 'ping' },
      {
        name: 'shop',
        listen: ['192.168.8.100:8080', '192.168.8.100:8443'],
        pool: 'www',
        track: 'all',
        persistence: { timeout: 600, network: 32, network6: 128 },
      },
      {
        name: 'dns',
        listen: ['192.168.8.101:53', '192.168.8.101:53/udp'],
        pool: 'dns',
        check: 'all',
        scheduler: 'sh',
        hash: 'source',
        timeouts: { ...TIMEOUTS, udp: 30 },
      },
      { name: 'www6', listen: ['[2001:db8::100]:80'], pool: 'www6', check: 'any' },
    ].map((service) => ({
      forward: 'dsr',
      scheduler: 'mh',
      check: 'http',
      slowStartMs: 30_000,
      guard: { share: 0.5, holdMs: 60_000 },
      hash: 'flow',
      track: 'changes',
      onFailure: 'keep',
      timeouts: TIMEOUTS,
      ...service,
    })),
  )
  assert.deepEqual(state.limits, { flows: 262_144, newFlows: 100_000 })
  assert.deepEqual(
    state.defence!.rules.map(({ name, action }) => `${name}: ${action}`),
    ['night: drop', 'bare-syn: count'],
  )
})

test('a client is kept by address for five minutes unless it is said, and all flows are remembered with it', () => {
  const { services } = loaded(
    textOf({
      services: `
services:
  a: { listen: [192.168.8.100:81], servers: web01, persistence: {} }
  b: { listen: [192.168.8.100:82], servers: web01, persistence: 10m }
  c: { listen: [192.168.8.100:83], servers: web01, persistence: { network: 24, network6: 56 } }
  d: { listen: [192.168.8.100:84], servers: web01 }`,
      extra: 'defaults: { check: none, track: none }',
    }),
  )
  assert.deepEqual(
    services.map(({ track, persistence }) => [track, persistence]),
    [
      ['all', { timeout: 300, network: 32, network6: 128 }],
      ['all', { timeout: 600, network: 32, network6: 128 }],
      ['all', { timeout: 300, network: 24, network6: 56 }],
      ['none', undefined],
    ],
  )
})

test('a service has what it says, then what defaults say, then what LVS has; time-outs each on their own', () => {
  const { services, limits } = loaded(
    textOf({
      services: `
services:
  a: { listen: [192.168.8.100:81], servers: web01 }
  b: { listen: [192.168.8.100:82], servers: web01, track: all, on_failure: keep, timeouts: { syn: 10s, udp: 1m } }
  c: { listen: [192.168.8.100:83], servers: web01, scheduler: mh, hash: source }
  d: { listen: [192.168.8.100:84], servers: web01, hash: flow }`,
      extra: `defaults: { check: none, scheduler: sh, track: none, on_failure: reset, timeouts: { udp: 30s, established: 1h } }
limits: { new_flows: 5000 }`,
    }),
  )
  assert.deepEqual(
    services.map(({ name, scheduler, hash, track, onFailure }) => [name, scheduler, hash, track, onFailure]),
    [
      ['a', 'sh', 'source', 'none', 'reset'],
      ['b', 'sh', 'source', 'all', 'keep'],
      ['c', 'mh', 'source', 'none', 'reset'],
      ['d', 'sh', 'flow', 'none', 'reset'],
    ],
  )
  assert.deepEqual(
    services.slice(0, 2).map(({ timeouts }) => timeouts),
    [
      { syn: 60, established: 3600, fin: 120, udp: 30 },
      { syn: 10, established: 3600, fin: 120, udp: 60 },
    ],
  )
  assert.deepEqual(limits, { flows: 262_144, newFlows: 5000 })
})

test('short and long forms mean the same', () => {
  const short = loaded(
    textOf({
      services: 'services: { www: { listen: 192.168.8.100:80, pool: www, check: none } }',
      extra: 'pools: { www: web01..10 }',
    }),
  )
  const long = loaded(
    textOf({
      services:
        'services: { www: { listen: [192.168.8.100:80/tcp], pool: www, forward: dsr, scheduler: mh } }',
      extra:
        'pools: { www: { servers: [web01..04, { name: web05, weight: 1 }, { name: web06..10 }] } }\ndefaults: { check: none, weight: 1 }',
    }),
  )
  assert.deepEqual(long, short)
})

test('services that name the same servers share a pool, others have their own', () => {
  const { pools, services } = loaded(
    textOf({
      services: `
services:
  a: { listen: [192.168.8.100:81], servers: web01..03 }
  b: { listen: [192.168.8.100:82], servers: [web01, web02, web03] }
  c: { listen: [192.168.8.100:83], servers: [web01, web02, { name: web03, weight: 2 }] }
  d: { listen: [192.168.8.100:84], servers: web01..03 }`,
      extra: 'defaults: { check: none }',
    }),
  )
  assert.deepEqual(
    services.map(({ name, pool }) => [name, pool]),
    [
      ['a', 'a'],
      ['b', 'a'],
      ['c', 'c'],
      ['d', 'a'],
    ],
  )
  assert.deepEqual(
    pools.map(({ name }) => name),
    ['a', 'c'],
  )
})

test('defaults give the weight to servers that state none', () => {
  const { pools } = loaded(
    textOf({
      services:
        'services: { www: { listen: [192.168.8.100:80], servers: [web01, { name: web02, weight: 0 }] } }',
      extra: 'defaults: { weight: 5, check: none }',
    }),
  )
  assert.deepEqual(pools[0]!.members, [
    { server: 'web01', weight: 5 },
    { server: 'web02', weight: 0 },
  ])
})

test('words that YAML 1.1 took for booleans are names', () => {
  const text = `
interfaces: { on: eth0 }
addresses: { yes: { on: on, ips: [192.168.8.100/24] } }
servers: { no: 192.168.8.11, off: 192.168.8.12, true: 192.168.8.13, null: 192.168.8.14 }
services: { n: { listen: [192.168.8.100:80], servers: [no, off], check: none } }`
  const { servers, services, interfaces } = loaded(text)
  assert.deepEqual(
    servers.map(({ name }) => name),
    ['no', 'off', 'true', 'null'],
  )
  assert.deepEqual([services[0]!.name, interfaces[0]!.role], ['n', 'on'])
})

test('anchors, comments, byte order mark, CRLF and quotes change nothing', () => {
  const right = loaded(textOf({}))
  assert.deepEqual(loaded(`\ufeff${textOf({})}`), right)
  assert.deepEqual(loaded(textOf({}).replaceAll('\n', '\r\n')), right)
  assert.deepEqual(loaded(`%YAML 1.2\n---\n# a comment\n${textOf({})}\n...\n`), right)
  const services =
    'services: { \'www\': { listen: [&l "192.168.8.100:80"], servers: web01..10, check: none } }'
  assert.deepEqual(loaded(textOf({ services })), right)
  const twice =
    'services: { www: { listen: [192.168.8.100:80], servers: &s [web01, web02], check: none }, x: { listen: [192.168.8.100:81], servers: *s, check: none } }'
  assert.equal(loaded(textOf({ services: twice })).services[1]!.pool, 'www')
})

test('places count the same with a byte order mark, CRLF and umlauts before them', () => {
  const wrong = textOf({ servers: '# grüße ⚖\nservers: { web01..10: 192.168.8.11..19 }' })
  const said = ['4:23: web01..10 is 10 servers, 192.168.8.11..19 is 9 addresses: both sides need as many']
  for (const text of [wrong, `\ufeff${wrong}`, wrong.replaceAll('\n', '\r\n')])
    assert.deepEqual(refusals(text), said)
})

test('what an alias stands for is refused where it is written', () => {
  const services =
    'services: { www: { listen: [192.168.8.100:80], servers: &s [web99], check: none }, x: { listen: [192.168.8.100:81], servers: *s, check: none } }'
  assert.deepEqual(refusals({ services }), ['4:61: web99 is not in servers: did you mean "web09"?'])
})

test('thousands of nested lists and maps are refused before they take the stack', () => {
  const at = (offset: number) => [`1:${offset}: nested more than 32 deep`]
  assert.deepEqual(refusals('['.repeat(5000)), at(33))
  assert.deepEqual(refusals('{ a: '.repeat(5000)), at(1 + 5 * 32))
  assert.deepEqual(refusals('- '.repeat(5000)), at(1 + 2 * 32))
  assert.deepEqual(refusals('- ? '.repeat(5000)), at(1 + 4 * 16))
  assert.deepEqual(refusals(`a: ${'['.repeat(32)}${']'.repeat(32)}`), ['1:35: nested more than 32 deep'])
  const chain = Array.from({ length: 5000 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`).join('\n')
  const [first] = refusals(`a0: &a0 []\n${chain}`)
  assert.match(first!, /^\d+:\d+: nested more than 32 deep$/)
})

test('bytes that are not UTF-8 are refused at the first of them', () => {
  const bad = Buffer.concat([Buffer.from(`${rightFile.interfaces}\n# gr\u00fc`), Buffer.from([0xfc, 0x7a])])
  assert.deepEqual(told({ 'etc/main.yaml': bad }), ['etc/main.yaml:2:6: not UTF-8: save the file as UTF-8'])
  const utf16 = Buffer.from('\ufeffservices: {}', 'utf16le')
  assert.deepEqual(told({ 'etc/main.yaml': utf16 }), [
    'etc/main.yaml:1:1: not UTF-8 (it looks like UTF-16): save the file as UTF-8',
  ])
  const cut = Buffer.from('services: {} # ü').subarray(0, -1)
  assert.deepEqual(told({ 'etc/main.yaml': cut }), ['etc/main.yaml:1:16: not UTF-8: save the file as UTF-8'])
})

test('a file larger than the limit is refused, alone and together with what it includes', () => {
  const limit =
    ':1:1: the file and what it includes are larger than 16 MiB together: let services share pools'
  const large = Buffer.alloc(SIZE_LIMIT + 1, '#')
  assert.deepEqual(told({ 'etc/main.yaml': large }), [`etc/main.yaml${limit}`])
  const main = `${textOf({ extra: 'include: more.yaml' })}\n`
  assert.deepEqual(told({ 'etc/main.yaml': main, 'etc/more.yaml': large.subarray(0, SIZE_LIMIT - 100) }), [
    `etc/more.yaml${limit}`,
  ])
})

test('included files are read by name, after the main file', () => {
  const service = (name: string, port: number) =>
    `services: { ${name}: { listen: [192.168.8.100:${port}], servers: web01..10, check: none } }`
  const files = {
    'etc/main.yaml': textOf({ extra: 'include: [conf.d/*.yaml, last.yaml, "l?st.yaml"]' }),
    'etc/conf.d/b.yaml': service('b', 82),
    'etc/conf.d/a.yaml': service('a', 81),
    'etc/conf.d/empty.yaml': '# nothing yet\n',
    'etc/conf.d/.hidden.yaml': 'nonsense: 1',
    'etc/conf.d/c.yaml.bak': 'nonsense: 1',
    'etc/last.yaml': service('last', 83),
  }
  assert.deepEqual(
    load('etc/main.yaml', textReader(files)).services.map(({ name }) => name),
    ['www', 'a', 'b', 'last'],
  )
})

test('findings name their own file, and both places of what is there twice', () => {
  const files = {
    'etc/main.yaml': textOf({ extra: 'include: conf.d/*.yaml\nfoo: 1' }),
    'etc/conf.d/b.yaml':
      'servers:\n  web01..10: 192.168.8.31..40\n  web03: 192.168.8.50\n  db: 192.168.8.11\n',
    'etc/conf.d/a.yaml':
      'include: x.yaml\nservices: { img: { listen: [192.168.8.100:80], servers: web99, check: none } }\n',
  }
  assert.deepEqual(told(files), [
    'etc/main.yaml:6:1: unknown key "foo": known here are include, nodes, interfaces, addresses, servers, pools, services, defaults, limits, defence, cluster, metrics, notify, sysctls',
    'etc/conf.d/a.yaml:1:1: include works in the main file only: name the files in etc/main.yaml',
    'etc/conf.d/a.yaml:2:29: 192.168.8.100:80 is a listener of service www already, at etc/main.yaml:4:29: remove one of them',
    'etc/conf.d/a.yaml:2:57: web99 is not in servers: did you mean "web09"?',
    'etc/conf.d/b.yaml:2:3: "web01..10" is in servers twice: first at etc/main.yaml:3:12; remove one of them',
    'etc/conf.d/b.yaml:3:3: server web03 is there twice: also at etc/main.yaml:3:12',
    "etc/conf.d/b.yaml:4:7: 192.168.8.11 (db) is server web01's address already, at etc/main.yaml:3:23",
  ])
})

test('an included file that cannot be read or understood is a finding, and hides no other', () => {
  const main = textOf({
    services: 'services: { www: { listen: [192.168.8.100:80], servers: db01..05, check: non } }',
    extra: 'include:\n  - none.yaml\n  - bad.yaml',
  })
  assert.deepEqual(told({ 'etc/main.yaml': main, 'etc/bad.yaml': 'servers: [' }), [
    'etc/main.yaml:4:74: "non" is not a check by itself: did you mean "none"?',
    'etc/main.yaml:6:5: etc/none.yaml cannot be read: it does not exist',
    'etc/bad.yaml:1:11: not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ]',
  ])
})

test('what the disk refuses is CONFIG_UNREADABLE, and only regular files are read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-config-'))
  try {
    const path = join(folder, 'tenbin.yaml')
    const unreadable = (at: string, words: RegExp) =>
      assert.throws(
        () => load(at),
        (e) => e instanceof ConfigError && e.code === 'CONFIG_UNREADABLE' && words.test(e.message),
      )
    unreadable(path, /tenbin\.yaml: it does not exist$/)
    unreadable(folder, /it is a directory/)
    unreadable('/dev/zero', /it is not a regular file/)
    symlinkSync('loop', join(folder, 'loop'))
    unreadable(join(folder, 'loop'), /ELOOP/)
    writeFileSync(path, textOf({ extra: 'include: conf.d/*.yaml' }))
    assert.throws(
      () => load(path),
      (e) =>
        e instanceof ConfigError &&
        e.findings[0]?.line === 5 &&
        /conf\.d cannot be read: it does not exist/.test(e.message),
    )
    mkdirSync(join(folder, 'conf.d'))
    writeFileSync(join(folder, 'conf.d', 'a.yaml'), '')
    assert.equal(load(path).services.length, 1)
    mkdirSync(join(folder, 'conf.d', 'b.yaml'))
    assert.throws(
      () => load(path),
      (e) => e instanceof ConfigError && /:5:10: .*b\.yaml cannot be read: it is a directory/.test(e.message),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('IPv6 and UDP: listeners, address sets, ranges and nodes', () => {
  const state = load(
    't',
    textReader({
      t: `nodes: { lb1: "2001:db8::2" }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [192.0.2.100/24, "2001:db8::100/64", "2001:db8:1::5"] } }
servers: { six08..11: 2001:db8::8..b, dns1: 192.0.2.53, long1..2: "2001:db8::ffff..2001:db8::1:0" }
services:
  www: { listen: ["[2001:db8::100]:80", "[2001:db8:1::5]:80"], servers: [six08..11, long1..2], check: none }
  dns: { listen: [192.0.2.100:53, 192.0.2.100:53/udp], servers: dns1, check: none }
`,
    }),
  )
  assert.deepEqual(state.nodes, [{ name: 'lb1', address: 0x20010db8000000000000000000000002n }])
  assert.deepEqual(
    addressesOf(state.addressSets[0]!).map(({ prefix }) => prefix),
    [24, 64, 128],
  )
  assert.deepEqual(
    state.servers.map(({ name, address }) => `${name} ${formatIp(address)}`),
    [
      'six08 2001:db8::8',
      'six09 2001:db8::9',
      'six10 2001:db8::a',
      'six11 2001:db8::b',
      'dns1 192.0.2.53',
      'long1 2001:db8::ffff',
      'long2 2001:db8::1:0',
    ],
  )
  assert.deepEqual(
    state.services[1]!.listeners.map(({ protocol }) => protocol),
    ['tcp', 'udp'],
  )
  assert.equal(state.services[0]!.listeners[1]!.port, 80)
})
