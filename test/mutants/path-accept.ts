// Mutants of addresses that accept only what a listener has: what is dropped, and what never is.

import { inFile, type Mutant } from './run-mutant.ts'

const accept = inFile('src/dataplane/path-accept.ts', 'vectors')
const accept6 = inFile('src/dataplane/path-accept.ts', 'vectors6')
const slow = inFile('src/dataplane/packet-path.ts', 'vectors')
const nat = inFile('src/dataplane/path-nat.ts', 'vectors')

/** acceptMutants: all of them. */
export const acceptMutants: readonly Mutant[] = [
  accept('a ping is accepted', "    'other-protocol': p.label('nobodys-protocol'),\n", ''),
  accept(
    'no address accepts a ping',
    "      guard({ family: 4, place: ip.destination })\n      p.leave('not-accepted')",
    "      p.leave('not-accepted')",
  ),
  accept6(
    'neighbour solicitations are dropped',
    'export const NEIGHBOUR = [135, 136] as const',
    'export const NEIGHBOUR = [136] as const',
  ),
  accept6(
    'whatever begins like neighbour discovery is it',
    "      p.exitIf(ne(p.load(ip.next), IPPROTO_ICMPV6), 'not-accepted')\n",
    '',
  ),
  accept6(
    'IPv6 to another host is dropped where no listener has IPv6',
    '      if (asksNotIp(shape)) otherHost(p, shape, memory, eth)\n',
    '',
  ),
  accept6(
    'IPv6 is accepted where no listener has it',
    "    ...(asksNotIp(shape) && { 'not-ip': p.label('nobodys-type') }),\n",
    '',
  ),
  slow(
    'another port is accepted on the straight path',
    "const noListener: OutcomeName | Label = nobodys?.['no-listener'] ?? 'no-listener'",
    "const noListener: OutcomeName | Label = 'no-listener'",
  ),
  nat(
    'what is no answer is accepted',
    'if (!unknown) p.exitIf(isUnknown(), passed)',
    "if (!unknown) p.exitIf(isUnknown(), 'no-listener')",
  ),
]
