import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Rota } from './rota.ts'

const limit = () => 1000
const everySecond = { everyMs: 1000, delayMs: 0 }

/** run: starts of all checks by key until `end`, each looked at in `tookMs`, the clock in steps of `stepMs`. */
function run(rota: Rota, end: number, { stepMs = 1, tookMs = 0, everyMs = 1000 } = {}) {
  const starts: { key: string; at: number; lateMs: number }[] = []
  const running: { key: string; until: number }[] = []
  for (let now = 0; now <= end; now += stepMs) {
    while (running[0] && running[0].until <= now) rota.end(running.shift()!.key, everyMs, now)
    for (const { key, lateMs } of rota.begin(now, Number.POSITIVE_INFINITY, limit)) {
      starts.push({ key, at: now, lateMs })
      running.push({ key, until: now + tookMs })
    }
  }
  return starts
}

test('first starts are spread evenly, however many there are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), (count) => {
      const rota = new Rota()
      for (let each = 0; each < count; each++) rota.add(`${each}`, everySecond, 0)
      const per = new Array<number>(10).fill(0)
      const first = new Map(
        run(rota, 1000)
          .reverse()
          .map(({ key, at, lateMs }) => [key, at - lateMs]),
      )
      for (const due of first.values()) per[Math.floor(due / 100)]!++
      assert.equal(
        per.reduce((sum, each) => sum + each),
        count,
      )
      for (const each of per) assert.ok(Math.abs(each - count / 10) <= 3, `${per}`)
    }),
    { numRuns: 50 },
  )
})

test('each keeps its beat, whatever its looks take, and misses beats rather than crowd', () => {
  const ms = fc.integer({ min: 1, max: 3500 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      ms,
      fc.integer({ min: 1, max: 50 }),
      (count, tookMs, stepMs) => {
        const rota = new Rota()
        for (let each = 0; each < count; each++) rota.add(`${each}`, everySecond, 0)
        const last = new Map<string, number>()
        for (const { key, at, lateMs } of run(rota, 20_000, { tookMs, stepMs })) {
          assert.ok(lateMs >= 0 && lateMs <= stepMs, `${lateMs} late`)
          const due = at - lateMs
          const before = last.get(key)
          if (before !== undefined) {
            const beats = (due - before) / 1000
            assert.ok(Math.abs(beats - Math.round(beats)) < 1e-6, 'it kept its beat')
            assert.ok(due - before >= tookMs, 'no two at once')
            assert.ok(due - before < tookMs + 1000 + 2 * stepMs, 'no beat is left out without need')
          }
          last.set(key, due)
        }
        assert.equal(last.size, count)
      },
    ),
    { numRuns: 100 },
  )
})

test('what comes and goes at random begins in the order of its time', () => {
  const act = fc.oneof(
    fc.record({
      kind: fc.constant('add' as const),
      key: fc.nat(30),
      everyMs: fc.integer({ min: 1, max: 500 }),
    }),
    fc.record({ kind: fc.constant('remove' as const), key: fc.nat(30), everyMs: fc.constant(0) }),
    fc.record({ kind: fc.constant('begin' as const), key: fc.nat(5), everyMs: fc.nat(300) }),
    fc.record({
      kind: fc.constant('end' as const),
      key: fc.nat(30),
      everyMs: fc.integer({ min: 1, max: 500 }),
    }),
  )
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const rota = new Rota()
      const waits = new Set<string>()
      const runs = new Set<string>()
      let now = 0
      for (const { kind, key: number, everyMs } of acts) {
        const key = `${number}`
        if (kind === 'add' && !waits.has(key) && !runs.has(key)) {
          rota.add(key, { everyMs, delayMs: 0 }, now)
          waits.add(key)
        } else if (kind === 'remove') {
          rota.remove(key)
          waits.delete(key)
          runs.delete(key)
        } else if (kind === 'end') {
          rota.end(key, everyMs, now)
          if (runs.delete(key)) waits.add(key)
        } else if (kind === 'begin') {
          now += everyMs
          const begun = rota.begin(now, number, limit)
          assert.ok(begun.length <= number)
          assert.deepEqual(
            begun.map(({ lateMs }) => lateMs),
            begun.map(({ lateMs }) => lateMs).toSorted((a, b) => b - a),
          )
          for (const each of begun) {
            assert.ok(waits.delete(each.key), 'it waited')
            runs.add(each.key)
          }
          if (begun.length < number) assert.ok((rota.nextDue ?? Number.POSITIVE_INFINITY) > now)
        }
        assert.deepEqual([rota.size, rota.running], [waits.size + runs.size, runs.size])
        assert.equal(rota.nextDue === undefined, waits.size === 0)
      }
    }),
  )
})

test('a delay comes before the first start', () => {
  const rota = new Rota()
  for (let each = 0; each < 10; each++) rota.add(`${each}`, { everyMs: 1000, delayMs: 5000 }, 0)
  const starts = run(rota, 5999)
  assert.equal(starts.length, 10)
  assert.ok(starts.every(({ at }) => at >= 5000))
})

test('who was removed does not begin, nor does it hold up those behind it', () => {
  const rota = new Rota()
  rota.add('a', everySecond, 0)
  rota.add('b', everySecond, 0)
  rota.remove('a')
  assert.deepEqual(
    rota.begin(1000, 10, limit).map(({ key }) => key),
    ['b'],
  )
})

test('the watchdog tells what was not begun and what does not end, by how much', () => {
  const rota = new Rota()
  rota.add('a', everySecond, 0)
  rota.add('b', everySecond, 0)
  assert.deepEqual(rota.begin(0, 10, limit), [{ key: 'a', lateMs: 0 }])
  assert.deepEqual(rota.overdue(1100, 100), [
    { key: 'b', isRunning: false, byMs: 1100 - 1000 * ((Math.sqrt(5) - 1) / 2) },
  ])
  rota.begin(1100, 10, limit)
  assert.deepEqual(rota.overdue(1200, 100), [{ key: 'a', isRunning: true, byMs: 200 }])
  rota.end('a', 1000, 1200)
  assert.deepEqual(rota.overdue(2100, 100), [])
  rota.remove('b')
  assert.deepEqual(
    rota.overdue(9000, 100).map(({ key }) => key),
    ['a'],
  )
})
