import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttackScreen, type SideSample } from './demo-attack-screen.ts'
import type { LabOutput } from './terminal.ts'

const page = (isTerminal = false): LabOutput & { text: string } => ({
  text: '',
  write(part) {
    this.text += part
  },
  isTerminal,
  coloured: false,
  columns: 80,
})

const sample = (atMs: number, answered: number, sentOn: number): SideSample => ({
  atMs,
  users: {
    elapsedMs: atMs,
    ...{ sent: answered, answered, failed: 0, open: 0, oldestMs: 0, failedBegan: [] },
    ...{ perServer: {}, reasons: {}, silenceMs: 0 },
  },
  sent: 0,
  sentOn,
})

test('both networks stand side by side, each with what its users get a second', () => {
  const out = page()
  const screen = new AttackScreen(out)
  screen.networks('defence: on\n', 100)
  screen.draw({ without: sample(0, 0, 0), defended: sample(0, 0, 0) })
  screen.draw({ without: sample(1000, 3, 40_000), defended: sample(1000, 100, 1_500) })
  screen.leave()
  const lines = out.text.trimEnd().split('\n')
  assert.match(lines.at(-3)!, /^ {3}without a defence +with tenbin's defence$/)
  assert.match(lines.at(-2)!, /^ {3}users {4}▌·+ 3\/s +users {4}█{16} 100\/s$/)
  assert.match(lines.at(-1)!, /^ {3}servers {2}40,000 packets\/s +servers {2}1,500 packets\/s$/)
  for (const line of lines) assert.ok(line.length <= 80, line)
})

test('on a terminal the columns redraw in place', () => {
  const out = page(true)
  const screen = new AttackScreen(out)
  for (const at of [0, 500, 1000])
    screen.draw({ without: sample(at, at / 10, 0), defended: sample(at, at / 10, 0) })
  // CUU: three lines up.
  assert.ok(out.text.includes('\x1b[3A'))
})

test('the sum says who was answered, and why it was not good', () => {
  const out = page()
  const side = { sent: 320_000, p99Ms: 12.4 }
  new AttackScreen(out).summary(
    {
      without: { ...side, asked: 800, answered: 24, sentOn: 319_000 },
      defended: { ...side, asked: 800, answered: 800, sentOn: 9_000 },
    },
    ['something else'],
  )
  assert.match(out.text, /without a defence +3\.0 % of 800 answered, 99 % of these within 12 ms$/m)
  assert.match(out.text, /with tenbin's defence +100\.0 % of 800 answered/)
  assert.match(out.text, /^ +320,000 SYNs of the flood, 9,000 packets sent on to servers$/m)
  assert.match(out.text, /^ {3}something else$/m)
})
