import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { refusals, textOf } from './refusals.fixture.ts'
import { sysctlsOf } from './sysctls.ts'

const of = (sysctls: string, rest = {}) => refusals({ extra: `sysctls: ${sysctls}`, ...rest })

test('settings of the node, of all and of the file’s NICs are taken, in the order in which they are set', () => {
  const extra =
    'sysctls: { net.ipv4.conf.eth0/7.send_redirects: 0, net.ipv4.conf.all.send_redirects: 0, net.ipv6.conf.eth0/7.accept_ra: 2, net.ipv4.ip_forward: 1 }'
  const state = load('t', textReader({ t: textOf({ interfaces: 'interfaces: { lan: eth0.7 }', extra }) }))
  assert.deepEqual(state.sysctls, [
    { name: 'net.ipv4.ip_forward', value: 1 },
    { name: 'net.ipv4.conf.all.send_redirects', value: 0 },
    { name: 'net.ipv4.conf.eth0/7.send_redirects', value: 0, nic: 'eth0.7' },
    { name: 'net.ipv6.conf.eth0/7.accept_ra', value: 2, nic: 'eth0.7' },
  ])
  assert.deepEqual(of('{}'), [])
  assert.deepEqual(load('t', textReader({ t: textOf({}) })).sysctls, [])
})

test('a NIC’s settings are those of nodes where it plays a role', () => {
  const text = textOf({
    interfaces: 'interfaces: { lan: { lb1: eth0, lb2: ens3 } }',
    extra:
      'nodes: { lb1: 192.168.8.2, lb2: 192.168.8.3 }\nsysctls: { net.ipv4.conf.ens3.rp_filter: 2, net.ipv4.ip_forward: 1 }',
  })
  const state = load('t', textReader({ t: text }))
  const names = (node: string) => sysctlsOf(state, node).map(({ name }) => name)
  assert.deepEqual(names('lb1'), ['net.ipv4.ip_forward'])
  assert.deepEqual(names('lb2'), ['net.ipv4.ip_forward', 'net.ipv4.conf.ens3.rp_filter'])
})

test('other names are refused with the nearest that there is', () => {
  assert.deepEqual(of('{ net.ipv4.ip_foward: 1 }'), [
    '5:12: "net.ipv4.ip_foward" is no setting that tenbin makes: did you mean "net.ipv4.ip_forward"?',
  ])
  assert.deepEqual(of('{ net.ipv4.conf.all.rp_filters: 1 }'), [
    '5:12: "net.ipv4.conf.all.rp_filters" is no setting that tenbin makes: did you mean "net.ipv4.conf.all.rp_filter"?',
  ])
  assert.deepEqual(of('{ net.ipv4.conf.eth1.rp_filter: 1 }'), [
    '5:12: "net.ipv4.conf.eth1.rp_filter" is no setting that tenbin makes: did you mean "net.ipv4.conf.eth0.rp_filter"?',
  ])
  assert.deepEqual(of('{ net.ipv4.conf.bond0.tag: 1 }'), [
    '5:12: "net.ipv4.conf.bond0.tag": "bond0" is no NIC of interfaces, or this is no setting that tenbin makes',
  ])
  assert.deepEqual(of('{ kernel.panic: 1 }'), [
    '5:12: "kernel.panic" is no setting that tenbin makes: these are net.ipv4.ip_forward, net.ipv6.conf.all.forwarding, net.ipv4.ip_nonlocal_bind, net.ipv6.ip_nonlocal_bind and others, see the example',
  ])
})

test('values are those that the setting has', () => {
  assert.deepEqual(of('{ net.ipv4.ip_forward: 2, net.ipv4.conf.all.arp_ignore: 4 }'), [
    '5:33: net.ipv4.ip_forward takes 0, 1, not 2',
    '5:66: net.ipv4.conf.all.arp_ignore takes 0, 1, 2, 3, 8, not 4',
  ])
  const room = (value: number) => of(`{ net.ipv6.neigh.default.gc_thresh2: ${value} }`)
  assert.deepEqual([room(128), room(1_048_576)], [[], []])
  assert.deepEqual(room(127), ['5:47: net.ipv6.neigh.default.gc_thresh2 takes 128 to 1048576, not 127'])
  assert.deepEqual(of('{ net.ipv4.ip_forward: "1" }'), [
    '5:33: expected a whole number from 0 to 1048576, found "1"',
  ])
  assert.deepEqual(of('5'), ['5:10: expected kernel settings such as { net.ipv4.ip_forward: 1 }, found 5'])
})

test('a NIC that could not be read makes no setting unknown', () => {
  assert.deepEqual(of('{ net.ipv4.conf.eth7.rp_filter: 1 }', { interfaces: 'interfaces: [eth0]' }), [
    '1:13: expected roles and their NICs such as { lan: eth0 }, found a list',
  ])
})
