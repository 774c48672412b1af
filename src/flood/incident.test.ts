// From verdicts, one a second, to incidents: when one begins, what makes it another one, and when it is over.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Course, QUIET, type Step, stepped } from './incident.ts'
import type { Kind } from './verdict.ts'

const AT = 1_000_000
type Second = Kind | readonly [Kind, number]

/** Night: seconds of a service, one verdict each, and what was told of them. */
class Night {
  #now = AT
  #course: Course = QUIET
  readonly told: string[] = []

  get course(): Course {
    return this.#course
  }

  pass(...seconds: readonly Second[]): Step['told'] {
    let last: Step['told']
    for (const second of seconds) {
      const [kind, perS] = typeof second === 'string' ? [second, 1_000] : second
      const verdict = { service: 'www', kind, text: `${kind} ${perS}`, reasons: [], perS, sources: 1 }
      const { course, told } = stepped(this.#course, verdict, this.#now)
      this.#now += 1_000
      this.#course = course
      if (told) this.told.push(`${told.what} ${told.incident.kind}`)
      last = told
    }
    return last
  }
}
const many = (count: number, kind: Second): Second[] => Array.from({ length: count }, () => kind)

test('an incident begins with the third bad second in a row, and dates from the first', () => {
  const night = new Night()
  night.pass('calm', 'syn-flood', 'syn-flood')
  assert.deepEqual(night.told, [])
  const told = night.pass(['syn-flood', 90_000])
  assert.equal(told?.what, 'began')
  assert.deepEqual(
    [told.incident.since, told.incident.most, told.incident.first.text],
    [AT + 1_000, 90_000, 'syn-flood 90000'],
  )
})

test('bad seconds with good ones between are none, and what is busy is not bad', () => {
  const night = new Night()
  for (let i = 0; i < 10; i++) night.pass('overload', 'syn-flood', 'busy')
  night.pass(...many(10, 'busy'))
  assert.deepEqual(night.told, [])
  assert.equal(night.course, QUIET)
})

test('a flood that pauses, or changes its shape, is told once, and is over half a minute after its last second', () => {
  const night = new Night()
  night.pass(...many(5, 'syn-flood'), ...many(29, 'calm'), ['udp-flood', 7_000], ...many(4, 'packet-flood'))
  assert.deepEqual(night.told, ['began syn-flood'])
  assert.equal(night.pass(...many(29, 'calm')), undefined)
  const told = night.pass('calm')
  assert.equal(told?.what, 'ended')
  assert.deepEqual([told.incident.most, told.incident.since], [7_000, AT])
  assert.equal(night.course, QUIET)
  night.pass(...many(3, 'syn-flood'))
  assert.deepEqual(night.told, ['began syn-flood', 'ended syn-flood', 'began syn-flood'])
})

test('an overload that turns out to be a flood is told again with the figures of the flood, and not the other way round', () => {
  const night = new Night()
  const overload = night.pass(...many(3, ['overload', 50_000] as const))
  assert.equal(overload?.incident.kind, 'overload')
  const flood = night.pass(['syn-flood', 2_000])
  assert.deepEqual([flood?.what, flood?.incident.kind, flood?.incident.most], ['began', 'syn-flood', 2_000])
  night.pass(...many(3, ['overload', 60_000] as const))
  assert.deepEqual(night.told, ['began overload', 'began syn-flood'])
  assert.equal(night.course.incident?.most, 2_000, 'what an overload brings is not the flood’s')
})
