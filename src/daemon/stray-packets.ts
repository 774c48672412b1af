// Packets that this network namespace's kernel has found nobody for, by its own counters (RFC 4293, RFC 4113; net/ipv4/proc.c,
// net/ipv6/proc.c): to addresses that nobody has here, and to UDP ports where nobody listens. RSTs for TCP ports are not
// among them: the kernel counts those of its own programs' connections with them. A node that forwards for others
// (ip_forward) counts no addresses: it sends such packets on.

import { readFileSync } from 'node:fs'

/** strayPackets: how many, ever. `folder` stands in for /proc/thread-self/net. */
export function strayPackets(folder = '/proc/thread-self/net'): number {
  const four = readFileSync(`${folder}/snmp`, 'latin1')
  return (
    snmp(four, 'Ip', 'InAddrErrors') +
    snmp(four, 'Udp', 'NoPorts') +
    snmp6(`${folder}/snmp6`, ['Ip6InAddrErrors', 'Udp6NoPorts'])
  )
}

/** snmp: a line of names, then one of values, for each protocol. */
function snmp(text: string, protocol: string, name: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${protocol}: `))
  const [names, values] = lines.map((line) => line.split(' '))
  return Number(values?.[names?.indexOf(name) ?? -1] ?? 0)
}

/** snmp6: a name and its value a line; a kernel without IPv6 has no such file. */
function snmp6(path: string, names: readonly string[]): number {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return 0
  }
  return names.reduce(
    (sum, name) => sum + Number(new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(text)?.[1] ?? 0),
    0,
  )
}
