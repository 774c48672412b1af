// Whether the packet path of this node is there and answers, as vrrp itself sees it: the pinned link is on the NIC, holds a
// program, and that passes a frame that is nobody's. Its idea: main may be dead and its word old; addresses must not be on a
// node whose packets nobody balances. The program is asked each time;
// the link more rarely, since that takes the kernel's lock of links (rtnl). Left out: whether it balances right, which is the
// daemon's to see to.

import { TenbinError } from '../base/errors.ts'
import { linkOf, linkPins } from '../engine/link-pins.ts'
import { PinDirectory } from '../kernel/pin.ts'
import type { BpfProgram } from '../kernel/program.ts'
import { programById } from '../kernel/query.ts'
import { testRun } from '../kernel/test-run.ts'
import { arp, ether, packet } from '../wire/packet.ts'

/** enum xdp_action (linux/bpf.h) */
const XDP_PASS = 2
/** An announcement of nobody's, to nobody: every packet path passes ARP. */
const PROBE = packet(ether({ destination: '02:00:00:00:00:fd', source: '02:00:00:00:00:fe' }), arp())
/** LINK_MS: a program that answers is taken for the one of the link for so long. */
const LINK_MS = 2000

/** Seen: `text` says what is wrong, or that nothing is. */
export interface Seen {
  readonly isUp: boolean
  readonly text: string
}

interface Known {
  readonly program: BpfProgram
  readonly at: number
}

/** PacketPathLook: owns the programs that it found. `instance`: whose pins. */
export class PacketPathLook implements Disposable {
  readonly #instance: string
  /** By NIC. */
  readonly #known = new Map<number, Known>()

  constructor(instance: string) {
    this.#instance = instance
  }

  get instance(): string {
    return this.#instance
  }

  /** look at it on a NIC, at `now`. Never throws. */
  look(nic: { readonly name: string; readonly index: number }, now: number): Seen {
    try {
      if (this.#answers(nic.index, now)) return { isUp: true, text: 'the packet path answers' }
      return { isUp: false, text: `the packet path on ${nic.name} does not run` }
    } catch (error) {
      this.#forget(nic.index)
      if (!(error instanceof TenbinError) && (error as NodeJS.ErrnoException).code === undefined) throw error
      return { isUp: false, text: (error as Error).message }
    }
  }

  [Symbol.dispose](): void {
    for (const ifindex of [...this.#known.keys()]) this.#forget(ifindex)
  }

  #answers(ifindex: number, now: number): boolean {
    const known = this.#known.get(ifindex)
    if (known && now < known.at + LINK_MS) return passes(known.program, ifindex)
    this.#forget(ifindex)
    const program = programOn(this.#instance, ifindex)
    if (!program) return false
    this.#known.set(ifindex, { program, at: now })
    return passes(program, ifindex)
  }

  #forget(ifindex: number): void {
    this.#known.get(ifindex)?.program[Symbol.dispose]()
    this.#known.delete(ifindex)
  }
}

const passes = (program: BpfProgram, ingressIfindex: number): boolean =>
  testRun(program, { packet: PROBE, ingressIfindex }).verdict === XDP_PASS

/** programOn a NIC, by the instance's pinned link; owned by the caller. */
function programOn(instance: string, ifindex: number): BpfProgram | undefined {
  const pins = PinDirectory.find(instance)
  for (const name of pins ? linkPins(pins) : []) {
    using link = linkOf(pins!, name)
    const info = link?.info()
    if (info?.ifindex === ifindex) return programById(info.programId)
  }
  return undefined
}
