// Error codes of labs: networks on one machine.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** labErrors: code -> meaning and remedy. */
export const labErrors = {
  LAB_AMBIGUOUS: entry('there is more than one lab', 'say which one with --name'),
  LAB_COMMAND_FAILED: entry(
    'a command that builds or uses the lab failed',
    'read its own words above; the lab needs veth, bridge and network namespaces in the kernel',
  ),
  LAB_EXISTS: entry(
    'a lab of this name is there already',
    'choose another name, none (one is chosen then), or remove it with `tenbin lab down --name NAME`',
  ),
  LAB_INTERRUPTED: entry('ended before it was done; the lab was removed', 'run it again'),
  LAB_IN_USE: entry(
    'a command that runs holds this lab',
    'end that command (Ctrl-C, or the pid named): it removes the lab itself',
  ),
  LAB_NODE_UNKNOWN: entry('the lab has no such node', 'see `tenbin lab status` for its nodes'),
  LAB_OPTION_INVALID: entry('a lab cannot be made like this', 'see `tenbin lab up --help`'),
  LAB_PROCESS_FAILED: entry('a process of the lab failed', 'read its last words above'),
  LAB_STATE_DAMAGED: entry(
    'what is remembered of a lab cannot be read',
    'delete the file named and run `tenbin lab down --name NAME`',
  ),
  LAB_TOOL_MISSING: entry(
    'a command that the lab is built with is not installed',
    'install the packages iproute2 and ethtool',
  ),
  LAB_UNKNOWN: entry('there is no such lab', 'see `tenbin lab status`, or make one with `tenbin lab up`'),
} as const satisfies Record<string, Entry>
