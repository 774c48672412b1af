import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bar, chart, type Sample } from './chart.ts'
import { paintOf } from './terminal.ts'

const plain = paintOf({ coloured: false })
const counts = (elapsedMs: number, perServer: Record<string, number>, failed = 0): Sample => {
  const answered = Object.values(perServer).reduce((sum, count) => sum + count, 0)
  const bytes = { intoBalancer: answered * 500, outOfBalancer: answered * 500, fromServers: answered * 9000 }
  return {
    elapsedMs,
    sent: answered + failed,
    answered,
    failed,
    open: 0,
    oldestMs: 0,
    failedBegan: [],
    silenceMs: 0,
    perServer,
    reasons: {},
    bytes,
  }
}

test('each server has a row with its rate, share and total, and the sum stands below', () => {
  const lines = chart(
    {
      servers: ['web01', 'web02', 'web03'],
      since: counts(1000, { web01: 100, web02: 1000 }),
      now: counts(3000, { web01: 300, web02: 1600 }, 2),
    },
    80,
    plain,
  )
  assert.equal(lines.length, 5)
  assert.match(lines[0]!, /^web01 +█+[^ ]* +100\/s +25\.0 % +300$/)
  assert.match(lines[1]!, /^web02 +█+ +300\/s +75\.0 % +1,600$/)
  assert.match(lines[2]!, /^web03 +·+ +0\/s +0\.0 % +0$/)
  assert.match(lines[3]!, /^400 requests\/s: 1,900 answered, 2 failed$/)
  assert.equal(lines[4], 'balancers: 200 kB/s in, 200 kB/s out; servers send 3.60 MB/s')
})

test('a fair share fills half of its bar, so bars keep their scale when a server leaves', () => {
  const row = (perServer: Record<string, number>) =>
    chart({ servers: ['a', 'b'], since: counts(0, {}), now: counts(1000, perServer) }, 80, plain)
  const full = (line: string) => [...line].filter((cell) => cell === '█').length
  const [fair] = row({ a: 50, b: 50 })
  const [all] = row({ a: 100 })
  assert.equal(full(all!), 2 * full(fair!))
})

test('no line is wider than the terminal, with any number of servers', () => {
  for (const number of [1, 4, 12, 13, 50]) {
    for (const columns of [80, 100, 200]) {
      const servers = Array.from({ length: number }, (_, index) => `web${`${index + 1}`.padStart(2, '0')}`)
      const perServer = Object.fromEntries(servers.map((name) => [name, 1_000_000]))
      const lines = chart({ servers, since: counts(0, {}), now: counts(1000, perServer) }, columns, plain)
      for (const line of lines)
        assert.ok(line.length < columns - 3, `${number} servers: ${line.length} of ${columns}`)
      for (const name of servers)
        assert.ok(
          lines.some((line) => line.includes(name)),
          name,
        )
    }
  }
})

test('a narrow terminal shortens the bars, and a very narrow one has none', () => {
  const rows = (columns: number) =>
    chart({ servers: ['web01'], since: counts(0, {}), now: counts(1000, { web01: 400 }) }, columns, plain)
  for (let columns = 1; columns < 80; columns++) {
    const [row] = rows(columns)
    assert.equal(
      [...row!].filter((cell) => '█▌·'.includes(cell)).length,
      Math.max(0, Math.min(40, columns - 42)),
    )
    assert.match(row!, /^web01 .* 400\/s 100\.0 % +400$/)
  }
})

test('a bar is as wide as asked whatever its share, and grows by eighths of a cell', () => {
  for (let share = -0.5; share < 1.5; share += 0.01) assert.equal([...bar(share, 10, plain)].length, 10)
  assert.equal(bar(1 / 80, 10, plain), '▏·········')
  assert.equal(bar(0.5, 10, plain), '█████·····')
})
