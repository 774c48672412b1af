import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { BLIND_MS, NicWatch } from './nic-watch.ts'
import { RtnlWork } from './rtnl-work.ts'

const ADDRESS = { address: parseIp('10.0.0.100'), prefix: 24 }

/** watched: eth0 of a fake kernel, and what is told of it. */
function watched() {
  const network = new FakeNetwork()
  const { index } = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  const links = { request: () => [], dump: () => [] }
  const work = new RtnlWork({ network, links, record: '/nowhere/macvlans', now: () => 0 })
  work.watch({ nics: ['eth0', 'eth1'], moving: ['10.0.0.100'] })
  const told: string[] = []
  const watch = new NicWatch({
    ...{ network, work, now: () => performance.now() },
    onViews: (views) => told.push(views.map(({ name, isUsable }) => `${name} ${isUsable}`).join()),
    onBlind: (why) => told.push(why),
    onGone: (set) => told.push(`gone: ${set}`),
  })
  return { network, index, work, watch, told }
}

test('NICs that cannot be read are looked at again, without anything having changed', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { network, watch, told } = watched()
  const refusal = new TenbinError('NETLINK_DUMP_CHANGED', 'list addresses')
  const lists = mock.method(network, 'listAddresses', () => {
    throw refusal
  })
  watch.see()
  assert.deepEqual(told, [refusal.message])
  lists.mock.restore()
  t.mock.timers.tick(BLIND_MS - 1)
  assert.equal(told.length, 1)
  t.mock.timers.tick(1)
  assert.deepEqual(told, [refusal.message, 'eth0 true'])
  watch[Symbol.dispose]()
})

test('whose address was taken away is told, and of nobody who does not want it', () => {
  const { network, index, work, watch, told } = watched()
  const members = [{ nic: 'eth0', family: 4, addresses: ['10.0.0.100/24'] } as const].map((each) => ({
    ...each,
    addresses: [...each.addresses],
  }))
  const order = {
    kind: 'hold' as const,
    id: 1,
    at: 0,
    how: 'take' as const,
    routes: [],
    validS: 2,
    takenMs: 400,
  }
  assert.deepEqual(work.hold({ ...order, set: 'front', members }), {})
  assert.deepEqual(work.hold({ ...order, set: 'back', members: [] }), {})
  network.removeAddress({ ifindex: index, ...ADDRESS })
  network.deliver()
  assert.equal(told.filter((text) => text.startsWith('gone')).join(), 'gone: front')
  work.release('front')
  watch[Symbol.dispose]()
})
