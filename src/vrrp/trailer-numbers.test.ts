import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { TrailerNumbers } from './trailer-numbers.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-numbers-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const path = join(folder, 'counter')
const refused = (code: string) => (error: unknown) => error instanceof TenbinError && error.code === code

/** start a node whose clock says so many seconds: the number that it has. */
function start(seconds: number): number {
  const numbers = new TrailerNumbers(path, () => seconds * 1000 + 999)
  numbers.begin()
  return numbers.next().boot
}

test('no number comes twice: a start is counted once, on disk before it has one', () => {
  const numbers = new TrailerNumbers(path, () => 0)
  assert.throws(() => numbers.next(), /start is counted before/)
  for (let times = 0; times < 2; times++) numbers.begin()
  assert.equal(readFileSync(path, 'utf8'), '1\n')
  assert.deepEqual(
    [numbers.next(), numbers.next()],
    [
      { boot: 1, sequence: 1n },
      { boot: 1, sequence: 2n },
    ],
  )
})

test('each start has a higher number, also with a clock that was set back, or without the file or with an old one', () => {
  rmSync(path, { force: true })
  const starts = [start(5000), start(5000), start(3000)]
  assert.deepEqual(starts, [5000, 5001, 5002])
  rmSync(path)
  assert.equal(start(5100), 5100)
  writeFileSync(path, '5000\n')
  assert.equal(start(5200), 5200)
  assert.equal(start(2 ** 32), 5201, 'a clock that is as far ahead as trailers cannot say')
})

test('a damaged counter is refused, never begun anew; so is one that cannot be kept', () => {
  for (const text of ['', 'x', '-1', `${2 ** 32 - 1}`]) {
    writeFileSync(path, text)
    assert.throws(() => start(5000), refused('VRRP_COUNTER_INVALID'))
  }
  rmSync(path)
  mkdirSync(path)
  assert.throws(() => start(5000), refused('VRRP_COUNTER_UNKEPT'))
})
