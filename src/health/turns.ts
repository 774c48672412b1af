// Sockets of checks that go through a service address to one server: made in the namespace of such checks, from a source
// port of their own, by which the packet path knows whose they are (dataplane/turn.ts). Its idea: nothing is held between
// looks; namespace and map are opened by name each time, so that it makes no difference who made them, and when. Ports
// are taken in turn, so that one that was given back rests longest.

import { type Ip, isIp4 } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { checkNamespace, FIRST_PORT, PORTS, TURNS_PIN, turnKey, turnValue } from '../dataplane/turn.ts'
import { BpfMap } from '../kernel/map.ts'
import { PinDirectory } from '../kernel/pin.ts'
import { openNamed } from '../sys/named-namespace.ts'
import type { Reactor } from '../sys/reactor.ts'
import { SOCK_DGRAM, Socket } from '../sys/socket.ts'
import { ipAddress, ipFamily, readIpAddress } from '../sys/socket-address.ts'
import type { SocketRoute } from '../sys/socket-route.ts'
import { isErrno, SyscallError } from '../sys/syscall.ts'
import { Claims } from './claims.ts'

/** Owner: what ends what it owns, the last one first. */
export interface Owner {
  own<Resource extends Disposable>(resource: Resource): Resource
}

/** So many ports are tried: one may linger in the kernel. */
const TRIES = 8
/** Any port: nothing is sent there. */
const DISCARD = 9

/** Turns of an instance's checks. */
export class Turns {
  readonly #instance: string
  readonly #taken = new Set<number>()
  #next = Math.floor(Math.random() * PORTS)

  /** claims: which servers answer ARP for service addresses. */
  readonly claims: Claims

  constructor(instance: string, reactor: Reactor) {
    this.#instance = instance
    this.claims = new Claims(reactor)
  }

  /**
   * open makes a socket whose packets go to a server, whatever address they are for: `make` gets the source address and
   * port, which are the owner's until it ends. Throws CHECK_WAY_MISSING, and what `make` throws.
   */
  open<Made>(owner: Owner, server: Ip, make: (route: SocketRoute) => Made): Made {
    using namespace = missing(() => openNamed(checkNamespace(this.#instance)))
    using map = this.#map()
    return namespace.run(() => {
      const source = sourceTowards(server)
      for (let tries = 0; ; tries++) {
        const port = this.#take()
        const release = () => void this.#taken.delete(port)
        try {
          map.update(turnKey(port), turnValue(server))
          const made = make({ source, port })
          owner.own({ [Symbol.dispose]: release })
          return made
        } catch (error) {
          release()
          if (!isErrno(error, 'EADDRINUSE', 'EADDRNOTAVAIL') || tries >= TRIES) throw error
        }
      }
    })
  }

  #map(): BpfMap {
    const fd = PinDirectory.find(this.#instance)?.get(TURNS_PIN)
    if (!fd) throw wayMissing(`its map is not pinned`)
    return BpfMap.adopt(fd)
  }

  #take(): number {
    if (this.#taken.size === PORTS) throw wayMissing(`all of its ${PORTS} ports are in use`)
    let index = this.#next
    while (this.#taken.has(FIRST_PORT + index)) index = (index + 1) % PORTS
    this.#next = (index + 1) % PORTS
    this.#taken.add(FIRST_PORT + index)
    return FIRST_PORT + index
  }
}

/** sourceTowards: the node's address on the network of a server; to be asked inside. */
function sourceTowards(server: Ip): Ip {
  using socket = Socket.open(ipFamily(server), SOCK_DGRAM, 0)
  try {
    socket.connect(ipAddress(server, DISCARD))
    return readIpAddress(socket.address)
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    throw wayMissing(
      `this node has no ${isIp4(server) ? 'IPv4' : 'IPv6'} address of its own beside the server's`,
    )
  }
}

function missing<Result>(open: () => Result): Result {
  try {
    return open()
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL')) throw wayMissing('its namespace is not there')
    throw error
  }
}

/** wayMissing: a failure of this machine, not of the server. */
const wayMissing = (why: string): TenbinError =>
  new TenbinError('CHECK_WAY_MISSING', 'look through the service address', {
    detail: `the way through the service address is not there: ${why}`,
  })
