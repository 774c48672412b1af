// Later fragments that came before their first: the packet path hands them over by a ring, and they run through the same
// program again a moment later. By then the first has come, in nearly all cases, and the program says where to send the
// fragment; what it drops it has counted. Of what may be an answer of nat it is a copy: what passes was no answer, and the
// node's kernel has had it. Sent by a packet socket and not by a live test run (decision 0009), so that it works on
// interfaces without native XDP. Memory is bounded: by the ring, and by QUEUE here.

import { type Mac, macBytes, macFromBytes } from '../base/addresses.ts'
import type { BpfMap } from '../kernel/map.ts'
import type { BpfProgram } from '../kernel/program.ts'
import { Ring } from '../kernel/ring.ts'
import { testRun } from '../kernel/test-run.ts'
import type { Reactor, Watch } from '../sys/reactor.ts'
import { SOCK_RAW, Socket } from '../sys/socket.ts'
import { AF_PACKET, packetAddress } from '../sys/socket-address.ts'
import { SyscallError } from '../sys/syscall.ts'

/** HELD_MS: how long the first fragment has to come. */
export const HELD_MS = 20
/** QUEUE: so many fragments wait at most; more are dropped. */
const QUEUE = 1_024
/** enum xdp_action */
const XDP_TX = 3
const XDP_REDIRECT = 4

/** HeldInterface: where fragments came in, or go out. */
export interface HeldInterface {
  readonly index: number
  readonly mac: Mac
  readonly program: BpfProgram
}

/** HeldSource: what hands fragments over, and what they are run and sent by. All of it is the caller's. */
export interface HeldSource {
  readonly ring: BpfMap
  readonly interfaces: readonly HeldInterface[]
}

/** heldFrame: the frame of a record (dataplane/path-fragment.ts). */
export function heldFrame(record: Uint8Array): Uint8Array {
  const length = Number(new DataView(record.buffer, record.byteOffset).getBigUint64(0, true))
  return record.subarray(8, 8 + length)
}

/** HeldFragments: follows one source at a time. */
export class HeldFragments implements Disposable {
  readonly #reactor: Reactor
  readonly #socket = Socket.open(AF_PACKET, SOCK_RAW, 0)
  #source: HeldSource | undefined
  #ring: Ring | undefined
  #watch: Watch | undefined
  #waiting: { readonly frame: Uint8Array; readonly due: number }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(reactor: Reactor) {
    this.#reactor = reactor
  }

  /**
   * follow: from now on these; until the next call, release() or disposal, which must come before its ring is closed. What
   * waits, or is in the ring that was followed before, is run by the new ones.
   */
  follow(source: HeldSource): void {
    if (this.#ring) this.#take()
    this.#leave()
    this.#source = source
    this.#ring = new Ring(source.ring)
    // what was handed over while nobody was there is too old
    this.#ring.take()
    this.#watch = this.#reactor.watch(source.ring.fd, { readable: true }, () => this.#take(), {
      keepAlive: false,
    })
  }

  /** release: nothing is followed any more; what waits is dropped. */
  release(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting = []
    this.#leave()
  }

  /** #leave what is followed. */
  #leave(): void {
    this.#watch?.[Symbol.dispose]()
    this.#ring?.[Symbol.dispose]()
    this.#source = this.#watch = this.#ring = undefined
  }

  [Symbol.dispose](): void {
    this.release()
    this.#socket[Symbol.dispose]()
  }

  #take(): void {
    const due = performance.now() + HELD_MS
    for (const record of this.#ring!.take())
      if (this.#waiting.length < QUEUE) this.#waiting.push({ frame: heldFrame(record), due })
    if (this.#waiting.length > 0) this.#wake(HELD_MS)
  }

  #wake(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#runDue()
    }, ms).unref()
  }

  #runDue(): void {
    const now = performance.now()
    while (this.#waiting.length > 0 && this.#waiting[0]!.due <= now) this.#run(this.#waiting.shift()!.frame)
    if (this.#waiting.length > 0) this.#wake(Math.ceil(this.#waiting[0]!.due - now))
  }

  /** A frame from our own MAC is not handed over a second time. */
  #run(frame: Uint8Array): void {
    const { interfaces } = this.#source!
    // the packet path has looked for that MAC
    const nic = interfaces.find(({ mac }) => mac === macFromBytes(frame))
    if (!nic) return
    frame.set(macBytes(nic.mac), 6)
    try {
      const { verdict, packet } = testRun(nic.program, { packet: frame })
      const out = verdict === XDP_REDIRECT ? leavesBy(interfaces, nic, packet) : nic
      if (!out || (verdict !== XDP_TX && verdict !== XDP_REDIRECT)) return
      const etherType = packet.readUInt16BE(12)
      this.#socket.send(packet, packetAddress({ ifindex: out.index, etherType }))
    } catch (error) {
      // an interface that is down or gone, no memory: the fragment is lost, as on any wire
      if (!(error instanceof SyscallError)) throw error
    }
  }
}

/** leavesBy: the other interface whose MAC a frame has got: a test run does not tell where it would be sent. */
const leavesBy = (
  interfaces: readonly HeldInterface[],
  from: HeldInterface,
  frame: Uint8Array,
): HeldInterface | undefined => {
  const source = macFromBytes(frame.subarray(6))
  return interfaces.find((each) => each !== from && each.mac === source)
}
