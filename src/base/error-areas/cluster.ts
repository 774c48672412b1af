// Error codes of the cluster: its keys, the other nodes, what nodes tell each other.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** clusterErrors: code -> meaning and remedy. */
export const clusterErrors = {
  CLOCKS_DIFFER: entry(
    'the clocks of two nodes differ',
    'let both follow one source of time (chrony, systemd-timesyncd); from seven days on they no longer take each other’s certificates',
  ),
  CLUSTER_ALONE: entry(
    'there is nobody to form a cluster with',
    'name the other machines in `nodes`, on all of them',
  ),
  CLUSTER_EXISTS: entry(
    'this node is in a cluster already',
    'to leave it for good, move the file named away; to exchange keys use `tenbin cluster rotate`',
  ),
  CLUSTER_JOIN_REFUSED: entry(
    'this node may not join the cluster',
    'have another word given out: `tenbin cluster invite NODE` on a node that is in it',
  ),
  CLUSTER_KEYS_DAMAGED: entry(
    'the file of the cluster’s keys is damaged',
    'restore it; or move it away and join again with `tenbin cluster join` (another node invites: `tenbin cluster invite`)',
  ),
  CLUSTER_KEYS_UNKEPT: entry(
    'other keys of the cluster cannot be written to the disk',
    'make room in the state directory; those of before count meanwhile, and a rotation goes on by itself',
  ),
  CLUSTER_NODE_UNKNOWN: entry(
    'the keys of this machine are of a node that the file does not have',
    'add that node to `nodes`; or join by the name that the file has (move the keys away first)',
  ),
  CLUSTER_NONE: entry(
    'this node is in no cluster',
    'make one with `tenbin cluster init`, or join one with `tenbin cluster join`',
  ),
  CLUSTER_ROTATION_REFUSED: entry(
    'keys cannot be rotated now',
    'have all nodes connected first (`tenbin cluster status`); one that does not come back: `--without NODE`, or out of `nodes`',
  ),
  CLUSTER_UNHEARD: entry(
    'other nodes cannot reach this one',
    'the message says why; it is tried again every two seconds',
  ),
  CLUSTER_UNTOLD: entry(
    'this node has more to say of itself than nodes tell each other every second: others do not know that part',
    'give the file fewer address sets, or fewer names of what they track; report it as a bug if it is small',
  ),
  CLUSTER_WORD_INVALID: entry(
    'this is no word of invitation',
    'copy it as a whole from what `tenbin cluster init` or `invite` wrote',
  ),
  FLOWS_UNSHARED: entry(
    'another node is connected and cannot be told of flows',
    'the message says why; until then its flows are spread by the table alone if it takes over',
  ),
  HASH_KEYS_OWN: entry(
    'this node spreads flows by other hash keys than the rest of its cluster',
    'it takes those of the cluster as soon as it is active for nothing: hand its roles over by `tenbin failover`',
  ),
  PEER_ANSWER: entry(
    'another node’s answer cannot be used',
    'bring all nodes to one version; `tenbin cluster status` shows them',
  ),
  PEER_FAILED: entry(
    'another node could not do what it was asked to',
    'the message has its words; its own log has the rest',
  ),
  PEER_REFUSED: entry(
    'another node is not taken for one of this cluster, or does not take this one',
    'the message says which side and why; `tenbin cluster status` shows all nodes',
  ),
  PEER_REQUEST: entry(
    'another node’s request cannot be understood',
    'bring all nodes to one version; `tenbin cluster status` shows them',
  ),
  PEER_TIMEOUT: entry(
    'another node did not answer in time',
    'look at its load; what was asked may have been done all the same',
  ),
  PEER_UNKNOWN: entry('there is no such other node', 'name a node of the file that is not this one'),
  PEER_UNREACHABLE: entry(
    'another node cannot be reached',
    'see whether its daemon runs and no filter is between the nodes (port 7943/tcp, or the file’s `cluster.port`)',
  ),
  REPLICA_MALFORMED: entry(
    'what another node shares of its flows is not what this version understands',
    'run one version of tenbin on all nodes; if they do, report it as a bug',
  ),
} as const satisfies Record<string, Entry>
