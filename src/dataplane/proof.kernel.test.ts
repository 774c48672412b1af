// The program's functions of proof against their plain form, in this kernel: the same segments at the same times, of both
// families, behind tags and options.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProofInKernel } from '../../test/path/proof-in-kernel.ts'
import { parseIp, parseMac } from '../base/addresses.ts'
import { Seeded } from '../bpf/seeded.ts'
import { ether, extension, ipv4, ipv6, packet, tcp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { createProof, proofMemory } from './proof.ts'
import type { Segment } from './proof-challenge.ts'
import type { ListenerShape, Shape, Tables } from './shape.ts'

const skip = process.geteuid?.() !== 0 && 'loading programs needs root'
const [own, router] = [parseMac('02:1b:3c:5d:7e:9f'), parseMac('00:00:5e:00:01:fe')]
const listener = (address: string, service: number): ListenerShape => ({
  address: parseIp(address),
  protocol: 'tcp',
  port: 80,
  service,
  pool: 0,
})
const all = [listener('192.0.2.10', 0), listener('192.0.2.11', 1), listener('2001:db8::10', 2)]

/** shapeOf listeners: few proven sources, so that they put each other out. */
const shapeOf = (listeners: readonly ListenerShape[], jumbo = false): Shape => ({
  mac: own,
  own: 0,
  others: [],
  jumbo,
  listeners,
  services: [0, 1, 2].map(() => ({ track: 'none', onFailure: 'keep', hash: 'flow' })),
  servers: 3,
  pools: [1_021],
  cpus: 1,
  clock: { source: 'word', hz: 250, shift: 4 },
  defence: { rules: [], lists: { entries: 8 }, proof: { sources: 64 }, ceilings: false },
})

const tables: Tables = {
  keys: BigUint64Array.from({ length: 16 }, (_, i) => 0x9e3779b97f4a7c15n * BigInt(i + 1)),
  slots: [new Uint32Array(1_021)],
  servers: [],
  defence: {
    allow: [],
    deny: [],
    bans: [],
    only: false,
    ceiling: 0,
    services: [
      { ceiling: 0, proof: 'auto' },
      { ceiling: 0, proof: 'on' },
      { ceiling: 0, proof: 'off' },
    ],
    proof: { above: 20, below: 10, holdS: 3, rememberS: 60 },
  },
}

/** segment of a client: a SYN, or the RST that has a number. */
function segment(random: Seeded, family: 4 | 6, rst?: number): Segment {
  const tags = [[], [], [{ id: 7 }], [{ tpid: 0x88a8, id: 9 }, { id: 7 }]][random.below(4)]!
  const outer = ether({ destination: own, source: router, tags })
  const ip = 14 + 4 * tags.length
  const client = random.below(200)
  const flags = rst === undefined ? tcpFlag.SYN : tcpFlag.RST
  const port = 40_000 + random.below(3)
  const options = rst === undefined ? Uint8Array.of(2, 4, 5, 180, 1, 3, 3, 7) : new Uint8Array(0)
  const inner = tcp({ source: port, destination: 80, flags, sequence: rst ?? random.u32(), options })
  if (family === 4) {
    const options = new Uint8Array(random.chance(20) ? 4 : 0).fill(1)
    const header = ipv4({ source: `198.51.100.${client}`, destination: '192.0.2.10', options })
    return { frame: packet(outer, header, inner), ip, at: ip + 20 + options.length, isIpv6: false }
  }
  const header = ipv6({ source: `2001:db8:${client}::${client}`, destination: '2001:db8::10' })
  if (random.chance(20))
    return { frame: packet(outer, header, extension(60), inner), ip, at: ip + 48, isIpv6: true }
  return { frame: packet(outer, header, inner), ip, at: ip + 40, isIpv6: true }
}

/** numberOf a challenge: what its client's RST has for a sequence number. */
const numberOf = (answer: Uint8Array, { ip, isIpv6 }: Segment): number =>
  new DataView(answer.buffer, answer.byteOffset).getUint32(ip + (isIpv6 ? 40 : 20) + 8)

/** rstOf the client that has sent a SYN. */
function rstOf({ frame, ip, at, isIpv6 }: Segment, number: number): Segment {
  const answer = Uint8Array.from(frame)
  const view = new DataView(answer.buffer)
  view.setUint32(at + 4, number)
  answer[at + 13] = tcpFlag.RST
  return { frame: answer, ip, at, isIpv6 }
}

for (const [name, listeners, families] of [
  ['IPv4', all.slice(0, 2), [4]],
  ['IPv6', all.slice(2), [6]],
  ['both families', all, [4, 6]],
] as const)
  for (const jumbo of [false, true])
    test(`the program counts, challenges and takes proofs as the plain form does: ${name}${jumbo ? ', jumbo' : ''}`, {
      skip,
    }, () => {
      const shape = shapeOf(listeners, jumbo)
      const model = createProof(shape, tables, proofMemory(shape))
      using kernel = new ProofInKernel(shape, tables)
      const random = new Seeded(11)
      const seen: Segment[] = []
      const told = { challenged: 0, proven: 0, refused: 0, standing: 0, admitted: 0 }
      let jiffies = 2 ** 32 - 20_000
      for (let i = 0; i < 3_000; i++) {
        // crowds, then silence
        jiffies += random.chance(2) ? random.below(2_000) : random.below(6)
        kernel.at(jiffies)
        const syn = segment(random, random.pick(families))
        const service = random.below(3)
        const wanted = model.wanted(syn, service, jiffies)
        assert.equal(kernel.ask('wanted', syn, service).answer, wanted ? 1 : 0)
        if (!wanted) told.admitted++
        const isStanding = model.standing(syn, jiffies)
        assert.equal(kernel.ask('standing', syn).answer, isStanding ? 1 : 0)
        if (isStanding) told.standing++
        if (wanted) {
          told.challenged++
          const answer = model.challenge(syn, jiffies)
          const sent = kernel.ask('challenge', syn)
          assert.equal(sent.answer, 1)
          assert.deepEqual(new Uint8Array(sent.frame), answer)
          seen.push(rstOf(syn, numberOf(answer, syn)))
        }
        if (seen.length === 0) continue
        // some proofs at once, some late, some by another, some guessed
        const recent = random.chance(50) ? seen.at(-1)! : random.pick(seen)
        const rst = random.chance(70) ? recent : rstOf(random.chance(50) ? syn : recent, random.u32())
        const taken = model.take(rst, service, jiffies)
        assert.equal(kernel.ask('take', rst, service).answer, taken ? 1 : 0)
        told[taken ? 'proven' : 'refused']++
      }
      for (const [what, count] of Object.entries(told)) assert.ok(count > 50, `${what}: ${count}`)
    })
