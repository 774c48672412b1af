// A port of the lab's switch, put down and up by rtnetlink itself (linux/rtnetlink.h): starting ip(8) on a busy machine takes
// longer than a failover at 10 ms.

import type { Lab } from '../../src/lab/held-lab.ts'
import { Connection } from '../../src/netlink/connection.ts'
import { getLink, RTM_NEWLINK } from '../../src/netlink/links.ts'
import { openTransport } from '../../src/netlink/route-socket.ts'
import { openNamed } from '../../src/sys/named-namespace.ts'

const [IFINFOMSG, IFF_UP] = [16, 1]

export class Port implements Disposable {
  readonly #connection: Connection
  readonly #index: number

  /** The one that leads to a node. Throws SyscallError. */
  constructor({ topology }: Lab, node: string) {
    using place = openNamed(topology.switch.namespace)
    this.#connection = place.run(() => new Connection(openTransport()))
    this.#index = getLink(this.#connection, node)!.index
  }

  /** set: up, or down. Throws NetlinkError. */
  set(isUp: boolean): void {
    const request = Buffer.alloc(IFINFOMSG)
    request.writeInt32LE(this.#index, 4)
    request.writeUInt32LE(isUp ? IFF_UP : 0, 8)
    request.writeUInt32LE(IFF_UP, 12)
    this.#connection.request('set port', RTM_NEWLINK, 0, request)
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]()
  }
}
