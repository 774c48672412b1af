// Error codes of servers: how they are looked at, and what is said of them.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** serversErrors: code -> meaning and remedy. */
export const serversErrors = {
  CHECKER_ABSENT: entry(
    'the process that looks at servers is not there',
    'it is started again by itself; what was known of servers before goes on to count',
  ),
  CHECKER_CRASHES: entry(
    'the process that looks at servers ends again and again',
    'the message has its last words, checker.log beside its socket the rest; it is started again, ever more slowly; what was known of servers goes on to count',
  ),
  CHECKS_FRUITLESS: entry(
    'looks at servers end without a finding, for a reason of this machine',
    'mend what the message says; until then these servers are taken for what they were before, new ones get nothing',
  ),
  CHECKS_OVERDUE: entry(
    'checks stand still, or begin late',
    'look at the load of this machine, and at how many scripts have to run',
  ),
  CHECKS_UNKEPT: entry('what checks found cannot be kept', 'make room under /run/tenbin; checks go on'),
  CHECK_FAILED: entry(
    'a check found its server wanting',
    'look at the server: the message says what was asked of it and what came back',
  ),
  CHECK_PORTS_SHARED: entry(
    'this machine gives ports of checks with `via: service` to its own connections, too: one to a service address of another node may fail',
    'end net.ipv4.ip_local_port_range below 61440, or write 61440-65535 to net.ipv4.ip_local_reserved_ports',
  ),
  CHECK_WAY_MISSING: entry(
    'a check that goes through a service address (`via: service`) found no way there; nothing was found out of the server',
    'the message says what is missing: what the daemon makes for such checks comes back within seconds; an address of the node on its servers’ network has to be given to it',
  ),
  GUARD_HOLDS: entry(
    'most of a pool failed at once, and is not believed: the last good set goes on serving',
    'look whether this node has lost sight of the servers; `tenbin disable` takes one out for certain',
  ),
  HEALTH_DIFFERS: entry(
    'checks of two nodes find different things of a server',
    'look at the network between that node and the server: clients whose node cannot reach it would fail',
  ),
  ORDER_REFUSED: entry(
    'a server is not in a state in which this can be done',
    'see `tenbin status`; what is said of a server is undone by the opposite command',
  ),
  OVERRIDES_DAMAGED: entry(
    'the file that keeps drains, weights and other words about servers could not be read, and was set aside',
    'say again what is to hold (drain, weight, disable), then remove the file named',
  ),
  QUORUM_LOST: entry(
    'fewer servers of a pool are up than its quorum asks for',
    'bring servers back; meanwhile its sorry servers answer, or, where none can, what is left of it',
  ),
  SCRIPT_UNUSABLE: entry(
    'a script that checks servers cannot be used',
    'put it, executable (chmod 755), where root alone can write and its user can read: /usr/local/bin',
  ),
  SERVER_UNKNOWN: entry('no such server answers for what is meant', 'name one that `tenbin status` lists'),
} as const satisfies Record<string, Entry>
