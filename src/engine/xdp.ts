// The engine that forwards by a generated XDP program. Everything hangs on one pin, the link: it holds the program,
// the program its maps, one of them says what they mean. So a swap of the program swaps all of it in one step, and
// a new daemon finds either the old generation or the new one, never parts of both.
//
//   /sys/fs/bpf/tenbin/<instance>/link -> link -> program -> tables, slots, counters, meta

import { type Endpoint, formatIp, type Mac, macFromBytes, type Protocol } from '../base/addresses.ts'
import { invariant, TenbinError } from '../base/errors.ts'
import { listing as listProgram } from '../bpf/listing.ts'
import { memoryBytes } from '../dataplane/memory.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import { possibleCpus } from '../kernel/cpus.ts'
import { XdpLink } from '../kernel/link.ts'
import { ensureBpffs, PinDirectory } from '../kernel/pin.ts'
import { programById } from '../kernel/query.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import type { Reactor } from '../sys/reactor.ts'
import { Assignment } from './assignment.ts'
import { readTotals, writeCarry } from './counters.ts'
import type { Applied, Engine, EngineSpec, EngineStatus, Neighbour, Trace } from './engine.ts'
import { Generation, type Prepared, prepare } from './generation.ts'
import { HeldFragments } from './held-fragments.ts'
import { attachOrName } from './occupant.ts'
import { planOf } from './plan.ts'
import { trace } from './trace.ts'

const LINK_PIN = 'link'

/** XdpOptions: `keys` are used where nothing pinned has its own. */
export interface XdpOptions {
  readonly instance: string
  readonly keys: BigUint64Array
  /** Waits for fragments that came before their first; without it they are dropped. */
  readonly reactor?: Reactor
}

/** Live: what is applied and attached. */
interface Live {
  readonly prepared: Prepared
  readonly generation: Generation
  readonly assignment: Assignment
}

export class XdpEngine implements Engine {
  readonly #instance: string
  readonly #ownKeys: BigUint64Array
  readonly #neighbours = new Map<string, Neighbour>()
  readonly #held: HeldFragments | undefined
  #link: XdpLink | undefined
  #live: Live | undefined

  constructor({ instance, keys, reactor }: XdpOptions) {
    invariant(keys.length === HASH_KEYS, `${keys.length} hash keys`)
    this.#instance = instance
    this.#ownKeys = keys
    this.#held = reactor && new HeldFragments(reactor)
  }

  /** keys: the hash key in use: the pinned one where there was one. */
  get keys(): BigUint64Array {
    return this.#live?.prepared.keys ?? this.#ownKeys
  }

  apply(spec: EngineSpec, neighbours: ReadonlyMap<string, Neighbour>): Applied {
    const notes: string[] = []
    if (ensureBpffs()) notes.push('bpffs was not mounted at /sys/fs/bpf: mounted')
    const pins = PinDirectory.open(this.#instance)
    const link = this.#openLink(pins)
    if (link) refuseElsewhere(link)
    const before = this.#live?.generation ?? this.#adopt(link, notes)
    try {
      const keys = this.#live?.prepared.keys ?? keysOf(before) ?? this.#ownKeys
      const prepared = prepare(planOf(spec, possibleCpus().ids, this.#live?.prepared.plan), keys)
      const macOf = macsOf(spec, neighbours, before)
      const attached = link?.info()
      const isSame =
        before?.meta?.fingerprint === prepared.fingerprint && attached?.ifindex === spec.interface.index
      if (before && isSame && attached.programId === before.program.info.id) {
        if (this.#repin(pins, link!)) notes.push(`pin ${LINK_PIN} was gone: pinned anew`)
        return this.#takeOver(before, prepared, neighbours, macOf, notes)
      }
      return this.#replace(before, link, pins, prepared, neighbours, macOf, notes)
    } catch (error) {
      if (before && before !== this.#live?.generation) before[Symbol.dispose]()
      if (!this.#live && pins.names().length === 0) pins.remove()
      throw error
    }
  }

  setNeighbour(server: string, neighbour: Neighbour): void {
    const { prepared, generation, assignment } = this.#applied()
    const id = prepared.plan.servers.indexOf(server)
    if (id <= 0) return
    const was = this.#neighbours.get(server)
    this.#neighbours.set(server, neighbour)
    const mac = 'mac' in neighbour ? neighbour.mac : undefined
    if (mac) generation.storeServer(prepared, id, mac)
    if ((was !== undefined && 'mac' in was) !== (mac !== undefined)) assignment.follow(id)
    if (!mac) generation.storeServer(prepared, id, undefined)
  }

  status(): EngineStatus {
    const { prepared, generation, assignment } = this.#applied()
    const { plan } = prepared
    const meta = generation.meta!
    const totals = readTotals(generation.maps.counters, meta)
    const held = assignment.held()
    const none = { packets: 0n, bytes: 0n }
    return {
      engine: 'xdp',
      mode: this.#mode(plan.spec.interface.index),
      program: {
        id: generation.program.info.id,
        instructions: generation.program.info.instructions,
        loadMs: meta.loadMs,
        generation: meta.generation,
      },
      memoryBytes: memoryBytes(prepared.layout.memory),
      outcomes: Object.fromEntries(totals.outcomes),
      services: plan.services.map(({ name }) => ({ name, ...(totals.services.get(name) ?? none) })),
      servers: plan.servers.slice(1).map((name, at) => {
        const { slots, of } = held.get(at + 1) ?? { slots: 0, of: 0 }
        return {
          name,
          neighbour: this.#neighbourOf(name),
          share: of === 0 ? 0 : slots / of,
          ...(totals.servers.get(name) ?? none),
        }
      }),
    }
  }

  trace(client: Endpoint, listener: Endpoint, protocol: Protocol = 'tcp'): Trace {
    const { prepared, assignment } = this.#applied()
    const { plan, keys } = prepared
    return trace(
      { plan, keys, assignment, neighbourOf: (server) => this.#neighbourOf(server) },
      client,
      listener,
      protocol,
    )
  }

  /** drift: what is no longer as apply left it; empty = nothing. apply() with the same spec repairs it. */
  drift(): readonly string[] {
    const { prepared, generation } = this.#applied()
    const found: string[] = []
    const info = this.#link!.info()
    const { name, index } = prepared.plan.spec.interface
    if (info.ifindex === 0) found.push(`the program is no longer attached to ${name}`)
    else if (info.ifindex !== index) found.push(`the program is attached to another interface than ${name}`)
    if (info.programId !== generation.program.info.id)
      found.push(`another program (id ${info.programId}) is on our link`)
    const pin = PinDirectory.find(this.#instance)
    using pinned = pin?.get(LINK_PIN)
    if (!pinned) found.push(`pin ${LINK_PIN} is gone`)
    return found
  }

  /** listing: the program of the last apply with its source lines. */
  listing(): readonly string[] {
    return listProgram(this.#applied().prepared.built.assembled).split('\n')
  }

  [Symbol.dispose](): void {
    this.#held?.[Symbol.dispose]()
    this.#live?.generation[Symbol.dispose]()
    this.#live = undefined
    this.#link?.[Symbol.dispose]()
    this.#link = undefined
  }

  #applied(): Live {
    invariant(this.#live, 'the engine was asked before anything was applied')
    return this.#live
  }

  #neighbourOf(server: string): Neighbour {
    return this.#neighbours.get(server) ?? { why: 'not resolved yet' }
  }

  /** The link in hand, or the pinned one; undefined where there is none. */
  #openLink(pins: PinDirectory): XdpLink | undefined {
    if (this.#link) return this.#link
    pins.recover(LINK_PIN)
    const fd = pins.get(LINK_PIN)
    this.#link = fd && XdpLink.adopt(fd)
    return this.#link
  }

  /** Whether the pin had to be made again, because somebody took it away. */
  #repin(pins: PinDirectory, link: XdpLink): boolean {
    using there = pins.get(LINK_PIN)
    if (there) return false
    pins.replace(LINK_PIN, link.fd)
    return true
  }

  /** The generation that runs on a link found pinned. */
  #adopt(link: XdpLink | undefined, notes: string[]): Generation | undefined {
    const program = link && programById(link.info().programId)
    if (!program) return undefined
    let generation: Generation
    try {
      generation = Generation.adopt(program)
    } catch (error) {
      program[Symbol.dispose]()
      throw error
    }
    if (!generation.meta)
      notes.push(`what was pinned is of another format: replaced in one step, its counters start anew`)
    return generation
  }

  #takeOver(
    generation: Generation,
    prepared: Prepared,
    neighbours: ReadonlyMap<string, Neighbour>,
    macOf: (server: string) => Mac | undefined,
    notes: readonly string[],
  ): Applied {
    const meta = generation.meta!
    const { plan } = prepared
    const usable = (id: number) => id !== 0 && 'mac' in this.#neighbourOf(plan.servers[id]!)
    this.#remember(plan.servers, neighbours, macOf)
    for (const [id, name] of plan.servers.entries()) {
      const mac = id === 0 ? undefined : macOf(name)
      if (mac) generation.storeServer(prepared, id, mac)
    }
    const assignment = new Assignment(plan, generation.maps.slots, usable)
    assignment.write()
    for (const id of plan.servers.keys()) if (!usable(id)) generation.storeServer(prepared, id, undefined)
    this.#live = { prepared, generation, assignment }
    this.#followHeld()
    const { instructions } = generation.program.info
    return { change: 'taken-over', generation: meta.generation, loadMs: meta.loadMs, instructions, notes }
  }

  #replace(
    before: Generation | undefined,
    link: XdpLink | undefined,
    pins: PinDirectory,
    prepared: Prepared,
    neighbours: ReadonlyMap<string, Neighbour>,
    macOf: (server: string) => Mac | undefined,
    notes: string[],
  ): Applied {
    const { plan } = prepared
    const number = (before?.meta?.generation ?? 0) + 1
    const generation = Generation.create(prepared, number, macOf)
    const carry = () => {
      if (before?.meta)
        writeCarry(generation.maps.counters, generation.meta!, readTotals(before.maps.counters, before.meta))
    }
    // Before the swap too: a process that dies in it must not lose all that was ever counted.
    carry()
    try {
      this.#attach(generation, link, pins, plan.spec, notes)
    } catch (error) {
      generation[Symbol.dispose]()
      throw error
    }
    carry()
    this.#held?.release()
    before?.[Symbol.dispose]()
    this.#remember(plan.servers, neighbours, macOf)
    const usable = (id: number) => id !== 0 && 'mac' in this.#neighbourOf(plan.servers[id]!)
    this.#live = { prepared, generation, assignment: new Assignment(plan, generation.maps.slots, usable) }
    this.#followHeld()
    const { instructions } = generation.program.info
    return {
      change: before ? 'replaced' : 'created',
      generation: number,
      loadMs: generation.loadMs,
      instructions,
      notes,
    }
  }

  /** attach in one step: by the link where it is alive on this interface, else by a new one, pinned in its place. */
  #attach(
    generation: Generation,
    link: XdpLink | undefined,
    pins: PinDirectory,
    spec: EngineSpec,
    notes: string[],
  ): void {
    const { name, index } = spec.interface
    const at = link?.info().ifindex
    if (link && at === index) {
      link.update(generation.program)
      return
    }
    const {
      link: made,
      mode,
      why,
    } = attachOrName(generation.program, { ifindex: index, name, attachedId: () => attachedTo(index) })
    try {
      pins.replace(LINK_PIN, made.fd)
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
  }

  #remember(
    servers: readonly string[],
    neighbours: ReadonlyMap<string, Neighbour>,
    macOf: (server: string) => Mac | undefined,
  ): void {
    this.#neighbours.clear()
    for (const server of servers.slice(1)) {
      const mac = macOf(server)
      this.#neighbours.set(server, mac ? { mac } : (neighbours.get(server) ?? { why: 'not resolved yet' }))
    }
  }

  #followHeld(): void {
    const { prepared, generation } = this.#applied()
    const ring = generation.maps.all.get(prepared.layout.memory.held.name)!
    this.#held?.follow({ program: generation.program, ring, interface: prepared.plan.spec.interface })
  }

  #mode(ifindex: number): 'native' | 'generic' {
    using network = new KernelNetwork()
    return network.getLink(ifindex)?.xdp[0]?.mode === 'generic' ? 'generic' : 'native'
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

/** The pinned hash keys. */
function keysOf(generation: Generation | undefined): BigUint64Array | undefined {
  if (!generation?.meta) return undefined
  const start = generation.meta.keys / 8
  return generation.maps.tables.slice(start, start + HASH_KEYS)
}

/** macsOf: what is known now; a server not heard of yet keeps the MAC that the generation before had for it. */
function macsOf(
  spec: EngineSpec,
  neighbours: ReadonlyMap<string, Neighbour>,
  before: Generation | undefined,
) {
  const kept = new Map<string, Mac>()
  for (const [id, { name, address }] of before?.meta?.servers.entries() ?? []) {
    const entry = Buffer.alloc(8)
    entry.writeBigUInt64LE(before!.maps.tables[before!.meta!.entries / 8 + id]!)
    if (entry.readUInt16LE(6) !== 0) kept.set(`${name} ${address}`, macFromBytes(entry))
  }
  const addressOf = new Map(spec.servers.map(({ name, address }) => [name, formatIp(address)]))
  return (server: string): Mac | undefined => {
    const neighbour = neighbours.get(server)
    if (neighbour) return 'mac' in neighbour ? neighbour.mac : undefined
    return kept.get(`${server} ${addressOf.get(server)}`)
  }
}

/** openXdpEngine: nothing is touched before apply(). */
export const openXdpEngine = (options: XdpOptions): XdpEngine => new XdpEngine(options)

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
