// The turn that checks through a service address take (docs/decisions/0016). Their sockets are in a network namespace of
// their own, behind a veth, because the node that holds the address would answer itself. Two programs turn their packets:
// one on the veth's end on this side sends them to the one server that each is for (turn-out.ts), the packet path of
// the interface by which the server answers takes the answers in (path-turn.ts).
//
//   namespace: socket, port 61440.. -- eth0 ==veth== checks-… -- turn-out -> NIC -> server
//                                     eth0 ==veth== checks-… <-- packet path <- NIC <- server
//
// Which port is for which server is told by a map that is pinned beside the links: a server's address for each port,
// written before the port sends anything. Where servers are is the kernel's knowledge (bpf_fib_lookup).

import { type Ip, type Mac, parseMac } from '../base/addresses.ts'
import { bytes, kernelMap, struct } from '../bpf/types.ts'
import { ipBytes } from '../wire/ipv6.ts'

/** FIRST_PORT, PORTS: source ports of checks: the last 4,096, which Linux gives to nobody by itself (ip_local_port_range). */
export const FIRST_PORT = 0xf000
export const PORTS = 0x1000
/** PORT_BITS: set in every one of them, and not all of them in any other. */
export const PORT_BITS = 0xf000

/** INNER_MAC: of the veth's end in the namespace. No switch sees it. */
export const INNER_MAC: Mac = parseMac('02:74:62:63:6b:31')

/** INNER_NAME: what the veth's end in the namespace is called there. */
export const INNER_NAME = 'eth0'

/** checkNamespace: the network namespace of an instance's checks, in /run/netns. */
export const checkNamespace = (instance: string): string => `tenbin-${instance}-checks`
/** TURNS_PIN: the map's pin, beside the links of the instance. */
export const TURNS_PIN = 'turns'

/** turns: by port - FIRST_PORT the server that packets from it go to: 16 bytes, of IPv4 the first four; zeros: nobody. */
export const turns = kernelMap(
  'turns',
  'array',
  struct('turn_port', { index: 'u32' }),
  struct('turn', { server: bytes(16) }),
  PORTS,
)

/** turnKey of a port. */
export function turnKey(port: number): Uint8Array {
  const key = Buffer.alloc(4)
  key.writeUInt32LE(port - FIRST_PORT)
  return key
}

/** turnValue of a server. */
export function turnValue(server: Ip): Uint8Array {
  const value = new Uint8Array(16)
  value.set(ipBytes(server))
  return value
}
