// Macvlans of virtual routers on a veth pair, and the ARP settings of the NIC under them: those of several routers, and what a
// killed process leaves.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { Connection } from '../netlink/connection.ts'
import { getLink } from '../netlink/links.ts'
import { openTransport } from '../netlink/route-socket.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { virtualRouterMac } from '../wire/vrrp.ts'
import { clearMacvlansOf, macvlanRecord, VirtualMacs } from './virtual-macs.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'
const settings = () =>
  ['arp_ignore', 'arp_announce'].map((name) =>
    readFileSync(`/proc/sys/net/ipv4/conf/eth0/${name}`, 'latin1').trim(),
  )

/** inNamespace: with a NIC, its requests, and the path of a record. */
function inNamespace(body: (netlink: Connection, record: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), 'macvlans-'))
  try {
    using namespace = NetworkNamespace.create()
    namespace.run(() => {
      execFileSync('ip', 'link add eth0 type veth peer name eth1'.split(' '))
      using netlink = new Connection(openTransport())
      body(netlink, join(dir, 'macvlans'))
    })
  } finally {
    rmSync(dir, { recursive: true })
  }
}

const router = (netlink: Connection, vrid: number) =>
  ({ nic: getLink(netlink, 'eth0')!, family: 4, mac: virtualRouterMac(vrid, 4) }) as const

test(
  'a NIC answers for its own addresses alone until the last virtual router on it is removed',
  { skip },
  () =>
    inNamespace((netlink, record) => {
      const macs = new VirtualMacs(netlink, () => undefined, record)
      const [one, other] = [router(netlink, 51), router(netlink, 52)]
      macs.up(one)
      assert.deepEqual(settings(), ['1', '2'])
      // as a set that begins, and one that ends, do
      macs.remove(other)
      macs.up(other)
      macs.remove(other)
      assert.deepEqual(settings(), ['1', '2'])
      macs.remove(one)
      assert.deepEqual([settings(), existsSync(record)], [['0', '0'], false])
    }),
)

test('what a killed process leaves, the next one or down takes away, whatever it is told', { skip }, () =>
  inNamespace((netlink, record) => {
    const kept = join(dirname(record), 'vrrp.json')
    const ends = [
      () => new VirtualMacs(netlink, () => undefined, macvlanRecord(kept)),
      () => assert.deepEqual(clearMacvlansOf(kept), [`tb${getLink(netlink, 'eth0')!.index}-51-4`]),
    ]
    for (const end of ends) {
      const macs = new VirtualMacs(netlink, () => undefined, macvlanRecord(kept))
      const index = macs.up(router(netlink, 51))
      assert.ok(getLink(netlink, index))
      end()
      assert.deepEqual([getLink(netlink, index), settings()], [undefined, ['0', '0']])
      assert.equal(existsSync(macvlanRecord(kept)), false)
    }
    assert.deepEqual(clearMacvlansOf(kept), [])
  }),
)

test('a setting that somebody else has changed since stays', { skip }, () =>
  inNamespace((netlink, record) => {
    const macs = new VirtualMacs(netlink, () => undefined, record)
    macs.up(router(netlink, 51))
    writeFileSync('/proc/sys/net/ipv4/conf/eth0/arp_ignore', '8')
    macs.remove(router(netlink, 51))
    assert.deepEqual(settings(), ['8', '0'])
  }),
)
