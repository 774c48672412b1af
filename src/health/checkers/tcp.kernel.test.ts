import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asAnswer, asGreeting, hostileServer, silentHost } from '../../../test/health/hostile-servers.ts'
import { descriptors, lookAt, loopback, returns } from '../../../test/health/look-at.ts'
import { Pattern } from '../../base/pattern.ts'
import { tcp } from './tcp.ts'

test('a port that is listened on is connected to, one that is not is refused', async () => {
  await using server = await hostileServer('mute')
  const finding = await lookAt(tcp(loopback(server.port)))
  assert.deepEqual([finding.outcome, finding.text], ['good', 'connected'])
  await using gone = await hostileServer('refused')
  const refused = await lookAt(tcp(loopback(gone.port)))
  assert.deepEqual([refused.outcome, refused.text], ['bad', 'connect: refused'])
})

test('a host that is silent times out when the time is over', async () => {
  await using host = await silentHost()
  const finding = await lookAt(tcp(loopback(host.port)), 300)
  assert.deepEqual([finding.outcome, finding.text], ['bad', 'connect timed out after 300ms'])
  assert.ok(finding.latencyMs >= 295)
})

test('what is expected is waited for, across pieces, and quoted when it does not come', async () => {
  const right = '+OK ready\r\n'
  const cases = [
    ['slow', 2500, 'good', 'as expected', '^\\+O'],
    ['slow', 300, 'bad', 'waiting for "OK" timed out after 300ms', 'OK'],
    ['gigabyte', 2000, 'good', 'as expected', 'OK'],
    [
      'gigabyte',
      2000,
      'bad',
      'no "never" in the first 64 KiB: it said "+OK ready\\nA\\nA\\nA\\nA\\nA\\nA\\nA\\nA\\nA\\nA\\nA\\nA\\nA\\nA\\nA"…',
      'never',
    ],
    ['cut', 2000, 'bad', 'no "ready": it said "+OK r"', 'ready'],
    ['closing', 2000, 'bad', 'no "OK": it said nothing', 'OK'],
    ['other protocol', 300, 'bad', 'waiting for "^\\+OK" timed out after 300ms', '^\\+OK'],
    ['reset', 2000, 'bad', 'waiting for "ready": reset by the server', 'ready'],
  ] as const
  for (const [kind, timeoutMs, outcome, text, pattern] of cases) {
    await using server = await hostileServer(kind, asGreeting(right))
    const finding = await lookAt(tcp(loopback(server.port), { expect: Pattern.compile(pattern) }), timeoutMs)
    assert.deepEqual([kind, finding.outcome, finding.text], [kind, outcome, text])
  }
})

test('what is to be sent is sent', async () => {
  await using server = await hostileServer('slow', asAnswer('PONG'))
  const options = { send: Buffer.from('PING\r\n'), expect: Pattern.compile('^P') }
  const finding = await lookAt(tcp(loopback(server.port), options))
  assert.equal(finding.text, 'as expected')
  assert.equal(server.received(), 6)
})

test('descriptors come back, and a mere connect leaves nothing behind', async () => {
  const before = descriptors()
  await using server = await hostileServer('mute')
  for (let count = 0; count < 50; count++)
    assert.equal((await lookAt(tcp(loopback(server.port)))).outcome, 'good')
  await returns(server.open, 0, 'connections at the server')
  await using gone = await hostileServer('refused')
  for (let count = 0; count < 50; count++) await lookAt(tcp(loopback(gone.port)))
  // The server's own descriptor is the one that is new.
  await returns(descriptors, before + 1, 'descriptors')
})

test('the source address is the one that was asked for, an interface that is not there is named', async () => {
  const { parseIp } = await import('../../base/addresses.ts')
  await using server = await hostileServer('mute')
  const from = await lookAt(tcp(loopback(server.port, { source: parseIp('127.0.0.77') })))
  assert.equal(from.outcome, 'good', from.text)
  const none = await lookAt(tcp(loopback(server.port, { interface: 'no-such-nic' })))
  assert.deepEqual([none.outcome, none.text], ['none', 'connect: the interface is not on this machine'])
})
