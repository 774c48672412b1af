// This machine's memory, and what an instance holds of it in the kernel.

import { readFileSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'
import { linkOf, linkPins } from '../engine/link-pins.ts'
import { possibleCpus } from '../kernel/cpus.ts'
import { PinDirectory } from '../kernel/pin.ts'
import { mapsOfProgram } from '../kernel/program-maps.ts'
import { programById } from '../kernel/query.ts'
import { type MachineMemory, meminfo } from './memory.ts'
import type { MapSize } from './preview.ts'

/** machineMemory: as it is now. */
export const machineMemory = (instance: string): MachineMemory => ({
  cpus: possibleCpus().ids,
  ...meminfo(readFileSync('/proc/meminfo', 'utf8')),
  held: heldBy(instance),
})

/** heldBy: the maps of what an instance pinned; undefined: they may not be seen. */
function heldBy(instance: string): readonly MapSize[] | undefined {
  try {
    const pins = PinDirectory.find(instance)
    if (!pins) return process.geteuid?.() === 0 ? [] : undefined
    // Programs of one generation have their maps in common.
    const sizes = new Map<number, MapSize>()
    for (const pin of linkPins(pins)) {
      using link = linkOf(pins, pin)
      using program = link && programById(link.info().programId)
      for (const map of program ? mapsOfProgram(program).values() : []) {
        const { id, name, valueSize, maxEntries } = map.info
        sizes.set(id, { name, bytes: Math.max(1, valueSize) * maxEntries })
        map[Symbol.dispose]()
      }
    }
    return [...sizes.values()]
  } catch (error) {
    // What cannot be read is told by whoever needs it.
    if (error instanceof TenbinError) return undefined
    throw error
  }
}
