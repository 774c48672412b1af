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
  /** forwards: whether the node's kernel would forward what is for this address, given in bytes. */
  forwards: (destination: Uint8Array) => boolean = () => false
  /** Packets whose TTL had run out. */
  readonly exceeded: PerSecond = { second: 0, count: 0 }

  /** Later fragments that came before their first. */
  readonly held: PerSecond = { second: 0, count: 0 }
  /** By bucket, the newest first. */
  readonly #fragments = new Map<
    number,
    { readonly print: number; readonly tick: number; readonly ports: number }[]
  >()

  /** remember a first fragment's ports. */
  remember(hash: number, ports: number, tick: number): void {
    const others = this.#fragments.get(hash >>> 20) ?? []
    this.#fragments.set(hash >>> 20, [{ print: hash & 0xffffff, tick, ports }, ...others].slice(0, 2))
  }

  /** recall them; 0: there are none, or they are too old. */
  recall(hash: number, tick: number): number {
    const others = this.#fragments.get(hash >>> 20) ?? []
    const found = others.find((one) => one.print === (hash & 0xffffff) && ((tick - one.tick) & 0xff) <= 32)
    return found?.ports ?? 0
  }

  /** forget: no fragment has come. */
  forget(): void {
    this.#fragments.clear()
  }

  /** atMost: whether one more may be in this second, which is then counted. */
  atMost(what: PerSecond, most: number, secondShift: number): boolean {
    const second = Math.floor(this.jiffies / 2 ** secondShift) >>> 0
    if (what.second !== second) Object.assign(what, { second, count: 0 })
    if (what.count >= most) return false
    what.count++
    return true
  }
}
