// What a verdict is called where people read it.

import type { FloodService } from '../daemon/api-flood.ts'

/** verdictWords: a verdict in words. */
export const verdictWords: Readonly<Record<FloodService['verdict'], string>> = {
  calm: 'calm',
  busy: 'busy',
  overload: 'overload',
  'syn-flood': 'SYN flood',
  'udp-flood': 'UDP flood',
  'packet-flood': 'packet flood',
  slow: 'slow connections',
  carpet: 'carpet',
}
