import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asGreeting, hostileServer } from '../../test/health/hostile-servers.ts'
import { descriptors, lookAt, loopback, returns } from '../../test/health/look-at.ts'
import { Pattern } from '../base/pattern.ts'
import { Reactor } from '../sys/reactor.ts'
import { type Checker, good } from './checker.ts'
import { tcp } from './checkers/tcp.ts'
import { type Look, lookOnce, lookPart } from './look.ts'

/** busy keeps this thread from doing anything else. */
function busy(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

test('a process that was not run in time does not hold that against the server', async () => {
  await using server = await hostileServer('slow', asGreeting('OK'))
  using reactor = new Reactor()
  for (const expect of [undefined, Pattern.compile('^O')]) {
    const checker = tcp(loopback(server.port), expect === undefined ? {} : { expect })
    const looking = lookOnce(checker, { reactor, timeoutMs: 200 })
    busy(700)
    const { outcome, text } = await looking
    assert.equal(outcome, 'good', text)
  }
})

test('a server that is silent is down all the same, at most as much later as the process was', async () => {
  await using server = await hostileServer('mute')
  using reactor = new Reactor()
  const checker = tcp(loopback(server.port), { expect: Pattern.compile('x') })
  // The machine may be late, too: once in five it is not.
  let leastMs = Infinity
  for (let tries = 0; tries < 5 && leastMs >= 700; tries++) {
    const started = performance.now()
    const looking = lookOnce(checker, { reactor, timeoutMs: 200 })
    busy(300)
    const { outcome, text } = await looking
    assert.deepEqual([outcome, text], ['bad', 'waiting for "x" timed out after 200ms'])
    leastMs = Math.min(leastMs, performance.now() - started)
  }
  assert.ok(leastMs < 700, `${leastMs} ms`)
})

test('what a look owns ends with it, the last first, and what comes later ends at once', async () => {
  const closed: string[] = []
  const thing = (name: string) => ({ [Symbol.dispose]: () => void closed.push(name) })
  let late: (() => void) | undefined
  const checker: Checker = async (look) => {
    look.own(thing('first'))
    look.own(thing('second'))
    late = () => void look.own(thing('late'))
    return good('x')
  }
  assert.equal((await lookAt(checker)).outcome, 'good')
  assert.deepEqual(closed, ['second', 'first'])
  late?.()
  assert.deepEqual(closed, ['second', 'first', 'late'])
})

test('a bug in a checker says nothing of the server, whether thrown at once, later or in a part, and is told', async () => {
  using reactor = new Reactor()
  const later: Checker = () => Promise.reject(new RangeError('bug'))
  const atOnce: Checker = () => {
    throw new RangeError('bug')
  }
  for (const checker of [later, atOnce, (look: Look) => lookPart(atOnce, look)]) {
    const faults: unknown[] = []
    const onFault = (error: unknown) => void faults.push(error)
    const { outcome, text } = await lookOnce(checker, { reactor, timeoutMs: 100, onFault })
    assert.deepEqual([outcome, text], ['none', 'the check itself failed: bug'])
    assert.ok(faults.length === 1 && faults[0] instanceof RangeError)
  }
})

test('a thousand looks at once come to their verdicts and give their descriptors back', async () => {
  const before = descriptors()
  await using server = await hostileServer('mute')
  using reactor = new Reactor()
  const checker = tcp(loopback(server.port), { expect: Pattern.compile('x') })
  const findings = await Promise.all(
    Array.from({ length: 1000 }, () => lookOnce(checker, { reactor, timeoutMs: 2000 })),
  )
  assert.ok(findings.every(({ text }) => text === 'waiting for "x" timed out after 2s'))
  await returns(descriptors, before + 4, 'descriptors')
})
