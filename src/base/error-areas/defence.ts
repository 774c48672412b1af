// Error codes of defence: what is said of floods by hand.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** defenceErrors: code -> meaning and remedy. */
export const defenceErrors = {
  DEFENCE_OFF: entry(
    'the file that runs says `defence: off`',
    'take that out of the file and apply it; then rules, bans and proof of source work by hand',
  ),
  FLOOD_ORDERS_DAMAGED: entry(
    'what operators said of floods was kept in a file that is damaged',
    'look at the file that the message names, say again what still holds, and remove that file',
  ),
  FLOOD_ORDERS_MANY: entry(
    'nodes have said more of floods, all together, than a node has room for: the latest hold',
    'take back what need not hold any more (`tenbin flood`, `tenbin flood unban NETWORK`), or write many networks as a list under `deny` in the file: what has room then is heard by itself',
  ),
  FLOOD_ORDER_IDLE: entry(
    'what was said of floods by hand has no effect with the file that runs',
    'take it back (`tenbin flood remove NAME`, `tenbin flood only off`), and say it anew as it is meant now',
  ),
  FLOOD_ORDER_INVALID: entry(
    'what is to be defended by makes no sense, and nothing was changed',
    'the message says what is wrong and where; `tenbin flood add --help` and `tenbin flood ban --help` have examples',
  ),
  FLOOD_ORDER_REFUSED: entry(
    'what was said of floods was not done, and nothing was changed',
    'the message says why, and what does it',
  ),
  LIST_IDLE: entry(
    'a list of networks and the services do not go together',
    'write networks of the family that services listen on, under `allow` or `deny`, or take the list out',
  ),
  RULE_UNREACHED: entry(
    'a rule counts, limits and drops nothing, because one before it drops all that it matches',
    'write it before the other one, or take it out',
  ),
} as const satisfies Record<string, Entry>
