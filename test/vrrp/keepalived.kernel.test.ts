// The vrrp process beside Debian's keepalived on one link, in both roles, for both versions and families, by multicast and
// unicast, with a password and without: who has the higher priority is active, who leaves is followed at once, who comes
// back takes over. Neither complains of the other, and tshark not of what was on the wire.
//
//   lb1: tenbin, priority 150, then 50 -----+----- lb2: keepalived, priority 100

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Lab } from '../../src/lab/held-lab.ts'
import type { SetSpec } from '../../src/vrrp/spec.ts'
import { Capture } from '../scenario/support/capture.ts'
import { skip } from '../scenario/support/execute.ts'
import { setOf, VrrpNode } from './vrrp-node.ts'

const PASSWORD = 'secret'
const [OURS_HIGH, ITS, OURS_LOW] = [150, 100, 50]
const [LB1, LB2] = [
  { 4: '10.0.0.2', 6: '2001:db8::2' },
  { 4: '10.0.0.3', 6: '2001:db8::3' },
]

interface Kind {
  readonly name: string
  readonly vrid: number
  readonly version: 2 | 3
  readonly addresses: readonly [string, ...string[]]
  readonly withPassword?: boolean
  readonly isUnicast?: boolean
}
const kinds: readonly Kind[] = [
  { name: 'v3', vrid: 51, version: 3, addresses: ['10.0.0.110/24', '10.0.0.111/24'] },
  { name: 'v3six', vrid: 52, version: 3, addresses: ['fe80::110/64', '2001:db8::110/64'] },
  { name: 'v2', vrid: 53, version: 2, addresses: ['10.0.0.112/24'] },
  { name: 'v2password', vrid: 54, version: 2, addresses: ['10.0.0.113/24'], withPassword: true },
  { name: 'v3unicast', vrid: 55, version: 3, addresses: ['10.0.0.114/24'], isUnicast: true },
  {
    ...{ name: 'v3sixunicast', vrid: 56, version: 3, isUnicast: true },
    addresses: ['fe80::115/64', '2001:db8::115/64'],
  },
]
const familyOf = ({ addresses: [first] }: Kind): 4 | 6 => (first.includes(':') ? 6 : 4)
/** leastTtl: keepalived 2.2.7 leaves the hop limit of unicast over IPv6 as the system has it. */
const leastTtl = (kind: Kind): number => (kind.isUnicast && familyOf(kind) === 6 ? 64 : 255)
const intervalOf = ({ version }: Kind): number => (version === 2 ? 1000 : 200)
const MOVING = kinds.flatMap(({ addresses }) => addresses.map((each) => each.split('/')[0]!)).toSorted()

let lab: Lab
let ours: VrrpNode
let keepalived: ChildProcess
let log = ''

const setsOf = (priority: number): SetSpec[] =>
  kinds.map((kind) =>
    setOf(
      priority,
      {
        ...{ name: kind.name, vrid: kind.vrid, version: kind.version, advertMs: intervalOf(kind) },
        ...(kind.withPassword && { auth: { kind: 'pass', file: join(lab.directory, 'pass') } }),
      },
      {
        addresses: [...kind.addresses],
        ...(kind.isUnicast && {
          unicast: { self: [LB1[familyOf(kind)]], peers: [LB2[familyOf(kind)]], minTtl: leastTtl(kind) },
        }),
      },
    ),
  )

const configuration = (): string =>
  kinds
    .map((kind) => {
      const lines = [
        'interface eth0',
        `virtual_router_id ${kind.vrid}`,
        `priority ${ITS}`,
        `version ${kind.version}`,
        `advert_int ${intervalOf(kind) / 1000}`,
        `virtual_ipaddress {\n${kind.addresses.join('\n')}\n}`,
        ...(kind.withPassword ? [`authentication {\nauth_type PASS\nauth_pass ${PASSWORD}\n}`] : []),
        ...(kind.isUnicast
          ? [`unicast_src_ip ${LB2[familyOf(kind)]}`, `unicast_peer {\n${LB1[familyOf(kind)]}\n}`]
          : []),
      ]
      return `vrrp_instance ${kind.name} {\n${lines.join('\n')}\n}\n`
    })
    .join('')

function startKeepalived(): void {
  const file = join(lab.directory, 'keepalived.conf')
  writeFileSync(file, configuration(), { mode: 0o644 })
  const pids = ['p', 'r'].flatMap((option) => [`-${option}`, join(lab.directory, `keepalived-${option}.pid`)])
  keepalived = lab.spawn('lb2', ['keepalived', '-P', '-n', '-l', '-f', file, ...pids], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  for (const stream of [keepalived.stdout!, keepalived.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text))
}

async function endKeepalived(): Promise<void> {
  const closed = once(keepalived, 'close')
  keepalived.kill('SIGTERM')
  await closed
}

/** itsRole: keepalived's last word of each of its instances. */
const itsRoles = (): string[] =>
  kinds.map(
    ({ name }) => [...log.matchAll(new RegExp(`\\(${name}\\) Entering (\\w+) STATE`, 'g'))].at(-1)?.[1] ?? '',
  )
const ourRoles = (): string[] =>
  kinds.map(({ name }) => ours.roles.findLast(({ set }) => set === name)?.to ?? '')

const all = (roles: readonly string[], wanted: string): boolean => roles.every((role) => role === wanted)
async function until(our: string, its: string): Promise<void> {
  const isSo = () => all(ourRoles(), our) && all(itsRoles(), its)
  await ours.untilSo(`${our} here and ${its} there, but ${ourRoles()} and ${itsRoles()}: ${log}`, isSo)
}

before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'kr', servers: 1, balancers: 2, ipv6: true })
  writeFileSync(join(lab.directory, 'pass'), `${PASSWORD}\n`)
})
after(async () => {
  await ours?.[Symbol.asyncDispose]()
  await lab?.[Symbol.asyncDispose]()
})

test('beside keepalived each role comes and goes as priorities have it, in each version and family', {
  skip,
}, async () => {
  const capture = await Capture.of(lab, 'client')
  // one after the other: two that begin at once may both be active for a moment, by the protocol
  ours = new VrrpNode(lab, 'lb1', { sets: setsOf(OURS_HIGH) })
  await ours.untilSo('all active', () => all(ourRoles(), 'active'))
  startKeepalived()
  await until('active', 'BACKUP')
  // a role is told before its addresses are there
  const isThere = async () => `${(await ours.moving()).toSorted()}` === `${MOVING}`
  await ours.untilSo(`${MOVING}`, isThere)

  await ours.end('SIGTERM')
  await until('initialize', 'MASTER')
  assert.deepEqual(await ours.moving(), [])

  ours.again({ sets: setsOf(OURS_LOW) })
  await until('backup', 'MASTER')
  await endKeepalived()
  await ours.untilSo('all active', () => all(ourRoles(), 'active'))
  const took = ours.roles.filter(({ to }) => to === 'active')
  assert.deepEqual(took.map(({ set }) => set).toSorted(), kinds.map(({ name }) => name).toSorted())
  // who was late itself says that
  const wasLate = (set: string) => ours.findings.some((each) => each.set === set && each.name === 'overslept')
  for (const { set, why } of took)
    assert.ok(why.name === 'other-left' || (why.name === 'overslept' && wasLate(set)), `${set} ${why.name}`)

  startKeepalived()
  await until('backup', 'MASTER')
  await ours.untilSo('no address', async () => (await ours.moving()).length === 0)

  // a machine that stalls is no fault of either
  assert.deepEqual(
    ours.findings.filter(({ name }) => name !== 'overslept'),
    [],
  )
  ours.respec({ sets: setsOf(OURS_HIGH) })
  await until('active', 'BACKUP')
  assert.doesNotMatch(log, /invalid|checksum|mismatch|too long|too short|unexpected|wrong|incorrect/i)
  await capture.stop()
  assert.deepEqual(complaints(capture.file), [])
  await endKeepalived()
})

/** complaints: what tshark finds fault with in VRRP, ARP and neighbour discovery of a file. */
function complaints(file: string): string[] {
  const fields = ['_ws.expert.message', '_ws.malformed', 'vrrp.checksum.status'].flatMap((field) => [
    '-e',
    field,
  ])
  const options = ['-o', 'vrrp.v3_checksum_as_in_v2:FALSE', '-T', 'fields', '-E', 'separator=|']
  const text = execFileSync('tshark', ['-n', '-r', file, '-Y', 'vrrp', ...options, ...fields], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const lines = text.trimEnd().split('\n')
  assert.ok(lines.length > 50, 'the capture has adverts')
  return [...new Set(lines)].filter((line) => line !== '||1')
}
