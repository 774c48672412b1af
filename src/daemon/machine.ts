// This machine, as the daemon and `tenbin down` use it: the kernel's network, the XDP engine, the process's signals.

import { TenbinError } from '../base/errors.ts'
import { Generation } from '../engine/generation.ts'
import { type FoundPool, foundPools } from '../engine/holders.ts'
import { downXdp } from '../engine/hook.ts'
import { linkPins, nicOf } from '../engine/link-pins.ts'
import { openXdpEngine } from '../engine/xdp.ts'
import { XdpLink } from '../kernel/link.ts'
import { arePinsElsewhere, PinDirectory } from '../kernel/pin.ts'
import { requireFeatures } from '../kernel/probe.ts'
import { programById } from '../kernel/query.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { Reactor } from '../sys/reactor.ts'
import { ServiceManager } from '../sys/service-manager.ts'
import { openChecker } from './checker.ts'
import { machineMemory } from './machine-memory.ts'
import type { RunPorts } from './run.ts'
import { openVrrp } from './vrrp.ts'

/** machinePorts: the real world for runDaemon. Its packet path throws NOT_SUPPORTED where the kernel cannot do it. */
export const machinePorts = (): RunPorts => ({
  openChecker,
  openVrrp,
  openNetwork: () => new KernelNetwork(new Reactor()),
  openPacketPath: (options) => {
    refuseElsewhere()
    requireFeatures()
    return openXdpEngine({ ...options, reactor: new Reactor() })
  },
  isAttached: (instance) => pinned(instance)?.isAttached ?? false,
  found: (instance) => pinned(instance) ?? { servers: [], pools: [] },
  memory: machineMemory,
  signals: process,
  manager: ServiceManager.find(),
})

/** What is pinned in a bpffs of our own is gone when we are; its addresses would stay, and the kernel answer for them. */
function refuseElsewhere(): void {
  if (!arePinsElsewhere()) return
  const detail = '/sys/fs/bpf is not mounted here, and what this process mounts would be gone with it'
  throw new TenbinError('PINS_ELSEWHERE', 'pin the packet path', { detail })
}

/** downPacketPath removes all pins of an instance and says what was there. */
export const downPacketPath = (instance: string): readonly string[] => downXdp(instance)

/** Pinned: what an instance left in the kernel. `isAttached`: it still sees packets, on one interface at least. */
export interface Pinned {
  readonly isAttached: boolean
  readonly generation: number
  readonly interfaces: readonly {
    readonly name: string
    readonly isAttached: boolean
    readonly programId: number
  }[]
  readonly services: readonly string[]
  readonly servers: readonly string[]
  readonly pools: readonly FoundPool[]
}

/** pinned: what an instance left in the kernel; undefined: nothing. Throws PINS_NEWER and as the kernel refuses. */
export function pinned(instance: string): Pinned | undefined {
  const pins = PinDirectory.find(instance)
  const links = (pins ? linkPins(pins) : []).flatMap((pin) => {
    const fd = pins!.get(pin)
    if (!fd) return []
    using link = XdpLink.adopt(fd)
    return [{ ...link.info(), name: nicOf(pin) }]
  })
  const found = links.flatMap(({ ifindex, programId }) => {
    const program = programById(programId)
    return program ? [{ ifindex, program }] : []
  })
  if (found.length === 0) return undefined
  using generation = Generation.adopt(found)
  const { meta } = generation
  return {
    isAttached: links.some(({ ifindex }) => ifindex !== 0),
    generation: meta?.generation ?? 0,
    interfaces: links.map(({ name, ifindex, programId }) => ({
      name: name ?? `interface ${ifindex}`,
      isAttached: ifindex !== 0,
      programId,
    })),
    // Numbers that nobody has have an empty name.
    services: meta?.services.flatMap(({ name }) => name || []) ?? [],
    servers: meta?.servers.flatMap(({ name }) => name || []) ?? [],
    pools: meta ? foundPools(meta, generation.maps.slots, generation.maps.words('failed')) : [],
  }
}
