import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventOf, type Severity } from '../events/event.ts'
import { bodyOf, LINES_LIMIT, letterOf } from './message.ts'

const about = { instance: 'tenbin', node: 'lb1', host: 'lb1.example' }
const event = (seq: number, severity: Severity, text: string) =>
  eventOf({ kind: 'server.down', severity, text }, seq, new Date('2024-05-06T07:08:09Z'))

test('a mail of one event has it in its subject', () => {
  const letter = letterOf([event(7, 'warning', 'web03 down in www: refused')], 0, about)
  assert.deepEqual(letter, {
    subject: '[tenbin lb1] warning: web03 down in www: refused',
    text: `2024-05-06T07:08:09.000Z  warning  web03 down in www: refused

-- 
tenbin tenbin on lb1.example, node lb1
`,
    id: 'tenbin-tenbin-7-7',
  })
})

test('a digest tells the gravest in its subject, all of them in order, and what is missing', () => {
  const events = [event(7, 'notice', 'a'), event(8, 'error', 'b'), event(9, 'error', 'c')]
  const { subject, text, id } = letterOf(events, 12, about)
  assert.equal(subject, '[tenbin lb1] 3 changes, gravest: b')
  assert.match(
    text,
    /^12 earlier changes are missing here: too many waited\.\n\n.*notice {3}a\n.*error {4}b\n.*error {4}c\n/,
  )
  assert.equal(id, 'tenbin-tenbin-7-9')
})

test('a mail is bounded, and no header can be put into its subject', () => {
  const many = Array.from({ length: LINES_LIMIT + 5 }, (_, i) =>
    event(i + 1, 'notice', `x\r\nBcc: all@example.net ${'y'.repeat(600)}`),
  )
  const { subject, text } = letterOf(many, 0, about)
  assert.ok(subject.length <= 151 && !/[\r\n]/.test(subject), subject)
  assert.match(text, /\nand 5 more: tenbin events shows them\n/)
  assert.ok(text.length < 200_000)
})

test('webhooks and scripts get one event as JSON, with who tells it', () => {
  const one = event(7, 'warning', 'web03 down')
  assert.deepEqual(JSON.parse(bodyOf(one, 0, about)), { ...about, event: one })
  assert.equal(JSON.parse(bodyOf(one, 3, about)).missed, 3)
})
