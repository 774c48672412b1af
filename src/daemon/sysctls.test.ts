import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { emptyRecord, type Record } from './record.ts'
import { restoredText, Sysctls } from './sysctls.ts'

const FORWARD = 'net.ipv4.ip_forward'
const REDIRECTS = 'net.ipv4.conf.eth0/7.send_redirects'
const BESIDE = { 'net.ipv4.conf.eth0/7.forwarding': '0', 'net.ipv4.conf.all.accept_redirects': '1' }

let root = ''
let record: Record
let told: string[]
/** What was recorded at each write of the record, with what the setting was at that moment. */
let written: string[]
const pathOf = (name: string) =>
  join(
    root,
    name.replace(/[./]/g, (mark) => (mark === '.' ? '/' : '.')),
  )
const put = (name: string, value: string) => {
  mkdirSync(dirname(pathOf(name)), { recursive: true })
  writeFileSync(pathOf(name), `${value}\n`)
}
const get = (name: string) => readFileSync(pathOf(name), 'utf8').trim()
const store = {
  read: () => record,
  write: (next: Record) => {
    written.push(`${next.sysctls.map(({ name }) => name).join()} while ${get(FORWARD)}`)
    record = next
  },
}
const sysctls = () => new Sysctls(store, root)
const wanted = (values: { readonly [name: string]: number }) =>
  Object.entries(values).map(([name, value]) => ({ name, value }))
const settle = (values: { readonly [name: string]: number }) => {
  told = []
  return sysctls()
    .settle(wanted(values), (text) => told.push(text))
    .map(({ code, message }) => `${code} ${message}`)
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sysctls-'))
  record = emptyRecord
  written = []
  put(FORWARD, '0')
  put(REDIRECTS, '1')
  for (const [name, value] of Object.entries(BESIDE)) put(name, value)
  put('net.ipv4.conf.all.forwarding', '0')
})
afterEach(() => rmSync(root, { recursive: true }))

test('what is wanted is set, recorded before it is written, and restored to what it was', () => {
  assert.deepEqual(settle({ [FORWARD]: 1, [REDIRECTS]: 0 }), [])
  assert.deepEqual([get(FORWARD), get(REDIRECTS)], ['1', '0'])
  assert.deepEqual(told, [`set ${FORWARD} to 1, which was 0`, `set ${REDIRECTS} to 0, which was 1`])
  assert.deepEqual(written, [`${FORWARD} while 0`, `${FORWARD},${REDIRECTS} while 1`])
  assert.deepEqual(record.sysctls, [
    { name: FORWARD, value: '1', before: '0', beside: BESIDE },
    { name: REDIRECTS, value: '0', before: '1', beside: {} },
  ])
  const { restored, problems } = sysctls().restore()
  assert.deepEqual(problems, [])
  assert.deepEqual(restored.map(restoredText), [`set ${REDIRECTS} back to 1`, `set ${FORWARD} back to 0`])
  assert.deepEqual([get(FORWARD), get(REDIRECTS)], ['0', '1'])
  assert.deepEqual(record, emptyRecord)
})

test('what is no longer wanted is restored, what is wanted otherwise is set anew', () => {
  settle({ [FORWARD]: 1, 'net.ipv4.conf.all.rp_filter': 1 })
  put('net.ipv4.conf.all.rp_filter', '0')
  settle({ [FORWARD]: 1, 'net.ipv4.conf.all.rp_filter': 1 })
  assert.deepEqual(settle({ 'net.ipv4.conf.all.rp_filter': 2 }), [])
  assert.deepEqual(told, [`set ${FORWARD} back to 0`, 'set net.ipv4.conf.all.rp_filter to 2, which was 1'])
  assert.equal(record.sysctls[0]!.before, '0')
  settle({})
  assert.equal(get('net.ipv4.conf.all.rp_filter'), '0')
})

test('what is so anyway is neither written nor restored', () => {
  put(FORWARD, '1')
  assert.deepEqual(settle({ [FORWARD]: 1 }), [])
  assert.deepEqual(told, [])
  assert.deepEqual(record, emptyRecord)
  assert.deepEqual(sysctls().restore().restored, [])
  assert.equal(get(FORWARD), '1')
})

test('what somebody else has set since is his: named, kept by a restore, and what a new apply goes back to', () => {
  settle({ 'net.ipv4.conf.all.accept_redirects': 0 })
  put('net.ipv4.conf.all.accept_redirects', '7')
  assert.deepEqual(
    sysctls()
      .problems(wanted({ 'net.ipv4.conf.all.accept_redirects': 0 }))
      .map(({ code, message }) => `${code} ${message}`),
    ['SYSCTL_OTHER net.ipv4.conf.all.accept_redirects is 7, the file says 0'],
  )
  const { restored } = sysctls().restore()
  assert.deepEqual(restored.map(restoredText), [
    'left net.ipv4.conf.all.accept_redirects at 7, which somebody else has set since',
  ])
  assert.equal(get('net.ipv4.conf.all.accept_redirects'), '7')
  assert.deepEqual(record, emptyRecord)
  settle({ 'net.ipv4.conf.all.accept_redirects': 0 })
  put('net.ipv4.conf.all.accept_redirects', '8')
  settle({ 'net.ipv4.conf.all.accept_redirects': 0 })
  sysctls().restore()
  assert.equal(get('net.ipv4.conf.all.accept_redirects'), '8')
})

test('what somebody else has set to the file’s value is his', () => {
  settle({ [REDIRECTS]: 0 })
  put(REDIRECTS, '1')
  put(REDIRECTS, '0')
  record = { ...record, sysctls: [{ ...record.sysctls[0]!, value: '2' }] }
  settle({ [REDIRECTS]: 0 })
  assert.deepEqual(record, emptyRecord)
})

test('what the kernel changes with a setting is restored with it', () => {
  settle({ [FORWARD]: 1 })
  // as inet_forward_change() does
  put('net.ipv4.conf.eth0/7.forwarding', '1')
  put('net.ipv4.conf.all.accept_redirects', '0')
  sysctls().restore()
  for (const [name, value] of Object.entries(BESIDE)) assert.equal(get(name), value, name)
})

test('a crash between record and write leaves nothing to restore', () => {
  record = { ...emptyRecord, sysctls: [{ name: FORWARD, value: '1', before: '0', beside: {} }] }
  assert.deepEqual(sysctls().restore(), { restored: [], problems: [] })
  assert.deepEqual([get(FORWARD), record], ['0', emptyRecord])
})

test('a crash between record and write of another value of ours leaves it ours', () => {
  settle({ [FORWARD]: 1 })
  settle({ [FORWARD]: 2 })
  // as if the process had died before it wrote
  put(FORWARD, '1')
  assert.deepEqual(sysctls().restore().restored, [{ name: FORWARD, value: '0', isOurs: true }])
  assert.equal(get(FORWARD), '0')
})

test('two settings of which one changes the other end as they began, whichever goes first', () => {
  const ACCEPT = 'net.ipv4.conf.all.accept_redirects'
  /** What the kernel does to ACCEPT when FORWARD changes (net/ipv4/devinet.c, inet_forward_change). */
  const kernel = () => put(ACCEPT, get(FORWARD) === '1' ? '0' : '1')
  const orders: readonly { readonly [name: string]: number }[][] = [
    [{ [FORWARD]: 1, [ACCEPT]: 1 }, { [ACCEPT]: 1 }, {}],
    [{ [FORWARD]: 1, [ACCEPT]: 1 }, { [FORWARD]: 1 }, {}],
    [{ [ACCEPT]: 0 }, { [FORWARD]: 1, [ACCEPT]: 0 }, { [FORWARD]: 1 }, {}],
    [{ [ACCEPT]: 0 }, { [FORWARD]: 1, [ACCEPT]: 0 }, { [ACCEPT]: 0 }, {}],
  ]
  for (const order of orders) {
    for (const values of order) {
      const forward = get(FORWARD)
      settle(values)
      if (get(FORWARD) !== forward && get(FORWARD) === '1') kernel()
      if (values[ACCEPT] !== undefined) settle(values)
      if (values[ACCEPT] !== undefined) assert.equal(get(ACCEPT), String(values[ACCEPT]))
    }
    assert.deepEqual([get(FORWARD), get(ACCEPT), record.sysctls], ['0', '1', []], JSON.stringify(order))
  }
})

test('what does not exist here is named and holds nothing up', () => {
  const missing = 'net.ipv6.conf.all.forwarding'
  assert.deepEqual(settle({ [missing]: 1, [FORWARD]: 1 }), [`SYSCTL_MISSING ${missing} does not exist here`])
  assert.equal(get(FORWARD), '1')
  // an interface that is gone takes its settings with it
  settle({ [REDIRECTS]: 0 })
  rmSync(pathOf(REDIRECTS))
  assert.deepEqual(sysctls().restore(), { restored: [], problems: [] })
  assert.deepEqual(record, emptyRecord)
})

test('what is refused is named, stays recorded as it was, and holds nothing up', () => {
  // a folder in its place can be neither read nor written
  rmSync(pathOf(REDIRECTS))
  mkdirSync(pathOf(REDIRECTS))
  const [refused, ...others] = settle({ [REDIRECTS]: 0, [FORWARD]: 1 })
  assert.match(refused!, /^STATE_UNUSABLE read net.ipv4.conf.eth0\/7.send_redirects/)
  assert.deepEqual(others, [])
  assert.equal(get(FORWARD), '1')
})

test('status says what a setting is, and what it was', () => {
  settle({ [FORWARD]: 1 })
  put('net.ipv4.conf.all.rp_filter', '2')
  assert.deepEqual(
    sysctls().statusOf(
      wanted({ [FORWARD]: 1, 'net.ipv4.conf.all.rp_filter': 2, 'net.ipv6.ip_nonlocal_bind': 1 }),
    ),
    [
      { name: FORWARD, wanted: 1, value: '1', before: '0' },
      { name: 'net.ipv4.conf.all.rp_filter', wanted: 2, value: '2' },
      { name: 'net.ipv6.ip_nonlocal_bind', wanted: 1 },
    ],
  )
})
