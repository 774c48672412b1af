// The memory that an interpreted program can reach: named regions with room between them, so that a pointer that
// leaves its region meets nothing and faults. Stacks remember which bytes were written; the packet is a window in
// a buffer with room on both sides, which helpers may move.
// Left out: alignment of anything but stacks and atomics, concurrent writers.

/** Headroom before a packet (XDP_PACKET_HEADROOM, linux/bpf.h), and as much behind it. */
const HEADROOM = 256
/** Bytes that must stay when a packet is cut (ETH_HLEN, linux/if_ether.h). */
const ETH_HLEN = 14

/** A region has 4 GiB of addresses for itself and lies in their middle: strays to both sides stay its own. */
const MIDDLE = 1n << 31n

/** Fault: what a program did that it must not; the interpreter adds where. */
export class Fault extends Error {}

/** Region: bytes [start, end) of `view` can be reached; offsets count from `base`. */
export interface Region {
  readonly name: string
  readonly base: bigint
  readonly view: DataView
  start: number
  end: number
  /** Stacks only: 1 for each byte that was written. */
  readonly written?: Uint8Array
}

/** Memory: what a helper gets to read, write and make regions with. Addresses are 64-bit. */
export class Memory {
  readonly #regions = new Map<bigint, Region>()
  #next = 1n
  readonly packet: Region

  constructor(packet: Uint8Array) {
    const room = new Uint8Array(HEADROOM + packet.length + HEADROOM)
    room.set(packet, HEADROOM)
    this.packet = this.add('packet', room)
    this.packet.start = HEADROOM
    this.packet.end = HEADROOM + packet.length
  }

  /** add makes a region of these very bytes and returns it; writes of the program go there. */
  add(name: string, bytes: Uint8Array, isStack = false): Region {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const base = (this.#next++ << 32n) + MIDDLE
    const region = { name, base, view, start: 0, end: bytes.length }
    const kept = isStack ? { ...region, written: new Uint8Array(bytes.length) } : region
    this.#regions.set(base >> 32n, kept)
    return kept
  }

  remove(region: Region): void {
    this.#regions.delete(region.base >> 32n)
  }

  /** name of the region that an address lies in: what a helper gets as a map is the address of an empty region. */
  name(address: bigint): string {
    const region = this.#regions.get(address >> 32n)
    if (!region) throw new Fault(`0x${address.toString(16)} is an address of nothing`)
    return region.name
  }

  read(address: bigint, length: number): Uint8Array {
    const { region, offset } = this.find(address, length, 'reads')
    return new Uint8Array(region.view.buffer, region.view.byteOffset + offset, length).slice()
  }

  write(address: bigint, bytes: Uint8Array): void {
    const { region, offset } = this.find(address, bytes.length, 'writes')
    new Uint8Array(region.view.buffer, region.view.byteOffset, region.view.byteLength).set(bytes, offset)
  }

  /** adjustPacket moves the packet's start and end by so many bytes; false, and nothing moved, without room. */
  adjustPacket(head: number, tail: number): boolean {
    const { view, start, end } = this.packet
    if (start + head < 0 || end + tail > view.byteLength || end + tail - start - head < ETH_HLEN) return false
    this.packet.start += head
    this.packet.end += tail
    return true
  }

  /** find resolves an address for an access of `length` bytes, or faults. A write to a stack is remembered. */
  find(address: bigint, length: number, does: 'reads' | 'writes'): { region: Region; offset: number } {
    const region = this.#regions.get(address >> 32n)
    const offset = Number(address & 0xffffffffn) - Number(MIDDLE)
    if (!region || offset < region.start || offset + length > region.end) {
      const place = region ? `${region.name}${signed(offset - region.start)}` : `0x${address.toString(16)}`
      throw new Fault(
        `${does} ${length} bytes at ${place}${region ? `, of ${region.end - region.start}` : ''}`,
      )
    }
    if (region.written) {
      if (does === 'writes') region.written.fill(1, offset, offset + length)
      else if (region.written.subarray(offset, offset + length).includes(0))
        throw new Fault(`reads ${length} bytes at r10${signed(offset - region.end)} that nothing has written`)
    }
    return { region, offset }
  }
}

/** signed: a number with its sign, as offsets are written. */
export const signed = (n: number): string => (n < 0 ? `${n}` : `+${n}`)
