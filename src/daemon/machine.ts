// This machine, as the daemon and `tenbin down` use it: the kernel's network, the XDP engine, the process's signals.

import { downXdp, engineMeta, openXdpEngine } from '../engine/xdp.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { Reactor } from '../sys/reactor.ts'
import type { RunPorts } from './run.ts'

/** machinePorts: the real world for runDaemon. */
export const machinePorts = (): RunPorts => ({
  openNetwork: () => new KernelNetwork(new Reactor()),
  openPacketPath: openXdpEngine,
  signals: process,
})

/** downPacketPath removes all pins of an instance and says what was there. */
export const downPacketPath = (instance: string): readonly string[] => downXdp(instance)

/** Pinned: what forwards without a daemon. */
export interface Pinned {
  readonly generation: number
  readonly interface: string
  readonly services: readonly string[]
  readonly servers: readonly string[]
}

/** pinned: what an instance left in the kernel; undefined: nothing, or nothing that can be read. */
export function pinned(instance: string): Pinned | undefined {
  const meta = engineMeta(instance)
  if (!meta) return undefined
  const { generation, services, servers } = meta
  // The first server is nobody: what a slot without a usable server points to.
  return { generation, interface: meta.interface.name, services, servers: servers.slice(1) }
}
