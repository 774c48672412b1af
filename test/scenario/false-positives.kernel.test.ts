// Normal traffic of many kinds, replayed while tenbin defends itself: nobody who is real is kept out. What a challenge
// costs each kind of client is said.
//
//   client: replayed clients of every shape, of both families, and a gateway (NAT) with many users behind one address
//   lb1:    tenbin, dsr
//   web01, web02
//
// TENBIN_FALSE_POSITIVES=1 npm test -- false-positives: each defence by itself, and during a flood.

import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { Attack } from '../../src/lab/attack.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { labFile } from '../../src/lab/lab-file.ts'
import { CLIENT_SHAPES } from './support/client-shapes.ts'
import { skip } from './support/execute.ts'
import { type Replayed, type ReplayedClient, replay } from './support/replayed-clients.ts'
import { Tenbin } from './support/tenbin.ts'

const isLong = process.env.TENBIN_FALSE_POSITIVES !== undefined
/** Of each shape, and behind the gateway. */
const [EACH, BEHIND] = isLong ? [20, 2000] : [3, 300]
/** The longest timer of a shape (3 s), thrice (3, 6, 12 s), and a busy machine. */
const PATIENCE_MS = 30_000

let lab: Lab
let tenbin: Tenbin
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'fp', servers: 2, ipv6: true })
  await lab.startWebServers()
  tenbin = new Tenbin(lab)
  tenbin.write(labFile(lab.topology))
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

/** clients: every shape at addresses of its own, of a family, and a gateway's users, of all shapes in turn. */
function clients(family: 4 | 6): readonly ReplayedClient[] {
  // Of IPv6 each a network (/64) of its own: that is what is known of a source.
  const address = (shape: number, number: number) =>
    family === 4
      ? `198.19.${128 + shape}.${number + 1}`
      : `2001:2:0:${(0x9000 + 32 * shape + number).toString(16)}::1`
  const own = CLIENT_SHAPES.flatMap((shape, index) =>
    Array.from({ length: EACH }, (_, number) => ({
      ...{ shape, address: address(index, number) },
      port: 1024 + Math.floor(Math.random() * 60_000),
    })),
  )
  const gateway = Array.from({ length: family === 4 ? BEHIND : 0 }, (_, number) => ({
    shape: CLIENT_SHAPES[number % CLIENT_SHAPES.length]!,
    address: address(100, 0),
    port: 2000 + number,
  }))
  return [...own, ...gateway]
}

/** replayed: all of both families. */
async function replayed(): Promise<readonly Replayed[]> {
  const { serviceAddresses, serviceAddresses6 } = lab.topology
  const options = { port: 80, patienceMs: PATIENCE_MS, spreadMs: 1000 }
  const all = await Promise.all([
    replay(lab, clients(4), { ...options, service: serviceAddresses[0]! }),
    replay(lab, clients(6), { ...options, service: serviceAddresses6[0]! }),
  ])
  return all.flat()
}

/** tell what became of each kind, and return who was not answered. */
function lostOf(all: readonly Replayed[], t: TestContext): readonly string[] {
  for (const { name } of CLIENT_SHAPES) {
    const mine = all.filter(({ shape }) => shape.name === name)
    const times = mine.flatMap(({ ms }) => ms ?? []).toSorted((a, b) => a - b)
    const at = (share: number) => times[Math.floor(share * (times.length - 1))]?.toFixed(1)
    const lost = mine.filter(({ answered }) => !answered).length
    const refused = mine.filter((each) => each.refused > 0).length
    t.diagnostic(
      `${name}: ${lost} of ${mine.length} lost, ${refused} challenged, connected after ${at(0.5)} ms, at most ${at(1)}`,
    )
  }
  return all.flatMap(({ answered, shape, address, port, syns, refused }) =>
    answered ? [] : [`${shape.name} ${address} ${port}: ${syns} SYNs, ${refused} challenges`],
  )
}

/** defended: the file with this defence is what runs. */
const defended = (defence: string) => tenbin.apply(`${labFile(lab.topology)}defence: ${defence}\n`)

/** ALL of it at once. */
const ALL = '{ rules: { bare-syn: drop }, proof: on, deny: [192.0.2.0/24], ceiling: 100000/s }'
/** DEFENCES, each by itself; during a flood, where it helps against one. */
const DEFENCES: readonly (readonly [name: string, defence: string, isFlooded: boolean])[] = [
  ['no defence', 'off', false],
  ['the known signature, dropped', '{ rules: { bare-syn: drop }, proof: off }', true],
  ['proof of source, by itself above a threshold', '{ proof: { above: 1000/s } }', true],
  ['proof of source from everybody', '{ proof: on }', true],
  ['a ceiling that is not reached', '{ proof: off, ceiling: 100000/s }', false],
  ['lists that name others', '{ proof: off, allow: [203.0.113.0/24], deny: [192.0.2.0/24] }', false],
  ['a limit of sources that proof goes with', '{ proof: on, sources: { new: 5000/s } }', true],
]

/** FLOOD: beside the replays; at a rate that leaves them their CPU. */
const FLOOD = {
  shapes: [{ flood: 'syn', window: 0, noOptions: true, spoof: true }],
  perSecond: 20_000,
} as const

test('every client is answered while all of it is on, each after a challenge', { skip }, async (t) => {
  await defended(ALL)
  const all = await replayed()
  assert.deepEqual(lostOf(all, t), [])
  // Who has been challenged is known by the address from then on.
  const challenged = new Set(all.flatMap(({ refused, address }) => (refused > 0 ? [address] : [])))
  const addresses = new Set(all.map(({ address }) => address))
  assert.equal(
    challenged.size,
    addresses.size,
    `${challenged.size} of ${addresses.size} addresses challenged`,
  )
})

for (const [name, defence, isFlooded] of isLong ? DEFENCES : [])
  test(`nobody is kept out by ${name}${isFlooded ? ', during a flood' : ''}`, { skip }, async (t) => {
    await defended(defence)
    await using attack = isFlooded ? await Attack.start(lab, FLOOD) : undefined
    assert.deepEqual(lostOf(await replayed(), t), [])
    await attack?.stop()
  })

if (isLong)
  test('of a gateway with more new flows than a limit without proof allows, some users are kept out', {
    skip,
  }, async (t) => {
    await defended('{ proof: off, sources: { new: 100/s } }')
    const lost = lostOf(await replayed(), t)
    t.diagnostic(`${lost.length} of ${BEHIND} users of the gateway`)
    assert.ok(
      lost.every((words) => words.includes('198.19.228.1 ')),
      lost.join('; '),
    )
  })
