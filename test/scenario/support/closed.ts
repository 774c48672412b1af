// Until a node's connections send no more: the last ACK of one that curl has left comes when the server ends it.

import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../../../src/lab/held-lab.ts'

/** allClosed: no connection of the node is open, or closing: TIME_WAIT (06) sends no more (proc(5): net/tcp). */
export async function allClosed(lab: Lab, node: string): Promise<void> {
  const isClosed = (line: string) => line.startsWith('sl') || line.split(/\s+/)[3] === '06'
  for (;;) {
    const sockets = await lab.run(node, ['cat', '/proc/net/tcp', '/proc/net/tcp6'])
    if (
      sockets
        .trim()
        .split('\n')
        .every((line) => isClosed(line.trim()))
    )
      return
    await delay(10)
  }
}
