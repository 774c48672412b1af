// The maps that a program holds on to, found from the program itself: whoever has the program has its maps, of the
// same generation, without a pin for each. A map that the code does not name can be bound to a program so that it
// lives and is found with it. Reference: linux/bpf.h, BPF_PROG_BIND_MAP.

import { Attr, bpf } from './bpf.ts'
import type { BpfMap } from './map.ts'
import type { BpfProgram } from './program.ts'
import { mapById } from './query.ts'

/** mapsOfProgram: every map of a program, open, by name. The caller disposes them. Throws SyscallError. */
export function mapsOfProgram({ info }: BpfProgram): ReadonlyMap<string, BpfMap> {
  const maps = info.mapIds.flatMap((id) => mapById(id) ?? [])
  return new Map(maps.map((map) => [map.info.name, map]))
}

/** bindMap: the program holds on to a map that its code does not name (Linux 5.10). Throws SyscallError. */
export function bindMap(program: BpfProgram, map: BpfMap): void {
  const attr = new Attr().u32(0, program.fd.number).u32(4, map.fd.number)
  bpf('BPF_PROG_BIND_MAP', `bind map ${map.info.name} to ${program.info.name}`, attr)
}
