// The process that sends, as it really is: no root, nothing of our environment, and gone when it should be.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { WebhookJob } from './jobs.ts'
import { Notifier } from './notifier-client.ts'
import { outcomeText } from './outcome.ts'

const server = createServer((request, response) => {
  if (request.url === '/hang') return
  response.end()
})
let base: string
before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}`
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const job = (path: string, timeoutMs = 5_000): WebhookJob => ({
  ...{ kind: 'webhook', url: `${base}${path}`, host: 'receiver', timeoutMs },
  ...{ agent: 'tenbin/1', body: '{}', id: 'x' },
})

/** children of this process that send. */
const children = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
        return (
          parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('notifier-process')
        )
      } catch {
        return false
      }
    })

async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !isTrue(); await delay(10))
    assert.ok(Date.now() < deadline, `not in time: ${what}`)
}

/** child: the one that there is; that of the test before may not have ended yet. */
async function child(): Promise<number> {
  await until(() => children().length === 1, 'there is one')
  return children()[0]!
}

test('it is not root, has no capabilities, and nobody else of its user can look into it', async () => {
  process.env.TENBIN_TEST_SECRET = 'hush'
  using notifier = new Notifier({ uid: 65_534, gid: 65_534 })
  assert.equal(outcomeText(await notifier.send(job('/'))), 'receiver answered 200 OK')
  const pid = await child()
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  for (const line of [
    'Uid:\t65534\t65534\t65534\t65534',
    'Gid:\t65534\t65534\t65534\t65534',
    'CapEff:\t0000000000000000',
    'CapPrm:\t0000000000000000',
  ])
    assert.ok(status.includes(line), `${line} in ${status}`)
  assert.match(status, /^Groups:\s*$/m)
  // Not dumpable: its files in /proc are root's (proc(5)).
  assert.equal(statSync(`/proc/${pid}/mem`).uid, 0)
  assert.ok(!readFileSync(`/proc/${pid}/environ`, 'utf8').includes('hush'))
  assert.ok(readlinkSync(`/proc/${pid}/cwd`) === '/')
})

test('one that is killed fails what it was sending, and the next one goes on', async () => {
  using notifier = new Notifier({ uid: 65_534, gid: 65_534 })
  await notifier.send(job('/'))
  const hangs = notifier.send(job('/hang'))
  process.kill(await child(), 'SIGKILL')
  assert.equal(outcomeText(await hangs), 'the process that sends: it ended: SIGKILL')
  assert.equal(outcomeText(await notifier.send(job('/'))), 'receiver answered 200 OK')
})

test('what hangs holds up nothing else, and ends in time', async () => {
  using notifier = new Notifier({ uid: 65_534, gid: 65_534 })
  await notifier.send(job('/'))
  const begun = performance.now()
  const hangs = notifier.send(job('/hang', 1_500))
  await notifier.send(job('/'))
  assert.ok(performance.now() - begun < 1_400)
  assert.equal(outcomeText(await hangs), 'the answer: nothing for 1.5 s')
  assert.ok(performance.now() - begun < 4_000)
})

test('where it cannot be started, what was to be sent has failed', async () => {
  using notifier = new Notifier({ uid: 65_534, gid: 65_534 })
  const limit = (soft: number | string) =>
    execFileSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${soft}:`])
  const before = execFileSync('prlimit', [
    '--pid',
    `${process.pid}`,
    '--nofile',
    '-o',
    'SOFT',
    '--noheadings',
  ])
  limit(128)
  const open: number[] = []
  let said = ''
  try {
    for (;;) open.push(openSync('/dev/null', 'r'))
  } catch {
    said = outcomeText(await notifier.send(job('/')))
  } finally {
    for (const fd of open) closeSync(fd)
    limit(before.toString().trim())
  }
  assert.match(said, /^the process that sends: /)
  assert.equal(outcomeText(await notifier.send(job('/'))), 'receiver answered 200 OK')
})

test('what it is sending when we end keeps nobody waiting', async () => {
  const notifier = new Notifier({ uid: 65_534, gid: 65_534 })
  const hangs = notifier.send(job('/hang', 30_000))
  notifier[Symbol.dispose]()
  assert.equal(outcomeText(await hangs), 'the process that sends: tenbin stops')
})

test('it ends with us', async () => {
  const notifier = new Notifier({ uid: 65_534, gid: 65_534 })
  await notifier.send(job('/'))
  const pid = await child()
  notifier[Symbol.dispose]()
  await until(() => !existsSync(`/proc/${pid}`), 'it is gone')
})
