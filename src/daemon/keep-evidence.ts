// What the recorder had around something bad, kept in the state folder and on the other nodes, as the file that counts says.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Evidence } from '../capture/evidence.ts'
import { captureFacts, keptCaptures } from '../capture/evidence-files.ts'
import { receiveEvidence } from '../capture/evidence-peers.ts'
import type { Peers } from '../cluster/peers.ts'
import type { DesiredState } from '../config/state.ts'
import type { RecorderSpec } from '../engine/defence-spec.ts'
import type { EventLog } from '../events/event-log.ts'
import type { CapturesAnswer } from './api-capture.ts'
import type { Problem } from './api-schema.ts'
import type { Instance } from './instance.ts'
import type { PacketPath } from './ports.ts'
import { problem } from './problem.ts'

/** STEP_MS: how often what has been recorded is looked at while a capture runs. */
const STEP_MS = 250

/** KeptEvidence: `problems` is asked now and then. */
export interface KeptEvidence extends Disposable {
  /** follow a file: what of it is about the recorder counts from now on. */
  follow(desired: Pick<DesiredState, 'defence'>): void
  problems(): readonly Problem[]
  /** captures: those that are kept here, of this node and of others. */
  captures(): Promise<CapturesAnswer>
}

/** keepEvidence from now on; until a file is followed nothing is kept. */
export function keepEvidence(
  { captures }: Pick<Instance, 'captures'>,
  {
    events,
    packetPath,
    peers,
  }: { readonly events: EventLog; readonly packetPath: Pick<PacketPath, 'recorder'>; readonly peers: Peers },
): KeptEvidence {
  let spec: RecorderSpec | undefined
  const evidence = new Evidence({
    ...{ events, peers, folder: captures },
    recorder: () => packetPath.recorder,
    spec: () => spec,
    now: Date.now,
    monotonic: () => performance.now(),
  })
  const folderBytes = () => (spec?.disk ?? 0) / 2
  const receiving = receiveEvidence({ peers, folder: join(captures, 'nodes'), folderBytes })
  const timer = setInterval(() => evidence.step(), STEP_MS)
  return {
    follow: (desired) => {
      spec = desired.defence?.recorder
    },
    problems: () => {
      const why = evidence.unwritten()
      return why === undefined ? [] : [problem('EVIDENCE_UNWRITABLE', `captures cannot be kept: ${why}`)]
    },
    captures: () => capturesIn(captures),
    [Symbol.dispose]: () => {
      clearInterval(timer)
      receiving[Symbol.dispose]()
      evidence[Symbol.dispose]()
    },
  }
}

/** capturesIn a folder, and in those of other nodes in it. */
async function capturesIn(folder: string): Promise<CapturesAnswer> {
  const others = join(folder, 'nodes')
  const nodes = await readdir(others).catch(() => [])
  const all = await Promise.all(
    [undefined, ...nodes].map(async (node) => {
      const kept = await keptCaptures(node === undefined ? folder : join(others, node))
      return kept.map(({ name, bytes, path }) => ({
        ...captureFacts(name),
        ...(node !== undefined && { node }),
        bytes,
        path,
      }))
    }),
  )
  return { captures: all.flat().sort((a, b) => (a.began < b.began ? 1 : a.began > b.began ? -1 : 0)) }
}
