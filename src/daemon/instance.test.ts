import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { instanceOf } from './instance.ts'

test('every place follows from the name', () => {
  assert.deepEqual(instanceOf({ instance: 'blue' }), {
    name: 'blue',
    runDir: '/run/tenbin/blue',
    socket: '/run/tenbin/blue.sock',
    lock: '/run/tenbin/blue/lock',
    record: '/run/tenbin/blue/record.json',
    stateDir: '/var/lib/tenbin',
    keys: '/var/lib/tenbin/blue.key',
    events: '/var/lib/tenbin/blue.events',
    notified: '/var/lib/tenbin/blue.notify.json',
    eventNumbers: '/run/tenbin/blue/events.seq',
    checkerSocket: '/run/tenbin/blue/checker.sock',
    checks: '/run/tenbin/blue/checks.json',
    revisions: '/var/lib/tenbin/blue.revisions',
    overrides: '/var/lib/tenbin/blue.overrides.json',
    floods: '/var/lib/tenbin/blue.floods.json',
    captures: '/var/lib/tenbin/blue.captures',
    clusterKeys: '/var/lib/tenbin/blue.cluster.json',
    clusterInvitations: '/var/lib/tenbin/blue.invitations',
    failover: '/var/lib/tenbin/blue.roles.json',
    vrrpCounter: '/var/lib/tenbin/blue.vrrp-boots',
    vrrpKept: '/run/tenbin/blue/vrrp.json',
    vrrpLog: '/run/tenbin/blue/vrrp.log',
    vrrpSocket: '/run/tenbin/blue/vrrp.sock',
  })
  const elsewhere = instanceOf({ runDir: '/tmp/r', stateDir: '/tmp/s', socket: '/tmp/x.sock' })
  assert.equal(elsewhere.record, '/tmp/r/tenbin/record.json')
  assert.equal(elsewhere.keys, '/tmp/s/tenbin.key')
  assert.equal(elsewhere.socket, '/tmp/x.sock')
})

test('a name that would leave its folder or break a pin is refused', () => {
  for (const instance of ['', '..', 'a/b', 'a.b', 'A', '-a', 'a b', 'x'.repeat(33)]) {
    assert.throws(
      () => instanceOf({ instance }),
      (e) => e instanceof TenbinError && e.code === 'INSTANCE_INVALID',
      instance,
    )
  }
})

test('a socket path that the kernel would cut is refused', () => {
  assert.equal(instanceOf({ socket: `/${'s'.repeat(106)}` }).socket.length, 107)
  assert.throws(
    () => instanceOf({ socket: `/${'s'.repeat(107)}` }),
    (e) => e instanceof TenbinError && e.code === 'SOCKET_PATH_INVALID',
  )
})
