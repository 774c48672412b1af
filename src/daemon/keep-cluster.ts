// The cluster of an instance: its keys and invitations on the disk, what becomes of other nodes as events and problems, and
// what the API says of it.

import { TenbinError } from '../base/errors.ts'
import { Cluster, TICK_MS } from '../cluster/cluster.ts'
import { clusterSpecOf } from '../cluster/cluster-spec.ts'
import { Invitations } from '../cluster/invitations.ts'
import { leave } from '../cluster/membership.ts'
import type { Peers } from '../cluster/peers.ts'
import type { DesiredState } from '../config/state.ts'
import type { EventSink } from '../events/event.ts'
import { permitted } from '../sys/permitted.ts'
import type { ClusterAnswer } from './api-cluster.ts'
import type { Problem, Status } from './api-schema.ts'
import { ClusterNews, peerProblems } from './cluster-news.ts'
import type { Instance } from './instance.ts'
import { problem } from './problem.ts'
import { version } from './version.ts'

/** ClusterOperations: what the API asks of a cluster. */
export interface ClusterOperations {
  answer(): ClusterAnswer
  /** rotate: Cluster.rotate; the answer is how it stands then. */
  rotate(without: readonly string[]): ClusterAnswer
  /** leave: Cluster.depart, unless this node is active for an address set that moves. Throws ROLE_REFUSED, too. */
  leave(): Promise<ClusterAnswer>
}

/** KeptCluster: `follow` a file; `problems` is asked now and then. Dispose: other nodes lose this one. */
export interface KeptCluster extends Disposable {
  readonly peers: Peers
  readonly operations: ClusterOperations
  follow(desired: DesiredState): void
  /** leave: other nodes are told that the daemon is being stopped. */
  leave(): Promise<void>
  problems(): readonly Problem[]
  /** status: the other nodes; undefined: this node is in no cluster. */
  status(): Status['peers']
}

/** openCluster: of an instance, without a file yet. `isActive`: for an address set that moves. */
export function openCluster(
  { clusterKeys, clusterInvitations }: Pick<Instance, 'clusterKeys' | 'clusterInvitations'>,
  events: EventSink,
  isActive: () => boolean,
): KeptCluster {
  const cluster = new Cluster({
    keys: clusterKeys,
    invitations: new Invitations(clusterInvitations),
    version,
    moment: () => ({ ms: performance.now(), date: new Date() }),
  })
  const news = new ClusterNews(events)
  const tell = () => news.tell(cluster.nodes(), new Date())
  const listening = cluster.onChange(tell)
  const timer = setInterval(() => {
    cluster.tick()
    tell()
  }, TICK_MS)
  const problems = () => [
    ...cluster.faults().map(({ code, message }) => problem(code, message)),
    ...peerProblems(cluster.nodes(), new Date()),
  ]
  const views = () =>
    cluster.nodes().map(({ parts: _, since, ...view }) => ({ ...view, since: since.toISOString() }))
  const answer = (): ClusterAnswer => {
    const { self, hasKeys, at, rotates, without, turned } = cluster.standing()
    return {
      ...(self !== undefined && { node: self }),
      keys: hasKeys,
      at: [...at],
      rotates,
      ...(without.length > 0 && { without: [...without] }),
      refused: { strangers: turned.strangers, excess: turned.tooMany },
      nodes: views(),
      problems: problems(),
    }
  }
  return {
    peers: cluster,
    follow: (desired) => cluster.follow(clusterSpecOf(desired)),
    leave: () => cluster.leave(),
    problems,
    status: () => (cluster.self === undefined ? undefined : views()),
    operations: {
      answer,
      rotate(without) {
        cluster.rotate(without)
        return answer()
      },
      async leave() {
        const op = 'cluster leave'
        if (isActive()) {
          const detail = 'this node is active: hand over first, by `tenbin maintenance on`'
          throw new TenbinError('ROLE_REFUSED', op, { detail })
        }
        await cluster.depart(() => permitted(op, () => leave({ clusterKeys, clusterInvitations })))
        return answer()
      },
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      listening[Symbol.dispose]()
      cluster[Symbol.dispose]()
    },
  }
}
