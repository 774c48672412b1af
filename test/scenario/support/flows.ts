// Flows that a client keeps while something happens, and what became of each: which server it is with, and what broke it.
//
//   await using held = await holdConnections(lab, { address, port, count: 200, everyMs: 50 })      // busy
//   ... a reload, a drain, a failure ...
//   assert.deepEqual(brokenOf(await held.ask('report')), [])

import type { Lab } from '../../../src/lab/held-lab.ts'
import type { ConnectionsOptions, Held } from './connections-process.ts'
import { entryOf } from './entry.ts'
import { TalkingProcess } from './talking-process.ts'
import type { UdpAnswered, UdpAskOptions } from './udp-ask-process.ts'

/** HeldFlows: flows of one process; `stop` ends it after its answer. */
export interface HeldFlows<Word extends string, Answer> extends AsyncDisposable {
  ask(word: Word | 'stop'): Promise<readonly Answer[]>
}

/**
 * holdConnections: TCP connections of a client, all open and answered once, or broken already. `ask`: each asks once;
 * `report`: nobody asks. Answers are in the order in which they were opened.
 */
export const holdConnections = (
  lab: Lab,
  options: ConnectionsOptions,
  client = 'client',
): Promise<HeldFlows<'ask' | 'report', Held>> =>
  TalkingProcess.start(lab, client, entryOf('connections-process', options))

/** holdUdpFlows: ports of a client, each of which asks on `ask` which server answers it (udp.ts: startUdpServers). */
export const holdUdpFlows = (
  lab: Lab,
  options: UdpAskOptions,
  client = 'client',
): Promise<HeldFlows<'ask', UdpAnswered>> =>
  TalkingProcess.start(lab, client, entryOf('udp-flows-process', options))

/** brokenOf: those that broke, with why. */
export const brokenOf = (flows: readonly Held[]): readonly Held[] =>
  flows.filter(({ broken }) => broken !== undefined)

/** perServer: how many flows each server has. */
export function perServer(flows: readonly { readonly server?: string }[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { server = 'nobody' } of flows) counts[server] = (counts[server] ?? 0) + 1
  return counts
}
