// Error codes of recorded packets: filters, captures, evidence on disk.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** captureErrors: code -> meaning and remedy. */
export const captureErrors = {
  CAPTURE_UNWRITABLE: entry(
    'a capture cannot be written',
    'give -w a place that can be written to and has room; what was written before can be read',
  ),
  EVIDENCE_UNWRITABLE: entry(
    'what the recorder had when something turned bad cannot be kept on disk',
    'make room, or make the state folder writable: what waits is written then; `tenbin capture --last 2m -w FILE` has what is in memory',
  ),
  FILTER_INVALID: entry('the filter cannot be read', 'mend it at that place; see `tenbin capture --help`'),
  RECORDER_OFF: entry(
    'nothing is recorded',
    'take `recorder: off`, or `defence: off`, out of the file and apply it',
  ),
} as const satisfies Record<string, Entry>
