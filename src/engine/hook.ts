// Where the packet path hangs: one link, pinned. The link holds the program, the program its maps. A program is swapped
// for another in one step where the link is alive on the interface, and else attached by a new one in its place. Left
// out: what the programs are.

import { TenbinError } from '../base/errors.ts'
import { XdpLink } from '../kernel/link.ts'
import { PinDirectory } from '../kernel/pin.ts'
import type { BpfProgram } from '../kernel/program.ts'
import { programById } from '../kernel/query.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { attachOrName } from './occupant.ts'

const LINK_PIN = 'link'

/** Hook: owned; disposing closes the link's descriptor, and what is pinned goes on. */
export class Hook implements Disposable {
  readonly #instance: string
  #link: XdpLink | undefined

  constructor(instance: string) {
    this.#instance = instance
  }

  /** open the link in hand, or the pinned one. Throws NAMESPACE_OTHER, BPF_OBJECT_UNEXPECTED. */
  open(): void {
    const pins = PinDirectory.open(this.#instance)
    if (!this.#link) {
      pins.recover(LINK_PIN)
      const fd = pins.get(LINK_PIN)
      this.#link = fd && XdpLink.adopt(fd)
    }
    if (this.#link) refuseElsewhere(this.#link)
  }

  /** program that runs on the link: owned by the caller; undefined: none does. */
  program(): BpfProgram | undefined {
    return this.#link && programById(this.#link.info().programId)
  }

  /** runs: whether it is this program that runs on this interface. */
  runs(programId: number, ifindex: number): boolean {
    const info = this.#link?.info()
    return info?.programId === programId && info.ifindex === ifindex
  }

  /** repin: whether the pin had to be made again, because somebody took it away. */
  repin(): boolean {
    const pins = PinDirectory.open(this.#instance)
    using there = pins.get(LINK_PIN)
    if (there) return false
    pins.replace(LINK_PIN, this.#link!.fd)
    return true
  }

  /** attach in one step. Gives notes worth logging. Throws what the kernel refuses; what ran before still runs then. */
  attach(program: BpfProgram, { name, index }: { readonly name: string; readonly index: number }): string[] {
    const link = this.#link
    const at = link?.info().ifindex
    if (link && at === index) {
      link.update(program)
      return []
    }
    const notes: string[] = []
    const options = { ifindex: index, name, attachedId: () => attachedTo(index) }
    const { link: made, mode, why } = attachOrName(program, options)
    try {
      PinDirectory.open(this.#instance).replace(LINK_PIN, made.fd)
    } catch (error) {
      made[Symbol.dispose]()
      throw error
    }
    if (mode === 'generic') notes.push(`${name} has no native XDP (${why}): generic mode, slower`)
    if (link) {
      notes.push(at === 0 ? `the program had been detached from ${name}: attached anew` : `moved to ${name}`)
      link[Symbol.dispose]()
    }
    this.#link = made
    return notes
  }

  /** drift: what is no longer as it was attached. */
  drift(programId: number, { name, index }: { readonly name: string; readonly index: number }): string[] {
    const found: string[] = []
    const info = this.#link!.info()
    if (info.ifindex === 0) found.push(`the program is no longer attached to ${name}`)
    else if (info.ifindex !== index) found.push(`the program is attached to another interface than ${name}`)
    if (info.programId !== programId) found.push(`another program (id ${info.programId}) is on our link`)
    const pin = PinDirectory.find(this.#instance)
    using pinned = pin?.get(LINK_PIN)
    if (!pinned) found.push(`pin ${LINK_PIN} is gone`)
    return found
  }

  /** removeIfEmpty: the directory of pins, when nothing is in it. */
  removeIfEmpty(): void {
    const pins = PinDirectory.find(this.#instance)
    if (pins?.names().length === 0) pins.remove()
  }

  [Symbol.dispose](): void {
    this.#link?.[Symbol.dispose]()
    this.#link = undefined
  }
}

function attachedTo(ifindex: number): number | undefined {
  using network = new KernelNetwork()
  return network.getLink(ifindex)?.xdp[0]?.programId
}

/** A link names an interface by its index, which means another interface in another network namespace. */
function refuseElsewhere(link: XdpLink): void {
  const { ifindex, programId } = link.info()
  if (ifindex === 0 || attachedTo(ifindex) === programId) return
  throw new TenbinError('NAMESPACE_OTHER', 'take over the packet path', {
    detail: `what is pinned forwards on interface ${ifindex} of another network namespace`,
  })
}

/** modeOf: how a program runs on an interface. */
export function modeOf(ifindex: number): 'native' | 'generic' {
  using network = new KernelNetwork()
  return network.getLink(ifindex)?.xdp[0]?.mode === 'generic' ? 'generic' : 'native'
}

/** downXdp removes an instance's link and pins, the daemon dead or alive, and says what was there. */
export function downXdp(instance: string): string[] {
  const pins = PinDirectory.find(instance)
  if (!pins) return []
  const done: string[] = []
  pins.recover(LINK_PIN)
  using link = linkOf(pins)
  const { ifindex, programId } = link?.info() ?? { ifindex: 0, programId: 0 }
  if (ifindex !== 0) {
    link!.detach()
    done.push(`XDP program ${programId} from interface ${ifindex}`)
  }
  pins.remove()
  done.push(`pins of ${instance}`)
  return done
}

/** The pinned link; what has its name and is none only has to go. */
function linkOf(pins: PinDirectory): XdpLink | undefined {
  try {
    const fd = pins.get(LINK_PIN)
    return fd && XdpLink.adopt(fd)
  } catch (error) {
    if (error instanceof TenbinError && error.code === 'BPF_OBJECT_UNEXPECTED') return undefined
    throw error
  }
}
