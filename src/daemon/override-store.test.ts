import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { overrideStore } from './override-store.ts'
import type { Override } from './overrides.ts'
import { NOTHING_SAID, OVERRIDES_LIMIT } from './words.ts'

let dir = ''
let path = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'overrides-'))
  path = join(dir, 'state', 'tenbin.overrides.json')
})
afterEach(() => rmSync(dir, { recursive: true }))

const list: readonly Override[] = [
  { server: 'web01', order: 'drained', since: Date.UTC(2024, 0, 2), deadline: Date.UTC(2024, 0, 3) },
  { server: 'web02', service: 'www', order: 'ready', weight: 0, since: Date.UTC(2024, 0, 2) },
]

test('what is written is read again, from a file of the owner alone, and nothing where there is none', () => {
  const store = overrideStore(path)
  assert.deepEqual(store.read(), NOTHING_SAID)
  store.write({ ...NOTHING_SAID, overrides: list })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.match(readFileSync(path, 'utf8'), /"since": "2024-01-02T00:00:00\.000Z"/)
  assert.deepEqual(overrideStore(path).read().overrides, list)
  store.write(NOTHING_SAID)
  assert.deepEqual(overrideStore(path).read(), NOTHING_SAID)
  assert.deepEqual(store.problems(), [])
  assert.deepEqual(readdirSync(join(dir, 'state')), ['tenbin.overrides.json'])
})

test('a damaged file is set aside, named as a problem until it is taken away, and never overwritten', () => {
  overrideStore(path).write({ ...NOTHING_SAID, overrides: list })
  const good = readFileSync(path, 'utf8')
  const since = '"since": "2024-01-02T00:00:00Z"'
  for (const text of [
    '',
    good.slice(0, -20),
    'null',
    good.replace('"version": 1', '"version": 2'),
    good.replace('"drained"', '"gone"'),
    good.replace('"weight": 0', '"weight": -1'),
    good.replace('"web01"', '"../web01"'),
    `{ "version": 1, "overrides": [{ "server": "web01", ${since} }] }`,
    `{ "version": 1, "overrides": [{ "server": "web01", "order": "drained", "since": 5 }] }`,
    `{ "version": 1, "overrides": [{ "server": "web01", "order": "drained", ${since}, "x": 1 }] }`,
    `{ "version": 1, "overrides": [${Array(OVERRIDES_LIMIT + 1)
      .fill(`{ "server": "web01", "order": "drained", ${since} }`)
      .join(',')}] }`,
    ' '.repeat(5 * 1024 * 1024),
  ]) {
    writeFileSync(path, text)
    const store = overrideStore(path)
    assert.deepEqual(store.read(), NOTHING_SAID, text.slice(0, 100))
    assert.deepEqual(
      store.problems().map(({ code }) => code),
      ['OVERRIDES_DAMAGED'],
    )
    assert.match(store.problems()[0]!.message, /overrides\.json\.damaged is damaged/)
    store.write({ ...NOTHING_SAID, overrides: list })
    assert.equal(readFileSync(`${path}.damaged`, 'utf8'), text)
    assert.deepEqual(overrideStore(path).read().overrides, list)
    rmSync(`${path}.damaged`)
    assert.deepEqual(store.problems(), [])
  }
})

test('what cannot be read or written is said with the reason, and stays where it is', () => {
  mkdirSync(path, { recursive: true })
  const store = overrideStore(path)
  assert.deepEqual(store.read(), NOTHING_SAID)
  assert.deepEqual(
    store.problems().map(({ code }) => code),
    ['STATE_UNUSABLE'],
  )
  assert.throws(
    () => store.write({ ...NOTHING_SAID, overrides: list }),
    (e) => e instanceof TenbinError && e.code === 'STATE_UNUSABLE',
  )
  assert.ok(existsSync(path))
  rmSync(path, { recursive: true })
  store.write({ ...NOTHING_SAID, overrides: list })
  assert.deepEqual(store.problems(), [])
})
