// Error codes of revisions: applying, keeping and taking back what runs.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** revisionsErrors: code -> meaning and remedy. */
export const revisionsErrors = {
  APPLY_BUSY: entry(
    'somebody is applying a file already, or what was applied waits to be confirmed',
    'wait for it (`tenbin history` says who); `tenbin confirm` keeps what waits, `tenbin rollback` takes it back',
  ),
  APPLY_FAILED: entry(
    'a node could not apply the file; all went back to what ran before',
    'mend what the message says, on the node that it names, and apply again',
  ),
  APPLY_OVER: entry('this attempt to apply something is over', 'apply again: meanwhile it was taken back'),
  CONFIRM_NOTHING: entry(
    'nothing waits to be confirmed',
    'see `tenbin history`: it was confirmed already, or taken back when its time was over',
  ),
  FILE_NOT_APPLIED: entry(
    'the file on the disk is not what runs: nobody applied it',
    '`tenbin plan` shows what it would change, `tenbin apply` applies it',
  ),
  NODES_MISSING: entry(
    'a node of the file cannot take part',
    'bring it back, or apply without it: it catches up when it is back (`tenbin apply --without NODE`)',
  ),
  REVISIONS_UNKEPT: entry(
    'what was applied cannot be kept on the disk',
    'make room in the state directory, or give the daemon another (`tenbin run --state-dir`); it is tried again by itself',
  ),
  REVISION_DAMAGED: entry(
    'this is not a whole revision',
    'apply the file again; a damaged one in the state directory may be deleted',
  ),
  REVISION_DIFFERS: entry(
    'another revision counts on a node than the one that this was made from',
    'see `tenbin status`; `tenbin sync` makes all nodes equal',
  ),
  REVISION_UNKNOWN: entry('there is no such revision', 'see `tenbin history`; the oldest are removed'),
} as const satisfies Record<string, Entry>
