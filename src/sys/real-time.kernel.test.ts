// In processes of their own, which may be made what the test must not be.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

const run = (code: string): string =>
  execFileSync(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code],
    { encoding: 'utf8' },
  ).trim()
const module = JSON.stringify(import.meta.resolve('./real-time.ts'))
const skip = process.geteuid?.() !== 0 && 'real-time priorities need root'

test('a process runs before others by SCHED_RR, its first thread first, and what it starts does not', {
  skip,
}, () => {
  const words = run(`
    import { runFirst } from ${module}
    import { execFileSync } from 'node:child_process'
    import { readdirSync, readFileSync } from 'node:fs'
    runFirst(3)
    const policyOf = (stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(37, 39).join(' ')
    const own = policyOf(readFileSync('/proc/self/stat', 'latin1'))
    const child = policyOf(execFileSync('cat', ['/proc/self/stat'], { encoding: 'latin1' }))
    const threads = readdirSync('/proc/self/task').filter((id) => id !== String(process.pid))
    const others = threads.map((id) => policyOf(readFileSync('/proc/self/task/' + id + '/stat', 'latin1')))
    console.log([own, [...new Set(others)], child].join(', '))
  `)
  // proc(5): rt_priority and policy; SCHED_RR is 2
  assert.equal(words, '3 2, 2 2, 0 0')
})

test('code stays in memory, and the process goes on giving memory back', { skip }, () => {
  const words = run(`
    import { lockCode } from ${module}
    import { readFileSync } from 'node:fs'
    lockCode()
    const locked = Number(/VmLck:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1])
    for (let round = 0; round < 200; round++) Array.from({ length: 20_000 }, (_, at) => ({ at }))
    console.log(locked > 10_000)
  `)
  assert.equal(words, 'true')
})

test('how soon the kernel ends a process is told to it', () => {
  const words = run(`
    import { surviveShortage } from ${module}
    import { readFileSync } from 'node:fs'
    surviveShortage(500)
    console.log(readFileSync('/proc/self/oom_score_adj', 'latin1').trim())
  `)
  assert.equal(words, '500')
})
