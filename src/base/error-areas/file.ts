// Error codes of the file and the forms of what is written in it and on the command line.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** fileErrors: code -> meaning and remedy. */
export const fileErrors = {
  ADDRESS_INVALID: entry('this is not a valid address', 'write IPv4 as 192.0.2.1 and IPv6 as 2001:db8::1'),
  CONFIG_INVALID: entry(
    'the file has errors',
    'mend what is listed, at file:line:column; what runs is untouched',
  ),
  CONFIG_UNREADABLE: entry(
    'the file cannot be read',
    'name a regular file that is there and that this user may read',
  ),
  DURATION_INVALID: entry('this is not a duration', 'write a number and its unit: 100ms, 3s, 15m, 1h'),
  IDS_EXHAUSTED: entry(
    'there are more servers, services or interfaces than can be told apart, together with those that were just removed',
    'if the file alone has too many, give some to another node; else apply it in two steps: first without those that go, then with those that come',
  ),
  MEMORY_SHORT: entry(
    'the file asks for more memory than this machine has for it',
    'lower `flows` under `limits`, let services share pools, or give the machine more memory',
  ),
  MEMORY_UNREACHABLE: entry(
    'the file asks for a table that is larger than a program can reach',
    'lower `flows` under `limits` (with nat at most 6,600,000), let services share pools, or have fewer servers in a pool',
  ),
  NAME_UNKNOWN: entry('nothing of the file has this name', 'look at the names in `tenbin status --all`'),
  NODE_AMBIGUOUS: entry(
    'this machine has the addresses of more than one node',
    'give each node an address that only it has',
  ),
  NODE_UNKNOWN: entry(
    "this machine has none of the nodes' addresses",
    'add this machine to `nodes` with an address of one of its interfaces',
  ),
  PATTERN_INVALID: entry(
    'this regular expression cannot be used',
    'it may have classes, groups, | and repetitions; no backreferences and no looking around',
  ),
  PROGRAM_UNBUILT: entry(
    'no packet path can be built of what the file and operators ask for',
    'the message says what is in the way; most often it is rules: have fewer, or some with fewer ports, networks and payloads',
  ),
  RANGE_INVALID: entry(
    'this is not a range',
    'write names as web01..10 and addresses as 192.168.8.11..20, the smaller end first',
  ),
  SECRET_UNUSABLE: entry(
    'a file that `notify` names for a secret or for authorities cannot be used',
    'make the file; one with a secret is read by its owner alone: chmod 600',
  ),
  SERVICE_UNKNOWN: entry('the file that runs has no such service', 'name one that `tenbin status` lists'),
  SET_UNKNOWN: entry('the file that runs has no such address set', 'name one that `tenbin status` lists'),
  WEIGHTS_SCALED: entry(
    'the weights of a pool make more turns than there is room for',
    'write smaller weights of about the same ratios: 3 and 1 for 3001 and 1000',
  ),
} as const satisfies Record<string, Entry>
