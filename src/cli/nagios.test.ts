import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nagiosVerdict } from './nagios.ts'
import { ago, failed, statusOf } from './status.fixture.ts'

const small = { services: 2, servers: 3, isLong: false }
const PERFORMANCE = 'packets=19753086420c bytes=1998c'

test('all is well: one line with counts and performance data', () => {
  assert.deepEqual(nagiosVerdict(statusOf(small)), {
    state: 'OK',
    line: `TENBIN OK - 2 services, 3 of 3 servers up | servers_up=3;;;0;3 services_up=2;;;0;2 problems=0;;;0 ${PERFORMANCE}`,
  })
})

test('a server that is down, a guard that holds, or a problem is a warning that says which', () => {
  const line = (status: Parameters<typeof nagiosVerdict>[0], service?: string) => {
    const { state, line } = nagiosVerdict(status, service)
    return [state, line.split(' | ')[0]]
  }
  const down = statusOf(small, (service, server) =>
    service === 0 && server === 1 ? failed('status 503') : {},
  )
  assert.deepEqual(line(down), [
    'WARNING',
    'TENBIN WARNING - 2 services, 2 of 3 servers up; web02 down in svc01: status 503',
  ])
  assert.deepEqual(line(down, 'svc02'), ['OK', 'TENBIN OK - 1 service, 3 of 3 servers up'])
  const held = statusOf(small, (service, server) =>
    service === 0 && server < 2 ? { check: { state: 'held', since: ago(3), why: 'refused' } } : {},
  )
  assert.deepEqual(line(held), [
    'WARNING',
    'TENBIN WARNING - 2 services, 3 of 3 servers up; svc01: 2 held by the guard',
  ])
  const still = statusOf(small, (service, server) =>
    service === 1 && server === 0 ? { check: { state: 'up', since: ago(3), isOverdue: true } } : {},
  )
  assert.deepEqual(line(still), [
    'WARNING',
    'TENBIN WARNING - 2 services, 3 of 3 servers up; svc02: 1 whose check stands still',
  ])
  const problem = { code: 'CHECKER_ABSENT', message: 'servers are | not\nlooked at', remedy: '' }
  assert.deepEqual(line(statusOf(small, () => ({}), { problems: [problem] })), [
    'WARNING',
    'TENBIN WARNING - 2 services, 3 of 3 servers up; servers are   not looked at',
  ])
})

test('a flood is a warning with its sentence, for all services and for its own', () => {
  const text = 'svc01: SYN flood, 98,400/s, 99.7 % never completed'
  const incident = { service: 'svc01', verdict: 'syn-flood', since: ago(3), text, perS: 98_400 } as const
  const flood = { incidents: [incident], underProof: [], rules: [] }
  const status = statusOf(small, () => ({}), { flood })
  const said = (service?: string) => nagiosVerdict(status, service).line.split(' | ')[0]
  assert.equal(said(), `TENBIN WARNING - 2 services, 3 of 3 servers up; ${text}`)
  assert.equal(said('svc01'), `TENBIN WARNING - 1 service, 3 of 3 servers up; ${text}`)
  assert.equal(said('svc02'), 'TENBIN OK - 1 service, 3 of 3 servers up')
})

test('a service without a server is critical, and named first; an operator’s order is not, unless none is left', () => {
  const out = (servers: number) =>
    nagiosVerdict(
      statusOf(small, (service, server) =>
        service === 1 && server < servers ? { state: 'disabled', share: 0 } : {},
      ),
    )
  assert.equal(out(2).state, 'OK')
  assert.equal(out(3).state, 'CRITICAL')
  assert.match(
    out(3).line,
    /^TENBIN CRITICAL - 2 services, 0 of 3 servers up; svc02: no server \| servers_up=0;;;0;3 services_up=1;;;0;2 /,
  )
})

test('a lost quorum is critical, and says whether sorry servers answer; these are not counted', () => {
  const status = statusOf(small, (_, server) => (server === 2 ? { sorry: true, share: 0 } : {}))
  const [first, second] = status.pools
  const quorum = { state: 'lost', present: 1, up: 3, down: 2 } as const
  const pools = [{ ...first!, quorum, sorry: true as const }, second!]
  const { state, line } = nagiosVerdict({ ...status, pools })
  assert.equal(state, 'CRITICAL')
  assert.match(line, /2 of 2 servers up; svc01: no quorum: 1 of 2, sorry servers answer \|/)
  assert.equal(nagiosVerdict(status).state, 'OK')
})

test('a daemon that waits is critical, a service that is not there unknown', () => {
  const problems = [{ code: 'INTERFACE_MISSING', message: 'no interface eth7', remedy: '' }]
  const waiting = { ...statusOf(small), state: 'waiting' as const, problems }
  assert.deepEqual(nagiosVerdict(waiting), {
    state: 'CRITICAL',
    line: 'TENBIN CRITICAL - nothing is applied yet; no interface eth7',
  })
  assert.deepEqual(nagiosVerdict(statusOf(small), 'shop'), {
    state: 'UNKNOWN',
    line: 'TENBIN UNKNOWN - there is no service shop',
  })
})

test('a line has a bounded number of causes of a bounded length', () => {
  const status = statusOf({ services: 1, servers: 300, isLong: true }, (_, server) =>
    server > 0 ? failed('y'.repeat(500)) : {},
  )
  const { line } = nagiosVerdict(status)
  assert.ok(line.length < 1024, `${line.length}`)
  assert.match(line, /; 294 more \| /)
})

test('two active nodes are critical, whatever else is well', () => {
  const problem = { code: 'SPLIT_BRAIN', message: 'front: lb2 is active as well', remedy: '' }
  const { state, line } = nagiosVerdict(statusOf(small, () => ({}), { problems: [problem] }))
  assert.equal(state, 'CRITICAL')
  assert.match(line, /^TENBIN CRITICAL - .*front: lb2 is active as well/)
})
