// Adverts made here, read by tshark: every field as it was meant, every checksum right under the preference that matches
// its form and wrong under the other one, and not a word of complaint.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseIp, parseMac } from '../../src/base/addresses.ts'
import { announcement } from '../../src/vrrp/announcement.ts'
import { passwordBytes } from '../../src/vrrp/compose.ts'
import { type Vrrp, virtualRouterMac, vrrpGroup } from '../../src/wire/vrrp.ts'
import type { VrrpChecksum } from '../../src/wire/vrrp-checksum.ts'
import { advertFrame, type FrameEnds, MULTICAST_MAC } from './advert-frame.ts'
import { pcap } from './pcap.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-vrrp-'))
const file = join(folder, 'adverts.pcap')
after(() => rmSync(folder, { recursive: true, force: true }))

const four: FrameEnds = {
  source: parseIp('192.0.2.1'),
  destination: vrrpGroup[4],
  sourceMac: virtualRouterMac(51, 4),
  destinationMac: MULTICAST_MAC[4],
}
const six: FrameEnds = {
  source: parseIp('fe80::1'),
  destination: vrrpGroup[6],
  sourceMac: virtualRouterMac(51, 6),
  destinationMac: MULTICAST_MAC[6],
}
const addresses = [parseIp('192.0.2.100'), parseIp('192.0.2.101')]
const three: Vrrp = { version: 3, vrid: 51, priority: 200, maxAdverCs: 4095, addresses }
const two: Vrrp = { version: 2, vrid: 52, priority: 255, adverS: 3, auth: { type: 0 }, addresses }

before(() => {
  writeFileSync(
    file,
    pcap([
      advertFrame(three, four),
      advertFrame(three, four, 'rfc9568'),
      advertFrame({ ...three, priority: 0, addresses: [parseIp('fe80::100'), parseIp('2001:db8::1')] }, six),
      advertFrame(two, four),
      advertFrame({ ...two, auth: { type: 1, data: passwordBytes('secret') } }, four),
    ]),
  )
})

const FIELDS = ['version', 'type', 'virt_rtr_id', 'prio', 'addr_count', 'checksum.status'].map(
  (name) => `vrrp.${name}`,
)

/** dissect: fields of each frame, and what tshark finds fault with in it. */
function dissect(form: VrrpChecksum, fields: readonly string[]): string[] {
  const preference = `vrrp.v3_checksum_as_in_v2:${form === 'rfc9568' ? 'TRUE' : 'FALSE'}`
  const names = [...fields, '_ws.expert.message', '_ws.malformed'].flatMap((field) => ['-e', field])
  const args = ['-n', '-r', file, '-o', preference, '-T', 'fields', '-E', 'separator= ', ...names]
  return execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd())
}

test('tshark reads each advert without complaint, its checksum right in the form that it has', () => {
  const [good, bad] = ['3 1 51 200 2 1', '3 1 51 200 2 0']
  const others = ['3 1 51 0 2 1', '2 1 52 255 2 1', '2 1 52 255 2 1']
  const complains = / Bad checksum.*$/
  assert.deepEqual(
    dissect('rfc5798', FIELDS).map((line) => line.replace(complains, '!')),
    [good, `${bad}!`, ...others],
  )
  assert.deepEqual(
    dissect('rfc9568', FIELDS).map((line) => line.replace(complains, '!')),
    [`${bad}!`, good, ...others],
  )
})

test('tshark reads intervals, addresses and the password', () => {
  const fields = ['short_adver_int', 'adver_int', 'auth_type', 'auth_string', 'ip_addr', 'ipv6_addr']
  const ips = '192.0.2.100,192.0.2.101'
  assert.deepEqual(
    dissect(
      'rfc5798',
      fields.map((name) => `vrrp.${name}`),
    ).map((line) =>
      line
        .replace(/ Bad checksum.*$/, '')
        .trim()
        .split(/ +/),
    ),
    [
      ['4095', ips],
      ['4095', ips],
      ['4095', 'fe80::100,2001:db8::1'],
      ['3', '0', ips],
      ['3', '1', 'secret', ips],
    ],
  )
})

test('tshark takes announcements for what they are', () => {
  const mac = parseMac('02:00:0a:00:00:02')
  writeFileSync(
    file,
    pcap(['192.0.2.100', '2001:db8::100'].map((ip) => announcement(parseIp(ip), mac, true))),
  )
  const [four, six] = dissect('rfc5798', [
    'arp.isannouncement',
    'icmpv6.checksum.status',
    'icmpv6.nd.na.flag.r',
    'icmpv6.nd.na.flag.o',
    'icmpv6.opt.linkaddr',
  ])
  assert.deepEqual([four!.trim(), six!.trim()], ['1', '1 1 1 02:00:0a:00:00:02'])
})
