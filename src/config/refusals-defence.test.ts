import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPrefix } from '../base/prefix.ts'
import { ConfigError } from './config-error.ts'
import { PROOF, RECORDER } from './defence.ts'
import { knownRules } from './known-rules.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { refusals, rightFile, textOf } from './refusals.fixture.ts'

const stateOf = (defence: string, files: Record<string, string> = {}, services = rightFile.services) =>
  load('etc/t', textReader({ 'etc/t': textOf({ services, extra: `defence: ${defence}` }), ...files }))
const defenceOf = (...of: Parameters<typeof stateOf>) => stateOf(...of).defence

/** of a rule: each says what is refused of it. */
const ruleRefusals = (rule: string) => refusals({ extra: `defence: { rules: { night: ${rule} } }` })

test('a file that says nothing of it has a defence, as `on` says; `off` is none', () => {
  assert.deepEqual(defenceOf('on'), {
    rules: [...knownRules.values()],
    ...{ allow: [], deny: [], only: false },
    proof: PROOF,
    recorder: RECORDER,
  })
  assert.deepEqual(defenceOf('{ only: false }'), defenceOf('on'))
  assert.equal(defenceOf('off'), undefined)
  assert.deepEqual(load('t', textReader({ t: textOf({}) })).defence, defenceOf('on'))
})

test('a rule says what it matches, and what becomes of that', () => {
  const { rules } = defenceOf(
    '{ rules: { night: { tcp: syn, window: 0, options: none, length: 40..60, ttl: 50..64, source: [203.0.113.0/24, 198.51.100.7], ports: [80, 8000..8099], payload: { at: 2, bytes: "DEad" }, action: { limit: 100/s }, record: true, services: www }, bare-syn: drop } }',
    {},
    'services: { www: { listen: ["192.168.8.100:*"], servers: web01..10, check: none } }',
  )!
  const address = (a: number, b: number, c: number, d: number) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  assert.deepEqual(rules, [
    {
      name: 'night',
      match: {
        protocol: 'tcp',
        flags: { set: 2, clear: 1 | 4 | 16 },
        window: { first: 0, last: 0 },
        options: 'none',
        length: { first: 40, last: 60 },
        ttl: { first: 50, last: 64 },
        source: [
          { address: address(203, 0, 113, 0), length: 24 },
          { address: address(198, 51, 100, 7), length: 32 },
        ],
        ports: [
          { first: 80, last: 80 },
          { first: 8000, last: 8099 },
        ],
        payload: [{ at: 2, bytes: [0xde, 0xad] }],
      },
      action: 'limit',
      perSecond: 100,
      record: true,
      services: ['www'],
    },
    { ...knownRules.get('bare-syn')!, action: 'drop' },
  ])
  assert.deepEqual(defenceOf('{ rules: { bare-syn: off } }')!.rules, [])
  assert.deepEqual(
    ['syn+ack', 'any', 'none', 'ack'].map(
      (tcp) => defenceOf(`{ rules: { a: { tcp: ${tcp} } } }`)!.rules[0]!.match.flags,
    ),
    [{ set: 18, clear: 5 }, undefined, { set: 0, clear: 63 }, { set: 16, clear: 7 }],
  )
})

test('what a rule cannot mean is refused at its place', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['{ tcp: sin }', '5:35: "sin" is no flag of TCP: write syn, syn+ack, any, or none'],
    ['{ udp: any, window: 0 }', '5:48: window is of TCP, and the rule says udp: remove one of them'],
    ['{ window: 70000 }', '5:38: expected a whole number from 0 to 65535, found 70000'],
    ['{ window: 9..1 }', '5:38: 9..1 runs backwards: write 1..9'],
    ['{ ttl: 1..256 }', '5:35: "1..256" is no range from 0 to 255: write 0..255'],
    ['{ options: any }', '5:39: expected none or some, found "any"'],
    ['{ source: 203.0.113.7/24 }', '5:38: 203.0.113.7/24 has bits behind its length: write 203.0.113.0/24'],
    [
      '{ source: [203.0.113.0/33] }',
      '5:39: "203.0.113.0/33" is no network such as 203.0.113.0/24 or 2001:db8::/32',
    ],
    [
      '{ source: [203.0.113.0/24, "2001:db8::/32"] }',
      '5:38: IPv4 and IPv6 do not mix in a rule: make one for each',
    ],
    [
      '{ source: "2001:db8::/32", destination: 192.168.8.100 }',
      '5:38: source and destination are of different address families: it matches nothing',
    ],
    ['{ source: "2001:db8::/32" }', '5:38: no service listens on IPv6: it matches nothing'],
    ['{ ports: [] }', '5:37: an empty list matches nothing: remove it'],
    ['{ ports: 81 }', '5:37: no service listens on these ports: it matches nothing'],
    ['{ udp: any }', '5:35: no service listens on UDP: it matches nothing'],
    ['{ tcp: syn, length: 30 }', '5:48: no such packet is shorter than 40 bytes'],
    ['{ tcp: syn, options: some, length: 40 }', '5:63: no such packet is shorter than 44 bytes'],
    ['{ payload: { at: 0, bytes: "0" } }', '5:55: "0" is not 1 to 16 bytes in hexadecimal: write "dead"'],
    ['{ action: { limit: 10 } }', '5:47: expected a rate such as 10000/s, found 10'],
    ['{ action: { limit: 10/m } }', '5:47: "10/m" is no rate: write 100/s'],
    ['{ action: { limit: 9999999999/s } }', '5:47: 9999999999/s is out of range: 1/s to 100000000/s'],
    ['{ services: [www, wwv] }', '5:46: there is no service "wwv": did you mean "www"?'],
    [
      '{ tcp: syn, action: drop }',
      '5:21: it drops what every connection consists of: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: any, action: drop, ttl: 0..255, source: 0.0.0.0/0 }',
      '5:21: it drops every packet: say more, such as window, length, source or options: none',
    ],
    [
      '{ action: drop }',
      '5:21: it drops every packet: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: syn, options: some, action: drop }',
      '5:21: it drops what every connection consists of: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: syn, length: 40..65535, ttl: 1..254, source: [198.51.100.0/24, 0.0.0.0/0], action: drop }',
      '5:21: it drops what every connection consists of: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: any, action: { limit: 1/s } }',
      '5:21: it limits every packet: write 10000/s or more, or say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: syn, action: { limit: 999/s } }',
      '5:21: it limits what every connection consists of: write 1000/s or more, or say more, such as window, length, source or options: none',
    ],
    ['{ tcp: syn, action: { limit: 1000/s } }'],
    ['{ tcp: any, action: { limit: 10000/s } }'],
    ['{ tcp: syn, options: none, action: drop }'],
    // twelve routers away clients have 52 or 116
    [
      '{ tcp: syn, ttl: 40..254, action: drop }',
      '5:21: it drops what every connection consists of: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: syn, source_ports: 1024..65535, action: drop }',
      '5:21: it drops what every connection consists of: say more, such as window, length, source or options: none',
    ],
    [
      '{ source_ports: [1024..40000, 40001..65535], action: drop }',
      '5:21: it drops every packet: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: syn, length: 44..1500, action: drop }',
      '5:21: it drops the SYNs of Linux, Android, Windows, macOS and iOS: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: syn, window: 2..65535, action: drop }',
      '5:21: it drops the SYNs of Linux, Android, Windows, macOS and iOS: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: any, window: 2..65535, length: 44..90, options: some, action: drop }',
      '5:21: it drops the SYNs of Linux, Android, Windows, macOS and iOS: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: syn, window: 2..65535, action: { limit: 999/s } }',
      '5:21: it limits the SYNs of Linux, Android, Windows, macOS and iOS: write 1000/s or more, or say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: syn, source: [0.0.0.0/1, 128.0.0.0/1], action: drop }',
      '5:21: it drops what every connection consists of: say more, such as window, length, source or options: none',
    ],
    [
      '{ tcp: syn, source: 64.0.0.0/7, action: drop }',
      '5:21: it drops what every connection consists of: say more, such as window, length, source or options: none',
    ],
    ['{ tcp: syn, window: 2..65535, action: { limit: 1000/s } }'],
    ['{ tcp: syn, window: 64240, action: drop }'],
    ['{ tcp: syn, length: 64..1500, action: drop }'],
    ['{ tcp: syn, ttl: 40..64, action: drop }'],
    ['{ tcp: syn, source_ports: 1024..32767, action: drop }'],
    ['{ tcp: syn, source: [224.0.0.0/3, 10.0.0.0/8], action: drop }'],
    ['{ tcp: fin+syn, action: drop }'],
    ['{ destination: 192.168.8.101 }', '5:43: no service listens there: it matches nothing'],
    ['{ destination: 192.168.8.0/24 }'],
    ['{ destination: "2001:db8::/32" }', '5:43: no service listens there: it matches nothing'],
    ['{ tcp: syn }'],
    ['observe', '5:21: "night" is no rule that ships: write what it matches, or one of bare-syn'],
    [
      'drp',
      '5:28: expected a rule such as { tcp: syn, window: 0, action: drop }, or of one that ships observe, drop or off, found "drp"',
    ],
    ['{ tpc: syn }', '5:30: unknown key "tpc": did you mean "tcp"?'],
  ]
  for (const [rule, ...expected] of cases) assert.deepEqual(ruleRefusals(rule), expected, rule)
  assert.deepEqual(
    refusals({
      extra:
        'defence: { rules: { a: { tcp: syn, window: 0, source: 10.0.0.0/8 }, b: { tcp: syn, window: 0, source: 10.0.0.0/8, action: drop } } }',
    }),
    ['5:69: it matches what a matches: remove one of them'],
  )
  assert.deepEqual(refusals({ extra: 'defence: { rules: { bare-syn: { tcp: syn, window: 0 } } }' }), [
    '5:21: bare-syn is a rule that ships: write bare-syn: drop, or choose another name',
  ])
})

test('lists are of networks here and in files, each once, in order', () => {
  const { allow, deny, only } = defenceOf(
    '{ allow: [203.0.113.0/24, { file: cdn.txt }], deny: { file: /deny.txt }, only: true }',
    {
      'etc/cdn.txt': '# of the CDN\n\n198.51.100.0/24  # Frankfurt\n203.0.113.0/24\n  2001:db8::/32\r\n',
      '/deny.txt': '192.0.2.1\n',
    },
  )!
  assert.deepEqual(allow.map(formatPrefix), ['203.0.113.0/24', '198.51.100.0/24', '2001:db8::/32'])
  assert.deepEqual(deny.map(formatPrefix), ['192.0.2.1'])
  assert.equal(only, true)
})

/** told: findings over the file and its lists. */
function told(defence: string, files: Record<string, string> = {}): string[] {
  try {
    stateOf(defence, files)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message.split('\n').slice(1)
  }
  return []
}

test('a list with bad lines is refused line by line, and no more than is read', () => {
  assert.deepEqual(
    told('{ deny: [{ file: deny.txt }] }', {
      'etc/deny.txt': '192.0.2.1\n192.0.2.300\n  203.0.113.7/24 # x\n',
    }),
    [
      'etc/deny.txt:2:1: "192.0.2.300" is no network such as 203.0.113.0/24 or 2001:db8::/32',
      'etc/deny.txt:3:3: 203.0.113.7/24 has bits behind its length: write 203.0.113.0/24',
    ],
  )
  const many = told('{ deny: { file: deny.txt } }', { 'etc/deny.txt': 'x\n'.repeat(1000) })
  assert.equal(many.length, 11)
  assert.equal(
    many.at(-1),
    'etc/deny.txt:11:1: 990 lines more are no networks: one stands on each line, remarks behind #',
  )
})

test('lists that mean nobody, everybody, or are not there are refused', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['{ deny: { file: deny.txt } }', 'etc/t:5:26: etc/deny.txt cannot be read: it does not exist'],
    ['{ deny: 0.0.0.0/0 }', 'etc/t:5:18: 0.0.0.0/0 is all of IPv4: write networks that are smaller'],
    ['{ deny: ["2000::/3"] }', 'etc/t:5:18: 2000::/3 is all of IPv6: write networks that are smaller'],
    [
      '{ deny: [0.0.0.0/1, 128.0.0.0/1] }',
      ...['0.0.0.0/1', '128.0.0.0/1'].map(
        (half) =>
          `etc/t:5:18: ${half} is a large part of IPv4: write networks of 8 bits and more, or \`only: true\`, with those who are let in under allow`,
      ),
    ],
    ['{ deny: [224.0.0.0/3, 0.0.0.0/8, "fc00::/7"] }'],
    ['{ allow: [0.0.0.0/1] }'],
    [
      '{ only: true, allow: ["2001:db8::/32"] }',
      'etc/t:5:18: nobody of IPv4, where services listen, is allowed, so everybody would be dropped: write allow: [203.0.113.0/24]',
    ],
    ['{ only: true, allow: { file: cdn.txt } }', 'etc/t:5:39: etc/cdn.txt cannot be read: it does not exist'],
    [
      '{ only: true }',
      'etc/t:5:18: nobody is allowed, so everybody would be dropped: write allow: [203.0.113.0/24]',
    ],
    [
      '{ allow: 10.0.0.0/8, deny: [10.0.0.0/8] }',
      'etc/t:5:37: 10.0.0.0/8 is in allow, too: remove it from one of them',
    ],
  ]
  for (const [defence, ...expected] of cases) assert.deepEqual(told(defence), expected, defence)
  const eights = Array.from({ length: 223 }, (_, i) => `${i + 1}.0.0.0/8`)
  assert.deepEqual(told('{ deny: { file: deny.txt } }', { 'etc/deny.txt': eights.join('\n') }), [
    'etc/t:5:18: together they are all of IPv4: write fewer networks, or `only: true`, with those who are let in under allow',
  ])
  assert.deepEqual(told('{ deny: { file: deny.txt } }', { 'etc/deny.txt': eights.slice(1).join('\n') }), [])
  const large = Array.from({ length: 100_001 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`).join(
    '\n',
  )
  assert.deepEqual(told('{ deny: { file: deny.txt } }', { 'etc/deny.txt': large }), [
    'etc/t:5:18: 100001 networks are too many: at most 100000; join neighbours to larger ones',
  ])
})

test('proof, limits of sources, ceilings and the recorder are read, and refused with what to write', () => {
  const spec = defenceOf(
    '{ proof: { above: 200/s }, sources: { new: 100/s, prefix: 24, ban: 1m }, ceiling: 200000/s, recorder: { memory: 16MiB } }',
  )!
  assert.deepEqual(spec.proof, { ...PROOF, above: 200, below: 100 })
  assert.deepEqual(spec.sources, { newPerS: 100, prefix: 24, prefix6: 64, banS: 60 })
  assert.equal(spec.ceiling, 200_000)
  assert.deepEqual(spec.recorder, { ...RECORDER, memory: 16 * 2 ** 20 })
  assert.equal(defenceOf('{ recorder: off }')!.recorder, undefined)
  assert.equal(defenceOf('{ doubt: 2.5% }')!.doubt, 0.025)
  const cases: readonly (readonly [string, ...string[]])[] = [
    [
      '{ proof: maybe }',
      '5:19: expected auto, on, off, or { above: 10000/s, below: 5000/s, hold: 30s, remember: 1h }, found "maybe"',
    ],
    [
      '{ proof: { above: 10/s, below: 20/s } }',
      '5:41: 20/s is more than 10/s, above which proof is asked for: write less',
    ],
    ['{ proof: { hold: 100ms } }', '5:27: 100ms is out of range: a time-out is 1s to 24h'],
    ['{ sources: {} }', '5:21: it limits nothing: write new: 100/s, or udp: 1000/s'],
    ['{ sources: { new: 500001/s } }', '5:28: 500001/s is out of range: 1/s to 500000/s'],
    ['{ sources: { udp: 500001/s } }', '5:28: 500001/s is out of range: 1/s to 500000/s'],
    [
      '{ sources: { udp: 1000/s, ban: 10m } }',
      '5:36: a source earns it by proving more flows than new lets it open: write new: 100/s, or take ban out',
    ],
    [
      '{ sources: { new: 100/s, ban: 10m }, proof: off }',
      '5:35: a source earns it by proofs, and proof is off: take ban out',
    ],
    ['{ sources: { new: 100/s, ban: 10m }, proof: on }'],
    ['{ sources: { new: 10/s, prefix: 8 } }', '5:42: expected a whole number from 24 to 32, found 8'],
    ['{ ceiling: 1000000000/s }', '5:21: 1000000000/s is out of range: 1/s to 100000000/s'],
    ['{ doubt: 101% }', '5:19: "101%" is not a share: write 1%'],
    ['{ recorder: { memory: 64MB } }', '5:32: "64MB" is no size: write 64MiB'],
    ['{ recorder: { memory: 64GiB } }', '5:32: 64GiB is out of range: 1MiB to 256MiB'],
    [
      'maybe',
      '5:10: expected on, off, or a defence such as { proof: auto, sources: { new: 100/s } }, found "maybe"',
    ],
    ['{ rule: {} }', '5:12: unknown key "rule": did you mean "rules"?'],
  ]
  for (const [defence, ...expected] of cases)
    assert.deepEqual(refusals({ extra: `defence: ${defence}` }), expected, defence)
})

test('a ban is refused where no service of TCP asks for proof, and taken where one does', () => {
  const extra = 'defence: { proof: off, sources: { new: 100/s, ban: 1m } }'
  const of = (more: string) =>
    `services: { www: { listen: ["192.168.8.100:80${more.startsWith('/') ? more : ''}"], servers: web01, check: none${more.startsWith(',') ? more : ''} } }`
  assert.deepEqual(refusals({ services: of(', defence: { proof: auto }'), extra }), [])
  assert.deepEqual(refusals({ services: of('/udp'), extra: extra.replace('proof: off, ', '') }), [
    '5:35: a source earns it by proofs, and no service listens on TCP: take ban out',
  ])
})

test('rules are counted with those that ship', () => {
  const rules = (count: number, more = '') =>
    refusals({
      extra: `defence: { rules: { ${more}${Array.from({ length: count }, (_, i) => `r${i}: { ttl: ${i} }`).join(', ')} } }`,
    })
  assert.deepEqual(rules(63), [])
  assert.deepEqual(rules(64), [
    '5:19: 65 rules are too many, with those that ship (bare-syn: off, where not wanted): at most 64',
  ])
  assert.deepEqual(rules(64, 'bare-syn: off, '), [])
  assert.deepEqual(rules(65, 'bare-syn: off, '), ['5:19: 65 rules are too many: at most 64'])
})

test('a service has a ceiling and a way of proof of its own, and the node a defence with it', () => {
  const services =
    'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none, defence: { ceiling: 5000/s, proof: off } } }'
  const state = load('t', textReader({ t: textOf({ services }) }))
  assert.deepEqual(state.services[0]!.defence, { proof: 'off', ceiling: 5000 })
  assert.equal(state.defence!.proof, undefined)
  const on = stateOf('{ proof: on }')
  assert.deepEqual(on.services[0]!.defence, { proof: 'on' })
  assert.deepEqual(on.defence!.proof, PROOF)
  assert.deepEqual(refusals({ services, extra: 'defence: off' }), [
    '4:81: defence is off: remove it here, or there',
  ])
})

test('one file says that there is no defence and another has one: refused', () => {
  const files = {
    'etc/t': textOf({ extra: 'include: more.yaml\ndefence: off' }),
    'etc/more.yaml': 'defence: { only: false }',
  }
  assert.throws(
    () => load('etc/t', textReader(files)),
    /etc\/more.yaml:1:12: defence is off elsewhere: remove one of them/,
  )
})
