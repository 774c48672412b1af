// load: the file, and all that it includes, as the state it wants; or everything that is wrong with it, at once.
// Text becomes values with places (parse), the schema takes out what has the wrong shape (check-shape), all files
// become one (merge), and resolvers give meaning to what is left, each adding what it has to say to one list.
//
//   files -> parse -> check-shape -> merge -> network -> inventory -> pools -> services -> DesiredState
//
// Nothing here looks at the machine: whether a NIC is there or a server answers is for the daemon to find out.

import { dirname } from 'node:path'
import { resolveDefaults } from './behaviour.ts'
import { resolveCluster } from './cluster.ts'
import type { ConfigError } from './config-error.ts'
import { resolveDefence, withDefence } from './defence.ts'
import { readFiles } from './files.ts'
import { Findings } from './findings.ts'
import { resolveInventory } from './inventory.ts'
import { resolveLimits } from './limits.ts'
import { merge } from './merge.ts'
import { resolveMetrics } from './metrics.ts'
import { resolveNetwork } from './network.ts'
import { resolveNotify } from './notify.ts'
import { Pools } from './pools.ts'
import { diskReader, type Reader } from './reader.ts'
import { Services } from './services.ts'
import { checkSizes } from './sizes.ts'
import type { DesiredState } from './state.ts'
import { resolveSysctls } from './sysctls.ts'

/**
 * load reads a file and its includes; `read` is where bytes come from, the disk unless told otherwise. Throws
 * {@link ConfigError}: CONFIG_INVALID with all findings, or CONFIG_UNREADABLE.
 */
export function load(path: string, read: Reader = diskReader): DesiredState {
  const findings = new Findings()
  const { files, whole } = readFiles(path, read, findings)
  const merged = merge(files, whole, findings)
  const network = resolveNetwork(merged, findings)
  const inventory = resolveInventory(merged, network, findings)
  const defaults = resolveDefaults(merged, network.roles, findings)
  const pools = new Pools(merged, { inventory, defaults, roles: network.roles, findings })
  const each = new Services(network, pools, defaults, findings)
  const services = merged.services.flatMap((entry) => each.resolve(entry, inventory) ?? [])
  each.checkQuorums(services)
  const defence = resolveDefence(merged, services, { reader: read, folder: dirname(path) }, findings)
  const sysctls = resolveSysctls(merged, network.interfaces, findings)
  const metrics = resolveMetrics(merged, services, findings)
  const cluster = resolveCluster(merged, network, metrics, findings)
  const notify = resolveNotify(merged, findings)
  const [main] = files
  if (main && merged.services.length === 0 && !merged.incomplete.has('services')) {
    const example = 'www: { listen: [192.168.8.100:80], servers: web01..10 }'
    findings.addAt(main.source, 0, `there are no services: add them, for example services: { ${example} }`)
  }
  const { nodes, interfaces, addressSets } = network
  const state: DesiredState = {
    nodes,
    cluster,
    interfaces,
    addressSets,
    servers: [...inventory.servers.values()],
    pools: pools.all.map(({ name, members, sorry, quorum }) => ({
      ...{ name, members },
      ...(sorry && { sorry }),
      ...(quorum && { quorum }),
    })),
    services: services.map((service) => withDefence(service, defence)),
    limits: resolveLimits(merged),
    ...(defence && { defence: defence.spec }),
    ...(metrics && { metrics }),
    sysctls,
    notify,
  }
  const order = files.map(({ source }) => source.file)
  findings.throwIfAny(`read ${path}`, order)
  if (main) checkSizes(state, main.source, findings)
  findings.throwIfAny(`read ${path}`, order)
  return state
}
