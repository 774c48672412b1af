import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RHYTHM } from '../config/check-spec.ts'
import { Reactor } from '../sys/reactor.ts'
import { bad, type Checker, good, type Verdict } from './checker.ts'
import { GRACE_MS, type Known, Runner, SCRIPTS_AT_ONCE, type Watched } from './runner.ts'

const rhythm = { ...RHYTHM, everyMs: 40, inDoubtMs: 20, timeoutMs: 30 }
const watched = (key: string, checker: Checker, change: Partial<Watched> = {}): Watched => ({
  ...{ key, kind: 'tcp', checker, rhythm, isHeavy: false },
  ...change,
})

/** running: a runner, what it told, and a way to wait for something told. */
function running() {
  const reactor = new Reactor()
  const told: string[] = []
  const faults: string[] = []
  const runner = new Runner({
    reactor,
    onFault: (key, error) => faults.push(`${key}: ${String(error)}`),
    clock: () => Date.now(),
    onChange: (key, { health, report }: Known, transition) =>
      told.push(
        `${key} ${transition ? `${transition.from}>${transition.to}` : health.standing}${report ? ` ${report.share}` : ''}`,
      ),
  })
  const until = async (is: () => boolean) => {
    for (let tries = 0; !is(); tries++) {
      assert.ok(tries < 400, `in two seconds only: ${told}`)
      await delay(5)
    }
  }
  return {
    runner,
    told,
    faults,
    until,
    [Symbol.dispose]: () => {
      runner[Symbol.dispose]()
      reactor[Symbol.dispose]()
    },
  }
}

test('what is looked at goes up, and down by its rule; what is told is told once', async () => {
  using it = running()
  let verdict: Verdict = good('x')
  it.runner.watch([watched('a', async () => verdict)], () => undefined)
  await it.until(() => it.told.length === 1)
  verdict = bad('y')
  await it.until(() => it.told.length === 2)
  verdict = good('x')
  await it.until(() => it.told.length === 3)
  await delay(100)
  assert.deepEqual(it.told, ['a unknown>up', 'a up>down', 'a down>up'])
  const { health, history } = it.runner.known('a')!
  assert.equal(health.standing, 'up')
  assert.equal(history.transitions[1]!.text, 'y')
  assert.equal(history.transitions[1]!.count, 3)
  assert.equal(history.lastFailure!.text, 'y')
})

test('a standing that is handed in counts until enough looks contradict it', async () => {
  using it = running()
  let looks = 0
  const seeds: Record<string, 'up' | 'down'> = { a: 'up', b: 'down' }
  const list = [
    watched('a', async () => (looks++ < 0 ? good('x') : bad('x'))),
    watched('b', async () => good('x')),
  ]
  it.runner.watch(list, (key) => seeds[key])
  assert.equal(it.runner.known('a')!.health.standing, 'up')
  await it.until(() => it.told.length === 2)
  assert.deepEqual(it.told.toSorted(), ['a up>down', 'b down>up'])
  assert.ok(looks >= 3)
})

test('a later word about what was not looked at yet counts, one about what was looked at does not', async () => {
  using it = running()
  const late = { rhythm: { ...rhythm, delayMs: 100, fall: 1 } }
  it.runner.watch([watched('a', async () => bad('x'), late)], () => 'up')
  it.runner.watch([watched('a', async () => bad('x'), late)], () => undefined)
  assert.equal(it.runner.known('a')!.health.standing, 'up')
  it.runner.watch([watched('a', async () => bad('x'), late)], () => 'down')
  assert.equal(it.runner.known('a')!.health.standing, 'down')
  await it.until(() => it.runner.known('a')!.history.looks > 0)
  it.runner.watch([watched('a', async () => bad('x'), late)], () => 'up')
  assert.equal(it.runner.known('a')!.health.standing, 'down')
  // No change: merely why.
  assert.deepEqual(it.told, ['a down'])
})

test('what stays in the list keeps what is known of it; what is gone is not looked at any more', async () => {
  using it = running()
  let looks = 0
  const a = watched('a', async () => (looks++ < 0 ? bad('x') : good('x')))
  const b = watched('b', async () => good('x'))
  it.runner.watch([a, b], () => undefined)
  await it.until(() => it.told.length === 2)
  it.runner.watch([b], () => undefined)
  const before = looks
  const known = it.runner.known('b')!.history.looks
  await delay(100)
  assert.deepEqual([looks, it.runner.known('a')], [before, undefined])
  assert.ok(it.runner.known('b')!.history.looks > known)
  it.runner.watch([a, b], () => undefined)
  await it.until(() => it.told.length === 3)
  assert.deepEqual(it.told.slice(2), ['a unknown>up'])
})

test('a report that changes is told without a change of standing, and outlives a look that failed', async () => {
  using it = running()
  let verdict: Verdict = good('x', { share: 0.5 })
  it.runner.watch([watched('a', async () => verdict)], () => undefined)
  await it.until(() => it.told.length === 1)
  verdict = good('x', { share: 1 })
  await it.until(() => it.told.length === 2)
  verdict = bad('x')
  await it.until(() => it.told.length === 3)
  assert.deepEqual(it.told, ['a unknown>up 0.5', 'a up 1', 'a up>down 1'])
})

test('a checker that hangs has its verdict in time, and holds up no other', async () => {
  using it = running()
  it.runner.watch(
    [watched('hangs', () => new Promise(() => {})), watched('a', async () => good('x'))],
    () => undefined,
  )
  await it.until(() => it.told.length === 2)
  assert.deepEqual(it.told.toSorted(), ['a unknown>up', 'hangs unknown>down'])
  assert.equal(it.runner.known('hangs')!.history.lastFailure!.text, 'check timed out after 30ms')
})

test('a checker that throws what nobody foresaw moves nothing, holds up no other, and is told of once', async () => {
  using it = running()
  let looks = 0
  const throws: Checker = () => {
    looks++
    throw new RangeError('bug')
  }
  it.runner.watch([watched('throws', throws), watched('a', async () => good('x'))], (key) =>
    key === 'throws' ? 'up' : undefined,
  )
  await it.until(() => looks > 3 && it.told.length === 2)
  assert.deepEqual(it.told.toSorted(), ['a unknown>up', 'throws up'])
  assert.equal(it.runner.known('throws')!.health.standing, 'up')
  assert.equal(it.runner.known('throws')!.history.lastLook!.text, 'the check itself failed: bug')
  assert.deepEqual(it.faults, ['throws: RangeError: bug'])
})

test('no more scripts than the bound run at once, all have their turn, and those that wait for theirs are told', async () => {
  using it = running()
  let now = 0
  let most = 0
  const script: Checker = async () => {
    most = Math.max(most, ++now)
    await delay(10)
    now--
    return good('x')
  }
  const count = 3 * SCRIPTS_AT_ONCE
  const slow = { rhythm: { ...rhythm, everyMs: 1, timeoutMs: 1000 }, isHeavy: true }
  it.runner.watch(
    Array.from({ length: count }, (_, at) => watched(`s${at}`, script, slow)),
    () => undefined,
  )
  await it.until(() => it.told.length === count)
  assert.equal(most, SCRIPTS_AT_ONCE)
  const { looks, latestMs } = it.runner.pace()
  assert.ok(looks >= count)
  assert.ok(latestMs > 5, `${latestMs}`)
})

test('scripts that take all the room there is make others wait, and those stand still for the watchdog', async () => {
  using it = running()
  const script: Checker = async () => {
    await delay(1500)
    return good('x')
  }
  const slow = { rhythm: { ...rhythm, everyMs: 100, timeoutMs: 5000 }, isHeavy: true }
  it.runner.watch(
    Array.from({ length: 2 * SCRIPTS_AT_ONCE }, (_, at) => watched(`s${at}`, script, slow)),
    () => undefined,
  )
  assert.deepEqual(it.runner.overdue(), [])
  await it.until(() => it.runner.overdue().length === SCRIPTS_AT_ONCE)
  assert.ok(it.runner.overdue().every(({ isRunning, byMs }) => !isRunning && byMs > GRACE_MS))
})

test('a warning with the first look, and why a server is down that was handed in so, are known', async () => {
  using it = running()
  const warns: Verdict = { ...good('x'), warning: 'the certificate expires in 6 days' }
  it.runner.watch([watched('a', async () => warns), watched('b', async () => bad('refused'))], (key) =>
    key === 'b' ? 'down' : undefined,
  )
  await it.until(() => it.told.length === 2)
  assert.deepEqual(it.told.toSorted(), ['a unknown>up', 'b down'])
  assert.equal(it.runner.known('a')!.warning, 'the certificate expires in 6 days')
  assert.equal(it.runner.known('b')!.why, 'refused')
})

test('looks that find nothing are told when they begin, change their reason and end, and are counted', async () => {
  using it = running()
  const none = (text: string): Verdict => ({ outcome: 'none', text })
  let verdict = good('x')
  it.runner.watch([watched('a', async () => verdict)], () => undefined)
  await it.until(() => it.told.length === 1)
  verdict = none('no descriptors left')
  await it.until(() => (it.runner.known('a')!.fruitless?.count ?? 0) >= 3)
  assert.deepEqual(it.told, ['a unknown>up', 'a up'])
  verdict = none('its source address is gone')
  await it.until(() => it.told.length === 3)
  assert.equal(it.runner.known('a')!.fruitless!.text, 'its source address is gone')
  verdict = good('x')
  await it.until(() => it.told.length === 4)
  assert.equal(it.runner.known('a')!.fruitless, undefined)
  assert.deepEqual(it.told.slice(1), ['a up', 'a up', 'a up'])
})
