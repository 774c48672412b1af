// What the packet path remembers between packets, as the model has it: of one CPU, and on a time that whoever runs it sets.

/** PerSecond: how often something was done in a second, in which. */
interface PerSecond {
  second: number
  count: number
}

/** PacketMemory: starts as the maps do, empty. */
export class PacketMemory {
  /** Now. */
  jiffies = 0
  /** Packets whose TTL had run out. */
  readonly exceeded: PerSecond = { second: 0, count: 0 }

  /** atMost: whether one more may be in this second, which is then counted. */
  atMost(what: PerSecond, most: number, secondShift: number): boolean {
    const second = Math.floor(this.jiffies / 2 ** secondShift) >>> 0
    if (what.second !== second) Object.assign(what, { second, count: 0 })
    if (what.count >= most) return false
    what.count++
    return true
  }
}
