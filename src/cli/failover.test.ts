import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { apiApp } from '../daemon/api-app.ts'
import type { Operations } from '../daemon/api-routes.ts'
import { serveApi } from '../daemon/api-server.ts'
import { openLog } from '../daemon/log.ts'
import { capture } from './captured.ts'

let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'failover-'))
})
after(() => rmSync(dir, { recursive: true }))

/** run a command against a daemon that answers so; `asked` is what it was asked. */
async function run(answers: Pick<Partial<Operations>, 'failover' | 'maintain'>, ...words: string[]) {
  const asked: unknown[] = []
  const operations = {
    failover: (order: unknown) => {
      asked.push(order)
      return answers.failover!(order as never)
    },
    maintain: (...of: [boolean, boolean]) => {
      asked.push(of)
      return answers.maintain!(...of)
    },
  } as unknown as Operations
  const socket = join(dir, 'api.sock')
  const log = openLog({ level: 'error', pretty: false, colour: false, write: () => undefined })
  const server = await serveApi(socket, apiApp(operations, log))
  try {
    return { ...(await capture([...words, '--socket', socket])), asked }
  } finally {
    await server.close()
  }
}
const moved = { set: 'front', from: 'lb1', to: 'lb2', changed: true }

test('failover says who is active now, and ends with 1 where it is not who was meant', async () => {
  const failover = () => Promise.resolve({ sets: [moved], notes: [] })
  const done = await run({ failover }, 'failover', 'front', '--to', 'lb2', '--hold', '2h')
  assert.deepEqual([done.code, done.out, done.err], [0, 'front: lb2 is active, lb1 was before\n', ''])
  assert.deepEqual(done.asked, [{ set: 'front', to: 'lb2', holdMs: 7_200_000 }])
  assert.equal((await run({ failover }, 'failover', '--to', 'lb3')).code, 1)
  const json = await run({ failover }, 'failover', '--json')
  assert.deepEqual(JSON.parse(json.out), { sets: [moved], notes: [] })
  const notes = ['front: nobody took it, so it is active here again']
  const back = () =>
    Promise.resolve({ sets: [{ set: 'front', from: 'lb1', to: 'lb1', changed: false }], notes })
  const none = await run({ failover: back }, 'failover')
  assert.deepEqual([none.code, none.out], [1, `${notes[0]}\n`])
})

test('a refusal ends with 1 and says why; words that mean nothing are a usage error', async () => {
  const refuse = () =>
    Promise.reject(
      new TenbinError('ROLE_REFUSED', 'failover front', {
        detail: 'nobody could take it: lb2 is unreachable',
      }),
    )
  const refused = await run({ failover: refuse, maintain: refuse }, 'failover', 'front')
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^tenbin: failover front: .*nobody could take it: lb2 is unreachable/)
  assert.equal((await run({ maintain: refuse }, 'maintenance', 'on')).code, 1)
  for (const words of [['failover', '--hold', '3'], ['maintenance', 'maybe'], ['maintenance']]) {
    const { code, asked } = await run({}, ...words)
    assert.deepEqual([code, asked], [2, []], words.join(' '))
  }
})

test('maintenance says who has each set now, whether it was so before, and what cannot move', async () => {
  const sets = [{ set: 'front', role: 'initialize' as const, active: 'lb2' }]
  const maintain = (on: boolean, _: boolean) =>
    Promise.resolve({ on, changed: on, kept: true, sets, notes: on ? ['inner cannot move: no vrid'] : [] })
  const on = await run({ maintain }, 'maintenance', 'on', '--force')
  assert.deepEqual(on.asked, [[true, true]])
  assert.equal(
    on.out,
    'this node is in maintenance, and has no role\n  front: lb2 is active\ninner cannot move: no vrid\n',
  )
  const off = await run({ maintain }, 'maintenance', 'off')
  assert.deepEqual([off.code, off.out], [0, 'this node is not in maintenance\n'])
})
