// Who takes part in a change: all other nodes of the file, unless some are left out. One that is not connected, and was
// not left out, keeps a file from being applied: nobody decides for it by accident.

import { TenbinError } from '../base/errors.ts'
import type { Peers } from '../cluster/peers.ts'
import type { Participant } from './coordinator.ts'
import { participantOf } from './peer-participant.ts'

/** othersOf: as participants; `expected`: those of the file. Throws NODES_MISSING, with each of them and why. */
export function othersOf(
  peers: Peers,
  expected: readonly string[],
  without: readonly string[],
): Participant[] {
  const unheard = expected.filter((name) => !without.includes(name))
  if (peers.astray !== undefined && unheard.length > 0) {
    const detail = `${unheard.join(', ')} cannot be asked: ${peers.astray}`
    throw new TenbinError('NODES_MISSING', 'apply', { detail })
  }
  const wanted = peers.nodes().filter(({ name }) => !without.includes(name))
  const missing = wanted.filter(({ state }) => state !== 'connected')
  if (missing.length > 0) {
    const detail = missing
      .map(
        ({ name, state, why = 'no answer' }) =>
          `${name} is ${state === 'refused' ? 'refused' : 'not reachable'}: ${why}`,
      )
      .join('; ')
    throw new TenbinError('NODES_MISSING', 'apply', { detail })
  }
  return wanted.map((view) => participantOf(peers, view))
}
