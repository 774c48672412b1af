// Who has the interface that a program was to be attached to: where it is another instance of tenbin, its name says
// more than a program's id.

import { TenbinError } from '../base/errors.ts'
import { type Attached, type Attachment, attachXdp } from '../kernel/link.ts'
import { PinDirectory, pinnedInstances } from '../kernel/pin.ts'
import type { BpfProgram } from '../kernel/program.ts'
import { linkOf, linkPins } from './link-pins.ts'

/** attachOrName: attachXdp; XDP_OCCUPIED names the instance that is there, if it is one. */
export function attachOrName(program: BpfProgram, to: Attachment): Attached {
  try {
    return attachXdp(program, to)
  } catch (cause) {
    if (!(cause instanceof TenbinError) || cause.code !== 'XDP_OCCUPIED') throw cause
    const instance = pinnedInstances().find((name) => forwardsOn(name, to))
    if (instance === undefined) throw cause
    throw new TenbinError('XDP_OCCUPIED', cause.op, { cause, detail: `instance ${instance} forwards there` })
  }
}

/** An index alone may be that of another network namespace's interface. */
function forwardsOn(instance: string, { ifindex, attachedId }: Attachment): boolean {
  try {
    const pins = PinDirectory.find(instance)
    return (pins ? linkPins(pins) : []).some((name) => {
      using link = linkOf(pins!, name)
      const info = link?.info()
      return info !== undefined && info.ifindex === ifindex && info.programId === attachedId?.()
    })
  } catch (error) {
    if (error instanceof TenbinError) return false
    throw error
  }
}
