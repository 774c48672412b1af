// The tenbin.yaml of a scenario, as data: JSON is YAML. Every balancer of the lab is a node, all service addresses are
// in one set, all servers in the inventory.

import { nodesOf, PREFIX_LENGTH, type Topology } from '../../../src/lab/topology.ts'

/** Services: by name, what each listens on, which servers it has, and its other keys. */
export type Services = Readonly<
  Record<
    string,
    {
      readonly listen: readonly string[]
      readonly servers: readonly (string | object)[]
      readonly on_failure?: 'keep' | 'reset'
      readonly persistence?: string | object
      readonly scheduler?: string
      readonly check?: object | string
      readonly forward?: 'dsr' | 'nat'
      readonly server_port?: number
      readonly track?: 'none' | 'changes' | 'all'
      readonly sorry?: string | readonly string[] | object
      readonly quorum?: number | string | object
    }
  >
>

/** tenbinFile: the file's text. `without`: servers that are left out of the inventory. */
export function tenbinFile(topology: Topology, services: Services, without: readonly string[] = []): string {
  const inventory = nodesOf(topology, 'server').filter(({ name }) => !without.includes(name))
  const byName = (nodes: readonly { readonly name: string; readonly address: string }[]) =>
    Object.fromEntries(nodes.map(({ name, address }) => [name, address]))
  const file = {
    nodes: byName(nodesOf(topology, 'balancer')),
    interfaces: { lan: 'eth0' },
    addresses: {
      front: { on: 'lan', ips: topology.serviceAddresses.map((address) => `${address}/${PREFIX_LENGTH}`) },
    },
    servers: byName(inventory),
    defaults: { forward: 'dsr', check: 'none' },
    services,
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** serverNames: all servers of a lab. */
export const serverNames = (topology: Topology): readonly string[] =>
  nodesOf(topology, 'server').map(({ name }) => name)
