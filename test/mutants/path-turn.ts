// Mutants of answers to checks through a service address: what is one, and what becomes of it.

import { inFile, type Mutant } from './run-mutant.ts'

const turn = inFile('src/dataplane/path-turn.ts', 'vectors')
const turn6 = inFile('src/dataplane/path-turn.ts', 'vectors6')
const path = inFile('src/dataplane/packet-path.ts', 'vectors')
/** What is left out is not done. */
const removed = ''

/** turnMutants: all of them. */
export const turnMutants: readonly Mutant[] = [
  turn('IP options are no matter', '      p.jumpIf(ne(p.load(ip.versionIhl), 0x45), none)\n', removed),
  turn(
    'fragments are answers',
    '      p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), none)\n',
    removed,
  ),
  turn(
    'any port is a check’s',
    "      p.jumpIf(ne(p.alu('and', port, PORT_BITS), PORT_BITS), none)\n",
    removed,
  ),
  turn(
    'one bit makes a check’s port',
    "ne(p.alu('and', port, PORT_BITS), PORT_BITS)",
    "eq(p.alu('and', port, PORT_BITS), 0)",
  ),
  turn('any address is the node’s', '      isOneOf(p, own, destination, none)\n', removed),
  turn(
    'the node has one address',
    'for (const address of addresses) {',
    'for (const address of addresses.slice(0, 1)) {',
  ),
  turn('anybody’s answer is a check’s', '      matchAddress(p, shape, memory, source, none)\n', removed),
  turn(
    'the frame stays addressed to the node',
    "    p.store(part(whole.dst, 0, 'u32'), macWord(INNER_MAC, 0))\n",
    removed,
  ),
  turn('its MAC’s end stays', "    p.store(part(whole.dst, 4, 'u16'), macWord(INNER_MAC, 4))\n", removed),
  turn6(
    'an IPv6 address is its first word',
    'wordsOfAddress(address).entries()',
    'wordsOfAddress(address).slice(0, 1).entries()',
  ),
  turn6('extension headers are no matter', '      guardProtocol(p, shape, protocol, none)\n', removed),
  path(
    'what took the slow path is no answer',
    '{ unserved: first?.slow, nobodys, remember }',
    '{ unserved: unserved?.slow, nobodys, remember }',
  ),
]
