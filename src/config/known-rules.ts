// Rules that ship: signatures of floods that were seen, by name. They count until the file says `NAME: drop`.

import { TCP_FLAGS } from '../dataplane/rule.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'

const { fin, syn, rst, ack } = TCP_FLAGS

/** knownRules by name, as they are when they are observed. */
export const knownRules: ReadonlyMap<string, RuleSpec> = new Map([
  [
    // A system that opens a connection says how much it takes, and since RFC 1122 (4.2.2.6) its MSS.
    'bare-syn',
    {
      name: 'bare-syn',
      match: {
        protocol: 'tcp',
        flags: { set: syn, clear: fin | rst | ack },
        window: { first: 0, last: 0 },
        options: 'none',
      },
      action: 'count',
      record: false,
    },
  ],
])
