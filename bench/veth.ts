// How many packets a second one core forwards on a veth pair: frames are made in the kernel as if they had come in,
// run through the wrapper (which makes each another flow) and sent back out by XDP_TX; the peer's program counts and
// drops them. `bare` is the wrapper with an empty subject that answers XDP_TX; bare and dsr run in turn, and the share
// is the median of the paired ratios. Proof: the peer counted what was sent, the packet path what it forwarded.

import { execFileSync } from 'node:child_process'
import { direct } from '../src/bpf/types.ts'
import { plainFunction, program } from '../src/bpf/xdp.ts'
import { CostMeter, median } from '../src/engine/measure.ts'
import { XdpLink } from '../src/kernel/link.ts'
import { BpfMap } from '../src/kernel/map.ts'
import { loadProgram } from '../src/kernel/program.ts'
import { KernelNetwork } from '../src/netlink/kernel-network.ts'
import { affinity, setAffinity } from '../src/sys/affinity.ts'
import { NetworkNamespace } from '../src/sys/namespace.ts'
import { fixture, summary } from './path/cost.ts'
import type { Row } from './runner/row.ts'

const FLOWS = [1, 4_096, 65_536, 1_048_576] as const
const peerMemory = direct('peer', { frames: 'u64' })

const ip = (line: string) => execFileSync('ip', line.split(' '))

/** peerProgram: count and drop. */
const peerProgram = () =>
  program(
    'peer',
    plainFunction('peer', (p) => {
      p.increment(p.memory(peerMemory).frames, 1)
      p.exitValue(1)
    }),
  )

/** Crossing: attached programs on both ends; `arrived` answers how many frames the peer has seen. */
interface Crossing extends Disposable {
  readonly ifindex: number
  readonly arrived: () => number
}

function crossing(): Crossing {
  ip('link add eth0 type veth peer name peer0')
  for (const device of ['eth0', 'peer0']) ip(`link set ${device} up`)
  using network = new KernelNetwork()
  const [near, far] = [network.getLink('eth0')!, network.getLink('peer0')!]
  const { spec } = peerProgram()
  const map = BpfMap.create(spec.maps[0]!)
  const { program: counting } = loadProgram(spec, new Map([[peerMemory.name, map]]))
  const passing = loadProgram(
    program(
      'pass',
      plainFunction('pass', (p) => p.exitValue(2)),
    ).spec,
  ).program
  const links = [
    XdpLink.attach(counting, { ifindex: far.index }, 'native'),
    XdpLink.attach(passing, { ifindex: near.index }, 'native'),
  ]
  const words = new BigUint64Array(map.memory, 0, 1)
  return {
    ifindex: near.index,
    arrived: () => Number(words[0]),
    [Symbol.dispose]() {
      for (const owned of [...links, counting, passing, map]) owned[Symbol.dispose]()
    },
  }
}

function rowsOf(
  flows: number,
  rounds: number,
  packets: number,
  { ifindex, arrived }: Crossing,
): { bare: number[]; dsr: number[]; checks: Record<string, number> } {
  const { shape, tables } = fixture(1, 1)
  using meter = new CostMeter(shape, tables)
  const mpps = (ns: number) => 1_000 / ns
  const result = { bare: [] as number[], dsr: [] as number[] }
  for (const subject of ['empty', 'path'] as const) meter.runLive(subject, packets / 10, flows, ifindex)
  const before = { arrived: arrived(), forwarded: meter.counted().forwarded }
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['empty', 'path'] as const) : (['path', 'empty'] as const)
    for (const subject of order) {
      const { ns, tx } = meter.runLive(subject, packets, flows, ifindex)
      if (tx !== packets) throw new Error(`veth: ${tx} of ${packets} frames were answered XDP_TX`)
      result[subject === 'empty' ? 'bare' : 'dsr'].push(mpps(ns))
    }
  }
  const sent = 2 * rounds * packets
  const crossed = arrived() - before.arrived
  const forwarded = meter.counted().forwarded - before.forwarded
  if (crossed < sent * 0.999) throw new Error(`veth: ${crossed} of ${sent} frames crossed`)
  if (forwarded !== rounds * packets)
    throw new Error(`veth: ${forwarded} of ${rounds * packets} frames were counted`)
  return { ...result, checks: { sent, crossed, forwarded } }
}

/** veth: the rows of bench.md for dsr. */
export async function veth({ quick }: { readonly quick: boolean }): Promise<Row[]> {
  const [cpus, home] = [affinity(), NetworkNamespace.current()]
  using namespace = NetworkNamespace.create()
  namespace.enter()
  setAffinity([cpus.at(-1)!])
  try {
    using pair = crossing()
    const [rounds, packets] = quick ? [7, 300_000] : [21, 2_000_000]
    const measured = FLOWS.map((flows) => ({ flows, ...rowsOf(flows, rounds, packets, pair) }))
    const shares = measured.flatMap(({ bare, dsr }) => dsr.map((mpps, i) => mpps / bare[i]!))
    return [
      summary(
        'veth.bare',
        'Mpps',
        measured.flatMap(({ bare }) => bare),
      ),
      ...measured.map(({ flows, dsr, checks }) => summary(`veth.dsr.${flows}`, 'Mpps', dsr, checks)),
      { ...summary('veth.dsr.share', 'of bare', shares), value: median(shares) },
    ]
  } finally {
    setAffinity(cpus)
    home.enter()
    home[Symbol.dispose]()
  }
}
