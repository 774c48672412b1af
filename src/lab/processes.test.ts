import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { endProcesses, identify, isAlive } from './processes.ts'

test('a process is known by pid and start time: the same pid with another start time is another', async () => {
  const child = spawn('sleep', ['300'], { stdio: 'ignore' })
  const closed = once(child, 'close')
  const found = identify(child.pid!)!
  assert.ok(isAlive(found))
  const another = { ...found, startTime: `${Number(found.startTime) - 1}` }
  assert.equal(isAlive(another), false)
  await endProcesses([another])
  assert.ok(isAlive(found))
  await endProcesses([found])
  assert.equal(isAlive(found), false)
  await closed
})

test('a command with brackets and spaces in its name does not confuse it', async () => {
  const code = 'process.title = "a) Z (b 1 2"; process.stdout.write("set"); setInterval(() => 0, 1000)'
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  const found = identify(child.pid!)!
  assert.match(found.startTime, /^\d+$/)
  assert.ok(Number(found.startTime) >= Number(identify(process.pid)!.startTime))
  await endProcesses([found])
})

test('what is not there is not there', () => {
  assert.equal(identify(2 ** 22 + 1), undefined)
})
