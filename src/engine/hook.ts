// Where the packet path hangs: a link on each interface, pinned. The link holds the program, the program its maps. A
// program is swapped for another in one step where a link is alive on the interface, and else attached by a new one in
// its place. Links on interfaces that are no longer wanted go last. Left out: what the programs are.

import { TenbinError } from '../base/errors.ts'
import { XdpLink } from '../kernel/link.ts'
import { PinDirectory } from '../kernel/pin.ts'
import type { BpfProgram } from '../kernel/program.ts'
import { programById } from '../kernel/query.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { CheckWay } from './check-way.ts'
import type { Found } from './generation.ts'
import { linkOf, linkPinOf, linkPins, nicOf } from './link-pins.ts'
import { attachOrName } from './occupant.ts'

/** Place: an interface, and the program that is there or is to be there. */
export interface Place<Program> {
  readonly name: string
  readonly index: number
  readonly program: Program
}

/** Swap: a link with its new program, the one before, and how that gets back. */
interface Swap {
  readonly pin: string
  readonly link: XdpLink
  readonly before: BpfProgram | undefined
  readonly undo: () => void
  readonly notes: string[]
}

/** Hook: all links of an instance. Owned; disposing closes their descriptors, and what is pinned goes on. */
export class Hook implements Disposable {
  readonly #instance: string
  /** By the name of the pin. */
  #links = new Map<string, XdpLink>()

  constructor(instance: string) {
    this.#instance = instance
  }

  /** open the links in hand, or the pinned ones. Throws NAMESPACE_OTHER, BPF_OBJECT_UNEXPECTED. */
  open(): void {
    const pins = PinDirectory.open(this.#instance)
    if (this.#links.size === 0) {
      pins.recover()
      for (const name of linkPins(pins)) {
        const fd = pins.get(name)
        if (fd) this.#links.set(name, XdpLink.adopt(fd))
      }
    }
    const elsewhere = [...this.#links].filter(([, link]) => isElsewhere(link))
    if (elsewhere.length === this.#links.size) refuseElsewhere(elsewhere)
    // its NIC was moved to another namespace: as if the NIC were gone
    for (const [, link] of elsewhere) link.detach()
  }

  /** programs that run on the links: owned by the caller. */
  programs(): Found[] {
    return [...this.#links.values()].flatMap((link) => {
      const { ifindex, programId } = link.info()
      const program = programById(programId)
      return program ? [{ ifindex, program }] : []
    })
  }

  /** runs: whether these programs run, each on its interface, and no other does. */
  runs(places: readonly Place<BpfProgram | undefined>[]): boolean {
    const infos = [...this.#links.values()].map((link) => link.info())
    return (
      infos.length === places.length &&
      places.every(({ index, program }) =>
        infos.some((info) => info.ifindex === index && info.programId === program?.info.id),
      )
    )
  }

  /** repin: the pins that had to be made again, because somebody took them away. */
  repin(): string[] {
    const pins = PinDirectory.open(this.#instance)
    return [...this.#links].flatMap(([name, link]) => {
      using there = pins.get(name)
      if (there) return []
      pins.replace(name, link.fd)
      return [name]
    })
  }

  /**
   * attach each program in one step, and take away links on other interfaces. Gives notes worth logging. Throws what the
   * kernel refuses; what ran before then runs again.
   */
  attach(places: readonly Place<BpfProgram>[]): string[] {
    const swaps: Swap[] = []
    try {
      for (const place of places) swaps.push(this.#swap(place))
      return [...swaps.flatMap(({ notes }) => notes), ...this.#keep(swaps)]
    } catch (error) {
      for (const swap of swaps.reverse()) swap.undo()
      throw error
    } finally {
      for (const { before } of swaps) before?.[Symbol.dispose]()
    }
  }

  /** One interface's program in the place of another, or on a new link. */
  #swap({ name, index, program }: Place<BpfProgram>): Swap {
    const pin = linkPinOf(name)
    const link = [...this.#links.values()].find((each) => each.info().ifindex === index)
    if (link) {
      const before = programById(link.info().programId)
      const undo = () => before && link.update(before)
      try {
        link.update(program)
      } catch (error) {
        before?.[Symbol.dispose]()
        throw error
      }
      return { pin, link, before, undo, notes: [] }
    }
    const options = { ifindex: index, name, attachedId: () => attachedTo(index) }
    const { link: made, mode, why } = attachOrName(program, options)
    const undo = () => {
      made.detach()
      made[Symbol.dispose]()
    }
    const notes = this.#links.has(pin) ? [`the program had been detached from ${name}: attached anew`] : []
    if (mode === 'generic') notes.push(`${name} has no native XDP (${why}): generic mode, slower`)
    return { pin, link: made, before: undefined, undo, notes }
  }

  /** Each link pinned by the name that its interface has now; the others go. */
  #keep(swaps: readonly Swap[]): string[] {
    const pins = PinDirectory.open(this.#instance)
    const kept = new Map(swaps.map(({ pin, link }) => [pin, link]))
    for (const [pin, link] of kept) if (this.#links.get(pin) !== link) pins.replace(pin, link.fd)
    const notes: string[] = []
    for (const [pin, link] of this.#links) {
      if (!kept.has(pin)) pins.unpin(pin)
      if (swaps.some((swap) => swap.link === link)) continue
      if (!kept.has(pin)) notes.push(`${nicOf(pin) ?? pin} forwards no longer`)
      if (!link.isSevered) link.detach()
      link[Symbol.dispose]()
    }
    this.#links = kept
    return notes
  }

  /** drift: what is no longer as it was attached. */
  drift(places: readonly Place<number>[]): string[] {
    const pins = PinDirectory.find(this.#instance)
    return places.flatMap(({ name, index, program }) => {
      const pin = linkPinOf(name)
      const info = this.#links.get(pin)?.info()
      const found: string[] = []
      if (!info || info.ifindex === 0) found.push(`the program is no longer attached to ${name}`)
      else if (info.ifindex !== index) found.push(`the program is attached to another interface than ${name}`)
      if (info && info.programId !== program)
        found.push(`another program (id ${info.programId}) is on our link to ${name}`)
      using pinned = pins?.get(pin)
      if (!pinned) found.push(`pin ${pin} is gone`)
      return found
    })
  }

  /** removeIfEmpty: the directory of pins, when nothing is in it. */
  removeIfEmpty(): void {
    const pins = PinDirectory.find(this.#instance)
    if (pins?.names().length === 0) pins.remove()
  }

  [Symbol.dispose](): void {
    for (const link of this.#links.values()) link[Symbol.dispose]()
    this.#links.clear()
  }
}

function attachedTo(ifindex: number): number | undefined {
  using network = new KernelNetwork()
  return network.getLink(ifindex)?.xdp[0]?.programId
}

/** isElsewhere: a link names an interface by its index, which means another interface in another network namespace. */
function isElsewhere(link: XdpLink): boolean {
  const { ifindex, programId } = link.info()
  return ifindex !== 0 && attachedTo(ifindex) !== programId
}

/** refuseElsewhere: where all links are in another namespace, it is we who are in the wrong one. */
function refuseElsewhere(links: readonly (readonly [string, XdpLink])[]): void {
  for (const [, link] of links)
    throw new TenbinError('NAMESPACE_OTHER', 'take over the packet path', {
      detail: `what is pinned forwards on interface ${link.info().ifindex} of another network namespace`,
    })
}

/** modeOf: how a program runs on an interface. */
export function modeOf(ifindex: number): 'native' | 'generic' {
  using network = new KernelNetwork()
  return network.getLink(ifindex)?.xdp[0]?.mode === 'generic' ? 'generic' : 'native'
}

/** downXdp removes an instance's links and pins, the daemon dead or alive, and says what was there. */
export function downXdp(instance: string): string[] {
  const done = new CheckWay(instance).remove()
  const pins = PinDirectory.find(instance)
  if (!pins) return done
  pins.recover()
  for (const name of linkPins(pins)) {
    using link = linkOf(pins, name)
    const { ifindex, programId } = link?.info() ?? { ifindex: 0, programId: 0 }
    if (ifindex === 0) continue
    link!.detach()
    done.push(`XDP program ${programId} from interface ${ifindex}`)
  }
  pins.remove()
  done.push(`pins of ${instance}`)
  return done
}
