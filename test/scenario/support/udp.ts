// Datagrams in a lab: all servers answer on a port of each service address, a client asks.

import { once } from 'node:events'
import type { Lab } from '../../../src/lab/held-lab.ts'
import { nodesOf } from '../../../src/lab/topology.ts'
import { entryOf } from './entry.ts'
import type { UdpAnswerOptions } from './udp-answer-process.ts'
import type { UdpAnswered, UdpAskOptions } from './udp-ask-process.ts'

/** startUdpServers: every server answers with its name; resolves when all listen. The lab ends them. */
export async function startUdpServers(
  lab: Lab,
  { addresses, port }: Omit<UdpAnswerOptions, 'name'>,
): Promise<void> {
  const started = nodesOf(lab.topology, 'server').map(async ({ name }) => {
    const options: UdpAnswerOptions = { name, addresses, port }
    const stdio = ['ignore', 'pipe', 'inherit'] as const
    const child = lab.spawn(name, entryOf('udp-answer-process', options), { stdio: [...stdio] })
    await Promise.race([
      once(child.stdout!, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error(`the UDP server of ${name} ended`))),
    ])
    child.unref()
  })
  await Promise.all(started)
}

/** askUdp: one datagram from each of `count` ports of the client. */
export async function askUdp(lab: Lab, options: UdpAskOptions): Promise<readonly UdpAnswered[]> {
  return JSON.parse(await lab.run('client', entryOf('udp-ask-process', options))) as UdpAnswered[]
}
