import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Status } from '../daemon/api-schema.ts'
import { paintFor } from './context.ts'
import { ago, movingSet, NOW, statusOf, vrrpThere } from './status.fixture.ts'
import { statusLines } from './status-lines.ts'
import { screenLines } from './status-screen.ts'
import { roleText } from './status-sets.ts'

const paint = paintFor(false)
const of = (sets: Status['sets'], more: Partial<Status> = {}): Status =>
  statusOf({ services: 1, servers: 2, isLong: false }, () => ({}), { sets, vrrp: vrrpThere, ...more })
const shown = (status: Status, columns = 80) => screenLines(status, paint, NOW, { columns, rows: 24 })
/** rowsOf the list of sets. */
const rowsOf = (status: Status, columns = 80): string[] => {
  const lines = shown(status, columns)
  const at = lines.findIndex((line) => line.startsWith('SET '))
  return at < 0 ? [] : lines.slice(at, lines.indexOf('', at))
}
const stays = {
  name: 'inner',
  addresses: ['10.1.0.100/24'],
  services: [],
  role: 'active',
  active: 'lb1',
} as const

test('sets that move are a list with the role, who is active, the others and what stands in the way', () => {
  const fault = { name: 'link:eth1', text: 'eth1 has no carrier' }
  const status = of([
    movingSet(),
    movingSet(
      { name: 'back', role: 'initialize', active: 'lb2', nodes: [] },
      { priority: 150, faults: [fault], tracks: [{ name: 'service:www', isUp: false, text: 'no quorum' }] },
    ),
    movingSet(
      { name: 'held', role: 'backup', active: 'lb2', nodes: [{ node: 'lb2', role: 'active', faults: [] }] },
      { heldUntil: ago(-600), tracks: [{ name: 'file:/stop', isUp: false, text: 'it is there' }] },
    ),
    { ...stays, addresses: [...stays.addresses], services: [] },
  ])
  assert.deepEqual(rowsOf(status, 120), [
    'SET    ROLE    SINCE  ACTIVE    PRIORITY  OTHERS      NOTE',
    'front  active  1m30s  lb1            200  lb2 backup',
    'back   none    1m30s  lb2     150 of 200              eth1 has no carrier',
    'held   backup  1m30s  lb2            200  lb2 active  file:/stop down, takes nothing back for 10m',
    'inner  active         lb1                             no vrid: it stays on the first node',
  ])
})

test('what is known of a vrrp that is not there is marked as such', () => {
  const vrrp = { ...vrrpThere, state: 'absent' as const, why: 'ECONNREFUSED' }
  assert.match(rowsOf(of([movingSet()], { vrrp }), 100)[1]!, /as told last: vrrp is not there$/)
})

test('a file whose sets do not move has no such list, and says what this node is in one word', () => {
  assert.deepEqual(rowsOf(of([stays as unknown as Status['sets'][number]])), [])
  const words = (sets: Status['sets'], more: Partial<Status> = {}) => roleText({ sets, ...more })
  assert.equal(words([movingSet()]), 'active')
  assert.equal(words([movingSet(), movingSet({ role: 'backup' })]), 'active for 1 of 2 sets')
  assert.equal(words([movingSet({ role: 'backup' })]), 'backup')
  assert.equal(words([movingSet({ role: 'initialize' })]), 'no role')
  assert.equal(words([movingSet()], { maintenance: { since: ago(1) } }), 'in maintenance')
})

test('with long names, many sets and problems it fits 80 columns and 24 rows', () => {
  const long = 'x'.repeat(60)
  const sets = Array.from({ length: 12 }, (_, at) =>
    movingSet(
      {
        ...{ name: `set${at}${long}`, active: `lb1${long}`, role: at === 9 ? 'initialize' : 'backup' },
        nodes: [{ node: `lb2${long}`, role: 'backup', faults: ['packet-path'] }],
      },
      at === 9 ? { faults: [{ name: 'a', text: long.repeat(3) }] } : {},
    ),
  )
  const problem = { code: 'X', message: 'z '.repeat(99), remedy: '' }
  const lines = shown(of(sets, { problems: [problem, problem, problem, problem, problem] }))
  assert.ok(lines.length < 24, `${lines.length} lines`)
  for (const line of lines) assert.ok(line.length <= 80, line)
  assert.ok(
    lines.some((line) => line.startsWith('set9')),
    'the troubled one is shown',
  )
})

test('all of a status says where addresses are by role, and what the vrrp process has not', () => {
  const address = { address: '10.0.0.100', prefix: 24, interface: 'eth0', owned: false, set: 'front' }
  const lines = (role: 'active' | 'backup', present: boolean, vrrp = vrrpThere) =>
    statusLines(of([movingSet({ role })], { addresses: [{ ...address, present }], vrrp }), paint, NOW)
  const has = (some: readonly string[], text: string) =>
    assert.ok(
      some.some((line) => line.includes(text)),
      `${text} is not in:\n${some.join('\n')}`,
    )
  has(lines('active', true), '10.0.0.100/24, here')
  has(lines('active', false), '10.0.0.100/24, missing')
  has(lines('backup', false), '10.0.0.100/24, not here')
  has(lines('backup', true), '10.0.0.100/24, here, though this node is not active')
  has(
    lines('active', true, { ...vrrpThere, problems: ['no real-time priority'] }),
    'pid 4712; no real-time priority',
  )
})

test('all of a status has a line for each other node', () => {
  const lb2 = { name: 'lb2', state: 'connected', since: ago(90), version: '0.1.0', reachesUs: true } as const
  const why = 'nobody listens at 10.0.0.4:7943'
  const lb3 = { name: 'lb3', state: 'unreachable', since: ago(5), why, reachesUs: false } as const
  const lines = statusLines(of([], { peers: [lb2, lb3] }), paint, NOW).filter((line) =>
    line.startsWith('node '),
  )
  assert.deepEqual(
    lines.map((line) => line.replace(/^node +/, '')),
    ['lb2, connected for 1m30s, tenbin 0.1.0', 'lb3, unreachable for 5s, nobody listens at 10.0.0.4:7943'],
  )
})
