// Peers of a node that is in no cluster: there are none.

import { TenbinError } from '../base/errors.ts'
import type { Peers } from './peers.ts'

const nothing: Disposable = { [Symbol.dispose]: () => undefined }

/** noPeers: nobody to ask, nobody who asks. */
export const noPeers: Peers = {
  self: undefined,
  astray: undefined,
  nodes: () => [],
  request: (node, path) =>
    Promise.reject(
      new TenbinError('PEER_UNKNOWN', `${path} of ${node}`, { detail: 'this node is in no cluster' }),
    ),
  handle: () => nothing,
  publish: () => undefined,
  onChange: () => nothing,
}
