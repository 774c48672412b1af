// Where other nodes come in: the door on this node's addresses, and the reception behind it. Another address or port opens
// another door; who is in stays in, unless he is no node any more.

import { type Endpoint, formatEndpoint, type Ip } from '../base/addresses.ts'
import { Door, type Turned } from './door.ts'
import { Reception, type ReceptionOptions } from './reception.ts'

export class Hall implements Disposable {
  readonly #reception: Reception
  #door: Door | undefined
  #known: ReadonlySet<Ip> = new Set()

  constructor(options: ReceptionOptions) {
    this.#reception = new Reception(options)
  }

  /** open at these addresses, for nodes that have those; whose name `isNode` does not know goes. */
  open(at: readonly Endpoint[], addresses: readonly Ip[], isNode: (name: string) => boolean): void {
    this.#known = new Set(addresses)
    this.#reception.part(({ node }) => !isNode(node))
    if (this.#door && textOf(this.#door.at) === textOf(at)) return
    this.#door?.[Symbol.dispose]()
    this.#door = new Door({
      at,
      isNode: (address) => this.#known.has(address),
      admit: (socket) => this.#reception.admit(socket),
    })
  }

  /** identify: this node shows, and trusts, something else from now on. */
  identify(): void {
    this.#reception.identify()
  }

  faults(): readonly string[] {
    return this.#door?.faults() ?? []
  }

  get turned(): Turned {
    return this.#door?.turned ?? { strangers: 0, tooMany: 0 }
  }

  [Symbol.dispose](): void {
    this.#door?.[Symbol.dispose]()
    this.#reception[Symbol.dispose]()
  }
}

const textOf = (at: readonly Endpoint[]): string => at.map(formatEndpoint).join()
