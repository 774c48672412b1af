import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ServiceManager } from './service-manager.ts'
import { SOCK_DGRAM, Socket } from './socket.ts'
import { AF_UNIX, unixAddress } from './socket-address.ts'

/** listening at `name` while `work` runs; `heard`: what was said since it was asked last. */
async function listening(name: string, work: (heard: () => string[]) => void | Promise<void>): Promise<void> {
  using socket = Socket.open(AF_UNIX, SOCK_DGRAM, 0)
  socket.bind(unixAddress(name))
  await work(() => {
    const heard: string[] = []
    for (let got = socket.receiveWhole(); got; got = socket.receiveWhole()) heard.push(`${got.bytes}`)
    return heard
  })
}

for (const where of ['a path', 'the abstract namespace'])
  test(`who is named by ${where} is told, and children are not to speak for us`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenbin-manager-'))
    const name = where === 'a path' ? join(folder, 'notify') : `@tenbin-manager-${process.pid}`
    const environment: NodeJS.ProcessEnv = { NOTIFY_SOCKET: name, PATH: '/bin' }
    try {
      await listening(name, (heard) => {
        using manager = ServiceManager.find(environment)
        manager.ready('forwards\nfor 2 services')
        manager.status('waits for eth1')
        manager.stopping()
        assert.deepEqual(heard(), [
          'READY=1\nSTATUS=forwards for 2 services',
          'STATUS=waits for eth1',
          'STOPPING=1',
        ])
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
    assert.deepEqual(environment, { PATH: '/bin' })
  })

test('who watches hears that it runs, several times in each interval, from when it is ready', async () => {
  const name = `@tenbin-watchdog-${process.pid}`
  await listening(name, async (heard) => {
    const environment = { NOTIFY_SOCKET: name, WATCHDOG_USEC: '60000', WATCHDOG_PID: `${process.pid}` }
    {
      using manager = ServiceManager.find(environment)
      await delay(100)
      assert.deepEqual(heard(), [])
      manager.ready('')
      const said: string[] = []
      for (const end = Date.now() + 5_000; said.length < 4 && Date.now() < end; ) {
        await delay(20)
        said.push(...heard())
      }
      assert.ok(said.length >= 4 && said.slice(1).every((each) => each === 'WATCHDOG=1'), said.join('; '))
    }
    await delay(100)
    assert.deepEqual(heard(), [])
  })
})

test('a watchdog of another process is not ours to keep quiet', async () => {
  const name = `@tenbin-other-${process.pid}`
  await listening(name, async (heard) => {
    using manager = ServiceManager.find({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '3000', WATCHDOG_PID: '1' })
    manager.ready('')
    await delay(50)
    assert.equal(heard().length, 1)
  })
})

test('nobody who listens, and no name at all, are no error', () => {
  for (const environment of [{ NOTIFY_SOCKET: '/nonexistent/notify' }, { NOTIFY_SOCKET: 'vsock:2:1' }, {}]) {
    using manager = ServiceManager.find(environment)
    manager.ready('')
    manager.stopping()
  }
})
