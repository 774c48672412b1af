import assert from 'node:assert/strict'
import { closeSync, openSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { Fd } from './fd.ts'

const open = (): Fd => Fd.own(openSync('/dev/null', 'r'))
const isOpen = (number: number): boolean => {
  try {
    return readlinkSync(`/proc/self/fd/${number}`) !== ''
  } catch {
    return false
  }
}

test('disposing closes the descriptor once, and never a number that somebody else has got since', () => {
  const fd = open()
  const { number } = fd
  assert.ok(fd.isOpen && isOpen(number))
  fd[Symbol.dispose]()
  assert.ok(!fd.isOpen && !isOpen(number))
  const reused = openSync('/dev/null', 'r')
  assert.equal(reused, number)
  fd[Symbol.dispose]()
  assert.ok(isOpen(reused))
  closeSync(reused)
})

test('a closed descriptor has no number', () => {
  const fd = open()
  fd[Symbol.dispose]()
  assert.throws(() => fd.number, /invariant broken: a closed descriptor is used/)
  assert.throws(() => fd.duplicate(), /invariant broken/)
})

test('a duplicate is the same file, lives on its own and is not inherited by programs', () => {
  const fd = open()
  using copy = fd.duplicate()
  assert.notEqual(copy.number, fd.number)
  fd[Symbol.dispose]()
  assert.equal(readlinkSync(`/proc/self/fd/${copy.number}`), '/dev/null')
})

test('a released descriptor is open and no longer ours', () => {
  const fd = open()
  const number = fd.release()
  fd[Symbol.dispose]()
  assert.ok(isOpen(number))
  closeSync(number)
})

test('what is no descriptor, or was closed behind our back, is a bug', () => {
  for (const number of [-1, 1.5, Number.NaN]) assert.throws(() => Fd.own(number), /invariant broken/)
  const fd = open()
  closeSync(fd.number)
  assert.throws(() => fd[Symbol.dispose](), /invariant broken: descriptor \d+ was closed/)
})
