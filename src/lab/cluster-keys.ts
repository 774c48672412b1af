// The keys of a pair's cluster: made as `tenbin cluster init` and `join` make them, and put where each node's daemon looks.

import { writeKeyFile } from '../cluster/key-file.ts'
import { newCluster } from '../cluster/new-cluster.ts'
import { instanceOf } from '../daemon/instance.ts'
import { labDirectory } from './state.ts'
import { instanceName, nodesOf, type Topology } from './topology.ts'

/** clusterPlaces: where a node of a lab keeps its part of a cluster. */
export const clusterPlaces = (lab: string, node: string) =>
  instanceOf({
    instance: instanceName(lab, node),
    runDir: labDirectory(lab),
    stateDir: labDirectory(lab),
  })

/** writeClusterKeys of all balancers of a lab. */
export function writeClusterKeys(topology: Topology): void {
  const names = nodesOf(topology, 'balancer').map(({ name }) => name)
  for (const keys of newCluster(names)) writeKeyFile(clusterPlaces(topology.lab, keys.node).clusterKeys, keys)
}
