import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseMac } from '../base/addresses.ts'
import { ConfigError } from './config-error.ts'
import { toEngineSpec } from './engine-spec.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { serviceNics, whichNode } from './state.ts'

const right = readFileSync(join(import.meta.dirname, '../../docs/tenbin.example.yaml'))
  .toString()
  .replaceAll(/^ *#.*\n/gm, '')

/** outcome: 'right' after using the state as the daemon would, or 'wrong'; anything thrown but ConfigError fails. */
function outcome(file: string | Uint8Array): 'right' | 'wrong' {
  let state: ReturnType<typeof load>
  try {
    state = load('t', textReader({ t: file }))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    assert.ok(error.findings.length > 0)
    const text = Buffer.from(file).toString()
    const lines = text.split('\n')
    for (const { file: name, line, column, message } of error.findings) {
      assert.ok(name === 't' && line >= 1 && line <= lines.length && column >= 1, `${line}:${column}`)
      assert.ok(
        column <= lines[line - 1]!.length + 1,
        `${line}:${column} of ${JSON.stringify(lines[line - 1])}`,
      )
      assert.match(message, /^[^\p{Cc}]+$/u)
    }
    return 'wrong'
  }
  const node = whichNode(
    state,
    state.nodes.slice(0, 1).map(({ address }) => address),
  )
  const mac = parseMac('02:00:00:00:00:01')
  const nics = serviceNics(state, node)
  const spec = toEngineSpec(
    state,
    nics.map((name) => ({ name, index: 1, mac, mtu: 1500 })),
  )
  assert.ok(nics.length > 0)
  assert.ok(spec.services.length > 0 && spec.servers.length > 0)
  return 'right'
}

const pieces = [
  '[', ']', '{', '}', ':', ',', '-', '#', '&a', '*a', '!!set', '|', '>', '"', "'", '\t', '\n', '  ', '\r', '\0', '..', '/',
  '%YAML 1.1\n', '---\n', '<<: *a', '? ', '~', 'true', '0x', '-1', '1e999', '.nan', '99999999999', '\u2028', '\ue000', '\ufeff',
  '::1', '[::1]:80', '/udp', 'web01..10', 'web9..1', '10.0.0.1..250', 'constructor', '__proto__', 'toString', 'vrid: 1', 'nodes',
  ':8000..8099', '..65535', ':*', '60s', '1d', '0.5s', 'track: all', 'timeouts: { udp: 1s }', 'hash: source',
] // biome-ignore format: a list of words

const place = fc.double({ min: 0, max: 1, noNaN: true })
const edit = fc.oneof(
  fc.record({ what: fc.constant('insert' as const), at: place, text: fc.constantFrom(...pieces) }),
  fc.record({ what: fc.constant('remove' as const), at: place, count: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ what: fc.constant('repeat' as const), at: place, count: fc.integer({ min: 1, max: 60 }) }),
  fc.record({
    what: fc.constant('move' as const),
    at: place,
    to: place,
    count: fc.integer({ min: 1, max: 30 }),
  }),
)

const edited = fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) =>
  edits.reduce((text, change) => {
    const at = Math.floor(change.at * text.length)
    if (change.what === 'insert') return text.slice(0, at) + change.text + text.slice(at)
    const piece = text.slice(at, at + change.count)
    if (change.what === 'repeat') return text.slice(0, at) + piece + text.slice(at)
    const rest = text.slice(0, at) + text.slice(at + change.count)
    if (change.what === 'remove') return rest
    const to = Math.floor(change.to * rest.length)
    return rest.slice(0, to) + piece + rest.slice(to)
  }, right),
)

test('a right file with random edits is right or refused with places that are in it, and nothing else happens', () => {
  const seen = { right: 0, wrong: 0 }
  fc.assert(
    fc.property(edited, (text) => void seen[outcome(text)]++),
    { numRuns: 1500 },
  )
  assert.ok(seen.right > 0 && seen.wrong > 100, JSON.stringify(seen))
})

test('a right file with random bytes in it is right or refused', () => {
  const flips = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(flips, (changes) => {
      const bytes = Buffer.from(right)
      for (const [at, byte] of changes) bytes[Math.floor(at * (bytes.length - 1))] = byte
      outcome(bytes)
    }),
    { numRuns: 500 },
  )
})

test('text and bytes that were never a file are refused', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => outcome(text) === 'wrong'))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => outcome(bytes) === 'wrong'))
})

test('values of any kind in any place of the file are refused in words', () => {
  const sections = [
    'include',
    'nodes',
    'interfaces',
    'addresses',
    'servers',
    'pools',
    'services',
    'defaults',
    'limits',
    'sysctls',
    'defence',
  ] as const
  const keys = fc.constantFrom(
    ...sections,
    'www',
    'on',
    'ips',
    'listen',
    'servers',
    'weight',
    'name',
    'check',
    'pool',
    'web01..10',
    'track',
    'timeouts',
    'syn',
    'flows',
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(
        'web01',
        'web01..10',
        '192.168.8.11..20',
        '192.168.8.100:80',
        'lan',
        'none',
        '5m',
        '192.168.8.100:1..9',
        '',
        0,
        7,
        1.5,
        true,
        null,
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 3 }),
    ),
  }))
  const file = fc.record(Object.fromEntries(sections.map((name) => [name, value])), { requiredKeys: [] })
  fc.assert(
    fc.property(file, (content) => void outcome(JSON.stringify(content))),
    { numRuns: 1500 },
  )
})
