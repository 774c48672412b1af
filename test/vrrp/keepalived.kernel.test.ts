// Debian's keepalived on the same link: what it sends counts here without a refusal or a remark, in both versions and
// families, by multicast and unicast, with a password and without, when it leaves too; and what is sent here makes it a
// backup, without a word of complaint.
//
//   lb1: keepalived, priority 200 -----+----- client: adverts of priority 250, once each

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { formatIp, type Ip, parseIp } from '../../src/base/addresses.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { findNode, type LabNode } from '../../src/lab/topology.ts'
import { advertOf, passwordBytes } from '../../src/vrrp/compose.ts'
import { type Expectation, judge, MULTICAST, type Received, vridOf } from '../../src/vrrp/receive.ts'
import type { VirtualRouter } from '../../src/vrrp/router.ts'
import { etherType } from '../../src/wire/ethernet.ts'
import { decodeIpv4, ipProtocol } from '../../src/wire/ipv4.ts'
import { decodeIpv6 } from '../../src/wire/ipv6.ts'
import { vrrpGroup } from '../../src/wire/vrrp.ts'
import { Capture } from '../scenario/support/capture.ts'
import { skip } from '../scenario/support/execute.ts'
import { type Read, send } from '../scenario/support/frames.ts'
import { advertFrame, MULTICAST_MAC } from './advert-frame.ts'
import { US } from './machine-stories.ts'

const DEADLINE_MS = 20_000
const ITS_PRIORITY = 200
const OUR_PRIORITY = 250
const PASSWORD = 'secret'

interface Kind {
  readonly name: string
  readonly router: VirtualRouter
  readonly password?: Uint8Array
  readonly isUnicast?: boolean
}
const kind = (name: string, vrid: number, addresses: string[], more: Partial<VirtualRouter> = {}): Kind => ({
  name,
  router: {
    ...US,
    vrid,
    adverMs: more.version === 2 ? 1000 : 100,
    addresses: addresses.map(parseIp),
    ...more,
  },
})
const kinds: readonly Kind[] = [
  kind('v3', 51, ['10.0.0.110', '10.0.0.111']),
  kind('v3six', 52, ['fe80::110', '2001:db8::110']),
  kind('v2', 53, ['10.0.0.112'], { version: 2 }),
  { ...kind('v2password', 54, ['10.0.0.113'], { version: 2 }), password: passwordBytes(PASSWORD) },
  { ...kind('v3unicast', 55, ['10.0.0.114']), isUnicast: true },
]

let lab: Lab
let keepalived: ChildProcess
let log = ''
let capture: Capture
const node = (name: string): LabNode => findNode(lab.topology, name) as LabNode

function configuration(): string {
  const instances = kinds.map(({ name, router, password, isUnicast }) => {
    const lines = [
      `interface eth0`,
      `virtual_router_id ${router.vrid}`,
      `priority ${ITS_PRIORITY}`,
      `version ${router.version}`,
      `advert_int ${router.adverMs / 1000}`,
      `virtual_ipaddress {\n${router.addresses.map((ip) => `${formatIp(ip)}\n`).join('')}}`,
    ]
    if (password) lines.push(`authentication {\nauth_type PASS\nauth_pass ${PASSWORD}\n}`)
    if (isUnicast)
      lines.push(`unicast_src_ip ${node('lb1').address}`, `unicast_peer {\n${node('client').address}\n}`)
    return `vrrp_instance ${name} {\n${lines.join('\n')}\n}\n`
  })
  return instances.join('')
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; !(await isSo()); await delay(20))
    assert.ok(Date.now() < deadline && keepalived?.exitCode == null, `no sign of ${what}: ${log}`)
}

/** linkLocal: of a node's eth0, once it is no longer tentative. */
async function linkLocal(name: string): Promise<Ip> {
  let address = ''
  await until(`a link-local address of ${name}`, async () => {
    const words = await lab.run(name, [
      'ip',
      '-6',
      '-o',
      'addr',
      'show',
      'dev',
      'eth0',
      'scope',
      'link',
      '-tentative',
    ])
    address = /inet6 ([^/]+)/.exec(words)?.[1] ?? ''
    return address !== ''
  })
  return parseIp(address)
}

/** received: the VRRP packet in a frame. */
function received({ bytes, ether }: Read): Received | undefined {
  const packet = bytes.subarray(14)
  if (ether.type === etherType.IP) {
    const { header, payload } = decodeIpv4(packet)
    return header.protocol === ipProtocol.VRRP ? { ...header, bytes: payload } : undefined
  }
  if (ether.type !== etherType.IPV6) return undefined
  const { header, payload } = decodeIpv6(packet)
  return header.nextHeader === ipProtocol.VRRP
    ? { ...header, ttl: header.hopLimit, bytes: payload }
    : undefined
}

before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'ka', servers: 1, ipv6: true })
  await linkLocal('lb1')
  const file = join(lab.directory, 'keepalived.conf')
  writeFileSync(file, configuration(), { mode: 0o644 })
  capture = await Capture.of(lab, 'client')
  const pids = ['p', 'r'].flatMap((option) => [`-${option}`, join(lab.directory, `keepalived-${option}.pid`)])
  keepalived = lab.spawn('lb1', ['keepalived', '-P', '-n', '-l', '-f', file, ...pids], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  for (const stream of [keepalived.stdout!, keepalived.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text))
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

test('adverts of keepalived count without a remark, until it leaves, and ours make it a backup', {
  skip,
}, async () => {
  const mine = { 4: parseIp(node('client').address), 6: await linkLocal('client') }
  for (const { name } of kinds)
    await until(`${name} as master`, () => log.includes(`(${name}) Entering MASTER STATE`))

  for (const { name, router, password, isUnicast } of kinds.slice(0, -1)) {
    const family = name === 'v3six' ? 6 : 4
    const ends = {
      source: mine[family],
      destination: isUnicast ? parseIp(node('lb1').address) : vrrpGroup[family],
      sourceMac: node('client').mac,
      destinationMac: isUnicast ? node('lb1').mac : MULTICAST_MAC[family],
    }
    send(lab, 'client', [advertFrame(advertOf(router, OUR_PRIORITY, password), ends)])
    await until(`${name} as backup`, () => log.split(`(${name}) Entering BACKUP STATE`).length === 3)
  }
  keepalived.kill('SIGTERM')
  await once(keepalived, 'close')
  assert.doesNotMatch(log, /invalid|checksum|mismatch|too long|too short|unexpected|wrong|incorrect/i)

  const heard = new Map<number, number[]>()
  for (const frame of await capture.stop()) {
    const packet = received(frame)
    if (packet === undefined || frame.ether.source !== node('lb1').mac) continue
    const { router, password, isUnicast } = kinds.find((each) => each.router.vrid === vridOf(packet.bytes))!
    const expectation: Expectation = {
      ...MULTICAST,
      router,
      password,
      peers: isUnicast ? [parseIp(node('lb1').address)] : undefined,
    }
    const judged = judge(expectation, new Map(), packet)
    assert.ok(judged.kind === 'counts', inspect(judged))
    assert.deepEqual(judged.remarks, [])
    assert.equal(judged.heard.adverMs, router.adverMs)
    heard.set(router.vrid, [...(heard.get(router.vrid) ?? []), judged.heard.priority])
  }
  for (const { name, router } of kinds) {
    const priorities = heard.get(router.vrid) ?? []
    assert.ok(priorities.includes(ITS_PRIORITY), `${name} was never heard`)
    // Whoever is a backup leaves without a word; some are masters again, after our one advert.
    const [, last] = [...log.matchAll(new RegExp(`\\(${name}\\) Entering (\\w+) STATE`, 'g'))].at(-1)!
    assert.equal(priorities.at(-1), last === 'MASTER' ? 0 : ITS_PRIORITY, name)
  }
})
