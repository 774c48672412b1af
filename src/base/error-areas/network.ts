// Error codes of interfaces, addresses and the ways to servers, as this machine has them.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** networkErrors: code -> meaning and remedy. */
export const networkErrors = {
  ADDRESS_ELSEWHERE: entry(
    'a service address is already on another interface of this machine',
    "remove it there, or name that interface in the address set's `on:`",
  ),
  INTERFACE_DOWN: entry(
    'the interface that forwards is down or has no carrier',
    'switch it on (ip link set dev NAME up) and look at its cable or virtual peer',
  ),
  INTERFACE_MISSING: entry(
    'an interface that the file names is not on this machine',
    'correct its name under `interfaces`, or make it appear: tenbin run waits for it',
  ),
  INTERFACE_UNSUITABLE: entry(
    'an interface that the file names cannot carry service addresses',
    'name an Ethernet interface under `interfaces`',
  ),
  MTU_DIFFERS: entry(
    'NICs that forward for each other have different MTUs: what is too long for the other is lost without a word',
    'give them one MTU, or have the servers announce a smaller MSS',
  ),
  NEIGHBOURS_CROWDED: entry(
    'the kernel has no room for all servers among its neighbours: it forgets their MACs, or does not learn them',
    'under `sysctls` set net.ipv4.neigh.default.gc_thresh2 (or ipv6) above the number of servers, and gc_thresh3 to twice that',
  ),
  PACKET_INVALID: entry(
    'these bytes are not the packet that they should be',
    'look at the sender: a capture shows what it really sent',
  ),
  SERVER_DOUBTFUL: entry(
    "a server's last known MAC is used on although the machine has lost its way to it",
    'give the interface its address and route back',
  ),
  SERVER_OFF_LINK: entry(
    "a server that dsr is to reach is not on the interface's link",
    'put it on the link, or remove it: a router would send its packets back',
  ),
  SERVER_UNREACHABLE: entry(
    'this machine has no route to a server',
    "give the interface its address, or correct the server's",
  ),
} as const satisfies Record<string, Entry>
