// Removes labs, whole or half built, from what is remembered and from what is found: processes first, then what tenbin
// pinned, then namespaces with all that is in them, the state last. Every step is content with finding nothing,
// so it can be run again after a crash in its middle. Both functions want the lock.

import { PinDirectory } from '../kernel/pin.ts'
import { namespacePath } from '../sys/named-namespace.ts'
import { networkDown } from './network.ts'
import { endProcesses, isAlive, type ProcessId, processesIn } from './processes.ts'
import { forget, isLeftover, labNamespaces, recallAll, recallReadable } from './state.ts'
import { instanceName, namespacePrefix } from './topology.ts'

/** ROUNDS: how often processes are looked for; what one of them started meanwhile is found in the next. */
const ROUNDS = 10

/** sweep removes all leftovers of all labs; returns their names. */
export async function sweep(): Promise<string[]> {
  const leftovers = recallAll()
    .filter(isLeftover)
    .map(({ topology }) => topology.lab)
  for (const lab of leftovers) await wipe(lab)
  return leftovers
}

/** wipe removes everything of one lab. `keepState`: but for what is remembered of it, and its directory. */
export async function wipe(lab: string, { keepState = false } = {}): Promise<void> {
  const namespaces = labNamespaces(lab)
  const state = recallReadable(lab)
  // A daemon starts others again as they end, until it has ended itself.
  for (let round = 0; round < ROUNDS; round++) {
    const found = processesIn(namespaces.map(namespacePath))
    const recorded = (state?.processes ?? []).filter(isAlive)
    if (found.length + recorded.length === 0) break
    await endProcesses(unique([...found, ...recorded]))
  }
  const prefix = namespacePrefix(lab)
  const nodes = [
    ...namespaces.map((name) => name.slice(prefix.length)),
    ...(state?.topology.nodes ?? []).map((n) => n.name),
  ]
  for (const node of new Set(nodes)) PinDirectory.find(instanceName(lab, node))?.remove()
  networkDown(lab)
  if (!keepState) forget(lab)
}

const unique = (processes: readonly ProcessId[]): ProcessId[] => [
  ...new Map(processes.map((one) => [one.pid, one])).values(),
]
