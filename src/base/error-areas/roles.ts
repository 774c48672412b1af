// Error codes of roles: VRRP, and who of several nodes is active.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** rolesErrors: code -> meaning and remedy. */
export const rolesErrors = {
  ROLE_FAULT: entry(
    'this node may not be active for an address set',
    'mend what the message names; the other nodes hold the addresses meanwhile, if one of them may',
  ),
  ROLE_REFUSED: entry(
    'roles cannot be moved so',
    'see `tenbin status` on each node; the message says what stands in the way',
  ),
  ROUTE_REFUSED: entry(
    'a route of an address set cannot be made',
    'mend what the message names: it is tried again with each renewal of the addresses, which are not in doubt',
  ),
  SPLIT_BRAIN: entry(
    'two nodes are active for the same address set',
    'look at the network between them: adverts (IP protocol 112, multicast 224.0.0.18 or ff02::12) must pass both ways, and be taken: where the message says that they are refused, mend that',
  ),
  VRRP_ABSENT: entry(
    'the process that has roles cannot be reached',
    'it is started again by itself; under systemd see `systemctl status tenbin-vrrp`; the other nodes take over meanwhile',
  ),
  VRRP_ADDRESS_FIXED: entry('an address that moves is fixed here', 'remove it: two nodes answer for it'),
  VRRP_COUNTER_INVALID: entry(
    'the counter that keeps recorded adverts from being heard again is damaged',
    'write into the file named a number above all that it ever had, such as the seconds since 1970',
  ),
  VRRP_COUNTER_UNKEPT: entry(
    'the counter that keeps recorded adverts from being heard again cannot be kept',
    'see that its folder can be written to and has room: it is tried again every 5 s',
  ),
  VRRP_CRASHES: entry(
    'the process that has roles ends again and again',
    'read its last words, and report them as a bug; the other nodes hold the addresses meanwhile',
  ),
  VRRP_SECRET_INVALID: entry(
    'a password or key of an address set cannot be used',
    'make the file named readable for root; a key has at least 32 bytes, such as `head -c 32 /dev/urandom > KEY.new` gives; write it beside the file, then `mv` it there',
  ),
  VRRP_SIGNED: entry(
    'adverts are signed, which only tenbin does',
    'leave `auth` out where a node of the virtual router is something else, such as keepalived',
  ),
  VRRP_UNSOURCED: entry(
    'a node has no address that its adverts can come from',
    'give the NIC an address of its own, or correct `unicast`: until then the node has no role',
  ),
} as const satisfies Record<string, Entry>
