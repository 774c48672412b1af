// Events: what a notification of the kernel means. Pure; what is none of ours (another address family, a message
// type that is not followed) is no event, and what cannot be read becomes a resync, for a follower that reads
// everything anew is right again whatever the message was.

import { TenbinError } from '../base/errors.ts'
import { decodeAddress, RTM_DELADDR, RTM_NEWADDR } from './addresses.ts'
import { decodeLink, RTM_DELLINK, RTM_NEWLINK } from './links.ts'
import { decodeMessages, type NetlinkMessage } from './message.ts'
import { decodeNeighbour, RTM_DELNEIGH, RTM_NEWNEIGH } from './neighbours.ts'
import type { NetworkEvent } from './network.ts'
import { decodeRouteChange, RTM_DELROUTE, RTM_NEWROUTE } from './routes.ts'

/** decodeEvents reads a datagram of notifications. */
export function decodeEvents(datagram: Buffer): NetworkEvent[] {
  try {
    return decodeMessages(datagram)
      .map(decodeEvent)
      .filter((event) => event !== undefined)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    return [{ kind: 'resync', why: error.message }]
  }
}

function decodeEvent({ type, payload }: NetlinkMessage): NetworkEvent | undefined {
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const link = decodeLink(payload)
      return link && { kind: 'link', gone: type === RTM_DELLINK, link }
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const address = decodeAddress(payload)
      return address && { kind: 'address', gone: type === RTM_DELADDR, address }
    }
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH: {
      const neighbour = decodeNeighbour(payload)
      return neighbour && { kind: 'neighbour', gone: type === RTM_DELNEIGH, neighbour }
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = decodeRouteChange(payload)
      return route && { kind: 'route', gone: type === RTM_DELROUTE, route }
    }
    default:
      return undefined
  }
}
