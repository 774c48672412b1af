import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { endProcesses, leftBehind, MARK, survey } from './leftovers.mjs'

const skip = process.getuid?.() !== 0 && 'network namespaces need root'
const mark = `leftovers-${process.pid}`

test('a process that outlives its run is left behind, and nothing is once it has ended', async () => {
  const before = survey(mark)
  const child = spawn('sleep', ['60'], { env: { ...process.env, [MARK]: mark } })
  await once(child, 'spawn')
  assert.ok((await leftBehind(mark, before, 0)).includes(`process ${child.pid} sleep 60`))
  child.kill()
  await once(child, 'exit')
  assert.deepEqual(
    (await leftBehind(mark, before, 5000)).filter((item) => item.includes(String(child.pid))),
    [],
  )
})

test('processes that are left are ended, in order or by force', async () => {
  const env = { ...process.env, [MARK]: `${mark}-ended` }
  const children = ['exec sleep 60', 'trap "" TERM; echo; while :; do sleep 0.1; done'].map((script) =>
    spawn('sh', ['-c', script], { env, stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  const ended = children.map(async (child) => (await once(child, 'exit'))[1])
  await once(children[1]!.stdout!, 'data')
  await endProcesses(`${mark}-ended`, 500)
  assert.deepEqual(await Promise.all(ended), ['SIGTERM', 'SIGKILL'])
})

test('a named namespace is left behind until it is deleted', { skip }, async () => {
  const name = `tenbin-left-${process.pid}`
  const mine = (items: readonly string[]) => items.filter((item) => item.includes(name))
  const before = survey(mark)
  execFileSync('ip', ['netns', 'add', name])
  try {
    assert.deepEqual(mine(await leftBehind(mark, before, 0)), [`network namespace ${name}`])
  } finally {
    execFileSync('ip', ['netns', 'delete', name])
  }
  assert.deepEqual(mine(await leftBehind(mark, before, 0)), [])
})

test('a key in the daemon’s own folder is left behind', { skip }, async () => {
  const folder = '/var/lib/tenbin'
  const isNew = mkdirSync(folder, { recursive: true }) !== undefined
  const key = join(folder, `left-${process.pid}.key`)
  const before = survey(mark)
  writeFileSync(key, '')
  try {
    assert.ok((await leftBehind(mark, before, 0)).includes(`file ${key}`))
  } finally {
    rmSync(isNew ? folder : key, { recursive: true })
  }
})

test('files in the temporary folder are left behind, unless they were there before', async () => {
  const old = mkdtempSync(join(tmpdir(), 'tenbin-left-'))
  const before = survey(mark)
  const young = mkdtempSync(join(tmpdir(), 'tenbin-left-'))
  try {
    const left = await leftBehind(mark, before, 0)
    assert.ok(left.includes(`file ${young}`))
    assert.ok(!left.includes(`file ${old}`))
  } finally {
    for (const folder of [old, young]) rmSync(folder, { recursive: true })
  }
})
