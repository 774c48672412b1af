// The packet path is told for which virtual routers this node is active: it takes frames to their MACs then. The word is in
// a map of the program that runs on the NIC (dataplane/virtual-mac.ts), so main is not needed for it.

import { ROLES, type VirtualRouterId, virtualMacOf } from '../dataplane/virtual-mac.ts'
import { linkOf, linkPins } from '../engine/link-pins.ts'
import { PinDirectory } from '../kernel/pin.ts'
import { mapsOfProgram } from '../kernel/program-maps.ts'
import { programById } from '../kernel/query.ts'

/** tellPacketPath of an instance; false: none with such a map is on the NIC now. Throws as the kernel refuses. */
export function tellPacketPath(instance: string, router: VirtualRouterId, isActive: boolean): boolean {
  const pins = PinDirectory.find(instance)
  const programId =
    pins &&
    linkPins(pins)
      .map((name) => programOn(pins, name, router.ifindex))
      .find(Boolean)
  using program = programId === undefined ? undefined : programById(programId)
  if (!program) return false
  const maps = mapsOfProgram(program)
  try {
    const roles = maps.get(ROLES.name)
    if (!roles) return false
    const words = new Uint32Array(roles.memory)
    const { at, active } = virtualMacOf(router)
    // somebody else's word is not ours to clear
    if (isActive) words[at] = active
    else if (words[at] === active) words[at] = 0
    return true
  } finally {
    for (const map of maps.values()) map[Symbol.dispose]()
  }
}

/** programOn: the id of the program that a pinned link has on a NIC. */
function programOn(pins: PinDirectory, pin: string, ifindex: number): number | undefined {
  using link = linkOf(pins, pin)
  const info = link?.info()
  return info?.ifindex === ifindex ? info.programId : undefined
}
