import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sample } from './chart.ts'
import { DemoScreen } from './demo-screen.ts'
import { labTopology } from './topology.ts'

const counts = (elapsedMs: number, failed = 0): Sample => ({
  elapsedMs,
  sent: elapsedMs,
  answered: elapsedMs - failed,
  failed,
  open: 0,
  oldestMs: 0,
  failedBegan: [],
  silenceMs: 0,
  perServer: { web01: elapsedMs - failed },
  reasons: {},
  bytes: { intoBalancer: elapsedMs * 500, outOfBalancer: elapsedMs * 500, fromServers: elapsedMs * 9000 },
})

function screen(isTerminal: boolean) {
  let text = ''
  const write = (part: string) => {
    text += part
  }
  const shown = new DemoScreen({ write, isTerminal, coloured: false, columns: 80 })
  shown.network(labTopology('lab', { servers: 1 }), 0.5)
  return { shown, text: () => text }
}

test('where there is no terminal, each second gives one plain line and the step ends with the chart', () => {
  const { shown, text } = screen(false)
  shown.stage('Traffic')
  for (let ms = 0; ms <= 3000; ms += 200) shown.progress(counts(ms))
  shown.result(counts(0), counts(3000))
  const lines = text().split('\n')
  const from = lines.indexOf('1. Traffic')
  assert.deepEqual(lines.slice(from, from + 3), [
    '1. Traffic',
    '',
    '   1000 requests/s: 1,000 answered, 0 failed',
  ])
  assert.equal(lines.filter((line) => /^ {3}\d+ requests\/s/.test(line)).length, 4)
  assert.match(lines.at(-4)!, /^ {3}web01 +█+·+ +1000\/s +100\.0 % +3,000$/)
  assert.equal(lines.at(-2), '   balancers: 500 kB/s in, 500 kB/s out; servers send 9.00 MB/s')
  assert.ok(!text().includes('\n\n\n') && !text().includes('\x1b'))
})

test('rates are those of the last second, also after a pause between two steps', () => {
  const { shown, text } = screen(false)
  shown.stage('One')
  for (let ms = 0; ms <= 1000; ms += 200) shown.progress(counts(ms))
  shown.result(counts(0), counts(1000))
  shown.stage('Two')
  // Ten seconds later: what was between is not part of the rate.
  for (let ms = 11_000; ms <= 12_000; ms += 200)
    shown.progress({ ...counts(ms), answered: 1000 + (ms - 11_000) / 2 })
  const [line] = text()
    .split('2. Two')[1]!
    .match(/\d+ requests\/s: 1,\d+ answered/)!
  assert.match(line, /^500 requests\/s/)
})

test('on a terminal the chart is drawn in place, below one empty line', () => {
  const { shown, text } = screen(true)
  shown.stage('Traffic')
  for (let ms = 0; ms <= 1000; ms += 200) shown.progress(counts(ms))
  shown.result(counts(0), counts(1000))
  const [, drawn] = text().split('1. Traffic')
  assert.equal(drawn!.split('\x1b[3A').length, 6)
  assert.match(drawn!, /^\n\n\r/)
})

test('a change of the file shows the lines that differ, failures are told in the summary', () => {
  const { shown, text } = screen(false)
  shown.difference('a\nservers: web01\nb\n', 'a\nservers: web02\nb\n')
  assert.ok(text().endsWith('   - servers: web01\n   + servers: web02\n'))
  const { bytes, ...counted } = counts(1000, 3)
  shown.ways(bytes)
  const latencyMs = { p50: 1.26, p99: 1059.8, max: 1100 }
  shown.summary(
    { ...counted, latencyMs, kept: { server: 'web01', answers: 12, waitMs: 0, openMs: 34_000 } },
    ['3 of 1,000 requests failed: ECONNRESET 3'],
  )
  assert.match(text(), /^ {3}1,000 sent, 997 answered, 3 failed\n {3}Median 1\.3 ms, 99 % within 1,060 ms$/m)
  assert.match(text(), /^ {3}client -> balancers +500 kB +requests$/m)
  assert.match(text(), /^ {3}servers -> client +9\.00 MB +answers: no balancer sees them$/m)
  assert.match(text(), /^ {3}One connection was open all the time: 34 s, 12 answers of web01\.$/m)
  assert.match(text(), /\n {3}3 of 1,000 requests failed: ECONNRESET 3\n$/)
  assert.doesNotMatch(text(), /Every request was answered/)
})

test('servers that failed stand in a table: when they were out and in again, and what it cost', () => {
  const { shown, text } = screen(false)
  shown.failuresBegin()
  const times = { outMs: 749.3, computedMs: 1000, backMs: 12_345.6 }
  shown.failure({ server: 'web01', how: 'stops', ...times, lost: 59, lostLater: 0 })
  shown.failure({ server: 'web50', how: 'unplugged', ...times, lost: 1234, lostLater: 5 })
  assert.equal(
    text().slice(text().indexOf('   server')),
    `   server            out after  computed   back after   lost  lost later
   web01 stops          749 ms  1,000 ms    12,346 ms     59           0
   web50 unplugged      749 ms  1,000 ms    12,346 ms  1,234           5
`,
  )
})

test('a change of roles is told with what the client saw of it', () => {
  const { shown, text } = screen(false)
  const change = {
    what: 'died',
    tookMs: 307.4,
    silenceMs: 1234,
    keptMs: 414,
    failed: 0,
    underWay: 0,
  } as const
  shown.roleChange('lb2', change, '731 answered, 0 failed')
  assert.equal(
    text().slice(text().indexOf('   lb2 has')),
    `   lb2 has the addresses after 307 ms.
   The client had no answer for 1,234 ms at most: 731 answered, 0 failed.
   The open connection waited 414 ms at most for an answer.
`,
  )
})

test('sentences are broken between words on a terminal, and nowhere else', () => {
  const sentence = 'The program in the kernel goes on: 400 requests answered, 0 failed.'
  const said = (isTerminal: boolean) => {
    const { shown, text } = screen(isTerminal)
    shown.say(`Process 12345 is dead. ${sentence}`)
    return text().slice(text().indexOf('   Process'))
  }
  assert.equal(said(false), `   Process 12345 is dead. ${sentence}\n`)
  assert.equal(said(true), `   Process 12345 is dead. ${sentence.replace(' answered', '\n   answered')}\n`)
})
