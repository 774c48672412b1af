// Subscription: the kernel's notifications, read by the reactor and handed on in batches: all that has arrived when
// the socket becomes readable. Its idea: the queue is bounded; when it overflows the kernel says so once (ENOBUFS)
// and drops what did not fit, which becomes a resync event at that place in the batch. Requests in a subscriber are
// fine: they use another socket.

import type { Reactor } from '../sys/reactor.ts'
import { isErrno } from '../sys/syscall.ts'
import { decodeEvents } from './events.ts'
import type { NetworkEvent, Topic } from './network.ts'
import { groups, next, openListener } from './route-socket.ts'

/** Room for some ten thousand notifications. */
const BUFFER_BYTES = 4 << 20
/** A storm must not keep the loop from everything else: the rest is read in the next turn. */
const DATAGRAMS_A_BATCH = 4096

/** SubscriptionOptions: `bufferBytes` of room in the kernel for what has not been read yet. */
export interface SubscriptionOptions {
  readonly bufferBytes?: number
  /** Whether the subscription alone keeps the process alive. */
  readonly keepAlive?: boolean
}

/** subscribe opens a socket and calls back for each batch until disposed. Throws SyscallError. */
export function subscribe(
  reactor: Reactor,
  topics: readonly Topic[],
  onEvents: (events: readonly NetworkEvent[]) => void,
  { bufferBytes = BUFFER_BYTES, keepAlive = true }: SubscriptionOptions = {},
): Disposable {
  const socket = openListener(
    topics.flatMap((topic) => groups[topic]),
    bufferBytes,
  )
  const watch = reactor.watch(
    socket.fd,
    { readable: true },
    () => {
      const events = readBatch(() => next(socket, false))
      if (events.length > 0) onEvents(events)
    },
    { keepAlive },
  )
  return {
    [Symbol.dispose]: () => {
      watch[Symbol.dispose]()
      socket[Symbol.dispose]()
    },
  }
}

/** readBatch reads until there is nothing more; `receive` throws ENOBUFS where notifications were lost. */
export function readBatch(receive: () => Buffer | undefined): NetworkEvent[] {
  const events: NetworkEvent[] = []
  for (let count = 0; count < DATAGRAMS_A_BATCH; count++) {
    try {
      const datagram = receive()
      if (!datagram) break
      events.push(...decodeEvents(datagram))
    } catch (error) {
      if (!isErrno(error, 'ENOBUFS')) throw error
      events.push({ kind: 'resync', why: 'the kernel had more to tell than its queue holds' })
    }
  }
  return events
}
