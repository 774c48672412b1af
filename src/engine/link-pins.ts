// The names of an instance's pins: one a link, named after the NIC that it is on. A pin of any such name is looked into
// for where it really is: NICs are renamed.

import { TenbinError } from '../base/errors.ts'
import { XdpLink } from '../kernel/link.ts'
import type { PinDirectory } from '../kernel/pin.ts'

const PREFIX = 'link'

/** linkPinOf a NIC: what its link is pinned as. */
export const linkPinOf = (nic: string): string => `${PREFIX}-${nic}`

/** nicOf a pin, by its name; undefined: the name tells none. */
export const nicOf = (pin: string): string | undefined =>
  pin.startsWith(`${PREFIX}-`) ? pin.slice(PREFIX.length + 1) : undefined

/** linkPins: the names of the pins that are links'. */
export const linkPins = (pins: PinDirectory): string[] =>
  pins.names().filter((name) => name === PREFIX || nicOf(name) !== undefined)

/** linkOf a pin: owned by the caller; undefined: what has the name is no link, and only has to go. */
export function linkOf(pins: PinDirectory, name: string): XdpLink | undefined {
  try {
    const fd = pins.get(name)
    return fd && XdpLink.adopt(fd)
  } catch (error) {
    if (error instanceof TenbinError && error.code === 'BPF_OBJECT_UNEXPECTED') return undefined
    throw error
  }
}
