// tenbin trace: which server a client's connection goes to, and every step of why.

import { InvalidArgumentError } from 'commander'
import { formatEndpoint, tryEndpoint, tryListener } from '../base/addresses.ts'
import { type TraceAnswer, traceSchema } from '../daemon/api-schema.ts'
import { instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption } from './command.ts'
import { exitCodes } from './context.ts'
import { agoText, table } from './table.ts'

export const traceCommand: CommandSpec = {
  words: 'trace <client> <listener>',
  summary: "Show which server a client's packet goes to, and every step of why",
  details: [
    'An IPv6 address stands in brackets: [2001:db8::10]:80. The packet is one of a flow that is there already: its record',
    'counts, and who had its slot before. A new flow goes to the server that takes new flows.',
  ].join(' '),
  arguments: {
    client: 'ADDRESS:PORT the packet comes from',
    listener: 'ADDRESS:PORT it is sent to, or ADDRESS:PORT/udp',
  },
  options: [...instanceOptions, jsonOption],
  examples: [
    ['tenbin trace 203.0.113.9:50123 192.168.8.100:80', 'where that connection goes'],
    ["tenbin trace '[2001:db8::9]:50123' '[2001:db8::10]:53/udp'", 'the same for a datagram'],
  ],
  exits: { no: 'the packet is not forwarded', absent: 'the daemon is not there', notPermitted: 'not root' },
  run: async (context, { args, options }) => {
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    const [client, target] = args as [string, string]
    const listener = tryListener(target)
    if (!tryEndpoint(client)) throw not(client, 'ADDRESS:PORT')
    if (!listener) throw not(target, 'ADDRESS:PORT or ADDRESS:PORT/udp')
    const query = { client, listener: formatEndpoint(listener), protocol: listener.protocol }
    const trace = await callDaemon(socket, { path: '/v1/trace', query, reply: traceSchema })
    const isForwarded = trace.outcome === 'forwarded'
    if (options.json) context.out(JSON.stringify(trace))
    else {
      const { good, bad } = context.paint
      const answer = isForwarded ? good(`${trace.server} (${trace.mac})`) : bad(trace.outcome)
      context.out(`${trace.client} to ${trace.listener}: ${answer}`)
      for (const line of knownLines(trace)) context.out(line)
      for (const [i, step] of trace.steps.entries()) context.out(`${String(i + 1).padStart(3)}. ${step}`)
    }
    return isForwarded ? exitCodes.done : exitCodes.no
  },
}

/** knownLines: who takes new flows, who had the slot before, and what is remembered; only where they say more. */
function knownLines({ server, current, settled, record, network }: TraceAnswer): string[] {
  const begins = network?.server ?? current
  const rows = [
    ...(begins !== undefined && (begins !== server || settled !== undefined) ? [['new flows', begins]] : []),
    ...(network
      ? [
          [
            'client',
            `${network.network} is kept with ${network.server} for ${Math.ceil(network.leftS)} s more`,
          ],
        ]
      : []),
    ...(settled === undefined ? [] : [['before', `${settled}, until the slot changed hands lately`]]),
    ...(record
      ? [
          [
            'record',
            `${record.server}, ${stateWords[record.state]}, last seen ${agoText(1000 * record.ageS)} ago`,
          ],
        ]
      : []),
  ]
  return table(rows, ['left', 'left']).map((line) => `     ${line}`)
}

const stateWords = { closed: 'closed', syn: 'SYN only', established: 'established' } as const

const not = (text: string, what: string): InvalidArgumentError =>
  new InvalidArgumentError(`"${text}" is not ${what}, like 192.0.2.1:80 or [2001:db8::1]:80`)
