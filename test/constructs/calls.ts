// Helpers of the kernel, functions of the program, tail calls.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Builder } from '../../src/bpf/builder.ts'
import { AF_INET, FIB, FibLookup } from '../../src/bpf/helper-builder.ts'
import { bytes, objectMap, struct } from '../../src/bpf/types.ts'
import { be16, be32, fields, type Place, part, type Val } from '../../src/bpf/values.ts'
import { plainFunction, xdpFunction } from '../../src/bpf/xdp.ts'
import { SharedMemory } from '../../src/sys/memory.ts'
import { blob, type Construct, memory, packetBytes, piece, put, same, take } from './construct.ts'

const PAGE = 4096
/** The loopback device of every network namespace. */
const LOOPBACK = 1

const clocks: Construct = {
  name: 'ktime_get_ns, ktime_get_coarse_ns and jiffies64 tell the time since the start, the coarse ones a little behind',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      put(p, 0, p.call('ktime_get_coarse_ns'))
      put(p, 1, p.call('ktime_get_ns'))
      put(p, 2, p.call('jiffies64'))
    })
    const before = process.hrtime.bigint()
    it.run()
    const after = process.hrtime.bigint()
    const [coarse, fine, jiffies] = [it.got(0), it.got(1), it.got(2)]
    assert.ok(before <= fine && fine <= after, `${before} ${fine} ${after}`)
    assert.ok(coarse <= fine && fine - coarse < 1_000_000_000n, `${coarse} ${fine}`)
    // Jiffies start five minutes before 32 bits are full, so that whoever forgets that they wrap is found out soon.
    const hz = [100n, 250n, 300n, 1000n].find((each) => {
      const ms = ((jiffies - (2n ** 32n - 300n * each)) * 1000n) / each
      return ms >= 0n && ms > fine / 1_000_000n - 2_000n && ms < fine / 1_000_000n + 2_000n
    })
    assert.ok(hz !== undefined, `${jiffies} jiffies after ${fine} ns`)
  },
}

const small: Construct = {
  name: 'get_prandom_u32 differs from call to call, get_smp_processor_id is a CPU, xdp_get_buff_len the frame’s length',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      put(p, 0, p.call('get_prandom_u32'))
      put(p, 1, p.call('get_smp_processor_id'))
      put(p, 2, p.call('xdp_get_buff_len', p.ctx))
    })
    const seen = new Set<bigint>()
    for (let i = 0; i < 4; i++) {
      it.run(blob().subarray(0, 20 + i))
      seen.add(it.got(0))
      same(it.got(2), 20 + i)
    }
    assert.ok(seen.size > 1 && [...seen].every((random) => random < 2n ** 32n))
    const cpus = readFileSync('/sys/devices/system/cpu/possible', 'utf8')
    assert.ok(it.got(1) <= BigInt(/(\d+)\s*$/.exec(cpus)![1]!))
  },
}

const functions: Construct = {
  name: 'a function of the program is called, may call another, and leaves what lives in its caller alone',
  run: (kernel) => {
    const inner = plainFunction('inner', (p) => {
      p.increment(p.element(p.memory(memory).out, 7), 1)
      p.exitValue(p.narrow(take(p, 0)))
    })
    const outer = plainFunction('outer', (p) => {
      const first = p.callSub(inner, p.ctx)
      p.exitValue(p.alu('add', p.callSub(inner, p.ctx), first))
    })
    const it = kernel.plain(
      (p) => {
        const live = [take(p, 1), take(p, 2), take(p, 3)]
        put(p, 0, p.callSub(outer, p.ctx))
        for (const [i, value] of live.entries()) put(p, 1 + i, value)
      },
      outer,
      inner,
    )
    for (let i = 0; i < 4; i++) it.give(i, BigInt(11 * (i + 1)))
    it.run()
    assert.deepEqual(
      [0, 1, 2, 3, 7].map((i) => it.got(i)),
      [22n, 22n, 33n, 44n, 2n],
    )
  },
}

const sends: Construct = {
  name: 'redirect answers XDP_REDIRECT for an interface by its index',
  run: (kernel) => {
    const outcomes = { sent: 'redirect', other: 'drop' } as const
    const it = kernel.load(
      xdpFunction('main', { outcomes, count: () => {} }, (p) => {
        p.exitIf({ op: 'jne', reg: p.call('redirect', LOOPBACK, 0).reg, operand: 4, bits: 64 }, 'other')
        p.leave('sent')
      }),
    )
    assert.equal(it.run().verdict, 4)
  },
}

const devices: Construct = {
  name: 'redirectMap answers XDP_REDIRECT where a device is, and takes the way out where none is',
  run: (kernel) => {
    const map = objectMap('devices', 'devmap', 4)
    const outcomes = { sent: 'redirect', nowhere: 'drop' } as const
    const it = kernel.load(
      xdpFunction('main', { outcomes, count: () => {} }, (p) => {
        p.redirectMap(map, p.narrow(take(p, 0)), 'nowhere')
        p.leave('sent')
      }),
    )
    assert.equal(it.run().verdict, 1)
    it.maps.get('devices')!.update(Uint8Array.of(2, 0, 0, 0), Uint8Array.of(LOOPBACK, 0, 0, 0))
    assert.equal(it.run().verdict, 1)
    it.give(0, 2n)
    assert.equal(it.run().verdict, 4)
    it.give(0, 4n)
    assert.equal(it.run().verdict, 1)
  },
}

const tails: Construct = {
  name: 'tailCall goes on with another program and does not come back; without one it takes the way out',
  run: (kernel) => {
    const programs = objectMap('programs', 'prog_array', 2)
    const other = kernel.load(plainFunction('other', (p) => p.exitValue(3)))
    for (const missing of ['label', 'block'] as const) {
      const it = kernel.load(
        plainFunction('main', (p) => {
          const behind = p.label('behind')
          put(p, 0, p.alu('add', take(p, 0), 1))
          p.tailCall(programs, p.narrow(take(p, 0)), missing === 'label' ? behind : () => p.exitValue(1))
          if (missing === 'block') return
          p.bind(behind)
          p.exitValue(1)
        }),
      )
      const fd = Buffer.alloc(4)
      fd.writeUInt32LE(other.program.fd.number)
      it.maps.get('programs')!.update(Uint8Array.of(1, 0, 0, 0), fd)
      for (const [index, verdict] of [
        [0n, 1],
        [1n, 3],
        [2n, 1],
      ] as const) {
        it.give(0, index)
        assert.equal(it.run().verdict, verdict, `index ${index}`)
        same(it.got(0), index + 1n)
      }
    }
  },
}

/** The sum of 16-bit words, little-endian as they are loaded, folded. */
function folded(sum: bigint): bigint {
  let rest = sum
  while (rest >> 16n) rest = (rest & 0xffffn) + (rest >> 16n)
  return rest
}
const words = (bytes: Uint8Array): bigint =>
  bytes.reduce((sum, octet, i) => sum + (BigInt(octet) << (i % 2 ? 8n : 0n)), 0n)

const sums: Construct = {
  name: 'csumDiff sums packet, stack and direct memory, with a seed, and takes away what was there before',
  run: (kernel) => {
    const Local = struct('local', { all: bytes(8) })
    const it = kernel.plain((p) => {
      const packet = packetBytes(p)
      const local = fields(p.onStack(Local, { all: piece(packet, 30, 8) })).all
      put(p, 0, p.csumDiff('nothing', piece(packet, 8, 20), 0))
      put(p, 1, p.csumDiff('nothing', local, p.narrow(take(p, 0))))
      put(p, 2, p.csumDiff(piece(packet, 8, 8), local, p.narrow(take(p, 0))))
      put(p, 3, p.csumDiff('nothing', p.memory(memory).text, 0))
    })
    it.give(0, 0x1234n)
    new Uint8Array(it.memory().buffer).fill(0x77, memory.type.offsets.text, memory.type.offsets.text + 32)
    it.run()
    const frame = blob()
    same(folded(it.got(0)), folded(words(frame.subarray(8, 28))))
    same(folded(it.got(1)), folded(0x1234n + words(frame.subarray(30, 38))))
    const without = words(frame.subarray(8, 16).map((octet) => ~octet))
    same(folded(it.got(2)), folded(0x1234n + without + words(frame.subarray(30, 38))))
    same(folded(it.got(3)), folded(16n * 0x7777n))
  },
}

const rings: Construct = {
  name: 'ringbufOutput hands a record of the stack or of direct memory over, and takes the way out when the ring is full',
  run: (kernel) => {
    const ring = objectMap('ring', 'ringbuf', PAGE)
    const Record = struct('record', { number: 'u64', mac: bytes(6), type: 'be16' })
    const it = kernel.load(
      plainFunction('main', (p) => {
        const packet = packetBytes(p)
        const mac = piece(packet, 0, 6)
        const record = p.onStack(Record, { number: take(p, 0), mac, type: be16(0x0800) })
        p.ringbufOutput(ring, record, () => p.exitValue(1))
        p.ringbufOutput(ring, p.memory(memory).text, () => p.exitValue(3))
        p.exitValue(2)
      }),
    )
    it.give(0, 0xabcdefn)
    new Uint8Array(it.memory().buffer).fill(0x55, memory.type.offsets.text, memory.type.offsets.text + 32)
    assert.equal(it.run().verdict, 2)
    using shared = SharedMemory.map(it.maps.get('ring')!.fd, 3 * PAGE, { writable: false })
    const view = new DataView(shared.buffer)
    const header = 8
    same(view.getBigUint64(PAGE, true), 2 * header + 16 + 32, 'what the producer has written')
    const at = 2 * PAGE
    assert.equal(view.getUint32(at, true), 16)
    same(view.getBigUint64(at + header, true), 0xabcdef)
    assert.deepEqual([...new Uint8Array(shared.buffer, at + header + 8, 8)], [1, 2, 3, 4, 5, 6, 8, 0])
    assert.equal(view.getUint32(at + header + 16, true), 32)
    assert.equal(view.getUint8(at + 2 * header + 16 + 31), 0x55)
    let runs = 1
    while (it.run().verdict === 2) runs++
    assert.equal(runs, Math.floor((PAGE - 1) / 64))
  },
}

/** question about a datagram from 192.0.2.1 to 198.51.100.7 that came in by an interface. */
function question(p: Builder, ifindex: Val<'u32'> | number): Place<typeof FibLookup> {
  const params = p.onStack(FibLookup, {
    family: AF_INET,
    l4_protocol: 17,
    sport: be16(0),
    dport: be16(0),
    tot_len: 100,
    ifindex,
    tos: 0,
    src: 'zero',
    dst: 'zero',
    h_vlan_proto: be16(0),
    h_vlan_TCI: be16(0),
    smac: 'zero',
    dmac: 'zero',
  })
  const asked = fields(params)
  p.store(part(asked.src, 0, 'be32'), be32(0xc0000201))
  p.store(part(asked.dst, 0, 'be32'), be32(0xc6336407))
  return params
}

/** lookup: for one that came in by loopback. */
const lookup = (outcome: (p: Builder) => void) =>
  plainFunction('main', (p) => {
    const params = question(p, LOOPBACK)
    p.fibLookup(params, () => p.exitValue(1))
    const asked = fields(params)
    put(p, 0, p.load(asked.ifindex))
    p.copy(piece(p.memory(memory).text, 0, 6), asked.dmac)
    outcome(p)
  })

/** fibMiss: wherever the kernel has no route, or does not forward. */
const fibMiss: Construct = {
  name: 'fibLookup takes the way out where the kernel does not forward',
  run: (kernel) => assert.equal(kernel.load(lookup((p) => p.exitValue(2))).run().verdict, 1),
}

/** fibTells: the same, asked about the interface that the frame tells. */
const fibTells: Construct = {
  name: 'a frame tells the interface that it came in by, and fibAnswer that the kernel would not forward it',
  run: (kernel) => {
    const it = kernel.load(
      plainFunction('main', (p) => {
        put(p, 0, p.ingressIfindex())
        put(p, 1, p.fibAnswer(question(p, p.ingressIfindex())))
        p.exitValue(2)
      }),
    )
    it.run()
    assert.equal(it.got(0), BigInt(LOOPBACK))
    assert.ok(![FIB.success, FIB.noNeighbour].some((each) => it.got(1) === BigInt(each)), `${it.got(1)}`)
  },
}

/** fibFinds: in a network namespace with a route and a neighbour; answers the interface's index and the MAC. */
export function fibFinds(kernel: Parameters<Construct['run']>[0]): {
  ifindex: bigint
  mac: readonly number[]
} {
  const it = kernel.load(lookup((p) => p.exitValue(2)))
  assert.equal(it.run().verdict, 2)
  return { ifindex: it.got(0), mac: [...new Uint8Array(it.memory().buffer, memory.type.offsets.text, 6)] }
}

/** callConstructs: all of them. */
export const callConstructs: readonly Construct[] = [
  clocks,
  small,
  functions,
  sends,
  devices,
  tails,
  sums,
  rings,
  fibMiss,
  fibTells,
]
