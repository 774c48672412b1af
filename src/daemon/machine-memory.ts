// This machine's memory, and what an instance holds of it in the kernel.

import { readFileSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'
import { possibleCpus } from '../kernel/cpus.ts'
import { XdpLink } from '../kernel/link.ts'
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
    const fd = PinDirectory.find(instance)?.get('link')
    if (!fd) return process.geteuid?.() === 0 ? [] : undefined
    using link = XdpLink.adopt(fd)
    using program = programById(link.info().programId)
    if (!program) return []
    const maps = [...mapsOfProgram(program).values()]
    const sizes = maps.map(({ info }) => ({ name: info.name, bytes: info.valueSize * info.maxEntries }))
    for (const map of maps) map[Symbol.dispose]()
    return sizes
  } catch (error) {
    // What cannot be read is told by whoever needs it.
    if (error instanceof TenbinError) return undefined
    throw error
  }
}
