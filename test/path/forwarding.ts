// A network namespace whose kernel forwards: everything but what is for the addresses that stories know as the node's own, by a
// default route. Test runs of programs count as received by its loopback.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { KEPT } from '../../src/dataplane/vectors/kept-addresses.ts'
import { NetworkNamespace } from '../../src/sys/namespace.ts'

const ip = (text: string) => execFileSync('ip', text.split(' '))

/** enterForwarding: the calling thread is in it until it is disposed. */
export function enterForwarding(): Disposable {
  const home = NetworkNamespace.current()
  const namespace = NetworkNamespace.create()
  const leave = () => {
    home.enter()
    namespace[Symbol.dispose]()
    home[Symbol.dispose]()
  }
  try {
    namespace.enter()
    for (const family of ['ipv4', 'ipv6']) writeFileSync(`/proc/sys/net/${family}/conf/all/forwarding`, '1')
    ip('link set lo up')
    ip('link add eth0 type veth peer name peer0')
    for (const link of ['eth0', 'peer0']) ip(`link set ${link} up`)
    for (const address of KEPT) ip(`addr add ${address} dev lo`)
    ip('route add default dev eth0')
    ip('-6 route add default dev eth0')
    return { [Symbol.dispose]: leave }
  } catch (error) {
    leave()
    throw error
  }
}
