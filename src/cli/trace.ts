// tenbin trace: which server a client's connection goes to, and every step of why.

import { InvalidArgumentError } from 'commander'
import { tryEndpoint } from '../base/addresses.ts'
import { traceSchema } from '../daemon/api-schema.ts'
import { instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption } from './command.ts'
import { exitCodes } from './context.ts'

export const traceCommand: CommandSpec = {
  words: 'trace <client> <listener>',
  summary: "Show which server a client's packet goes to, and every step of why",
  arguments: { client: 'ADDRESS:PORT the packet comes from', listener: 'ADDRESS:PORT it is sent to' },
  options: [...instanceOptions, jsonOption],
  examples: [['tenbin trace 203.0.113.9:50123 192.168.8.100:80', 'where that connection goes']],
  exits: { no: 'the packet is not forwarded', absent: 'the daemon is not there', notPermitted: 'not root' },
  run: async (context, { args, options }) => {
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    const [client, listener] = args as [string, string]
    for (const text of [client, listener]) {
      if (!tryEndpoint(text))
        throw new InvalidArgumentError(`"${text}" is not ADDRESS:PORT, like 192.0.2.1:80`)
    }
    const query = { client, listener }
    const trace = await callDaemon(socket, { path: '/v1/trace', query, reply: traceSchema })
    const isForwarded = trace.outcome === 'forwarded'
    if (options.json) context.out(JSON.stringify(trace))
    else {
      const { good, bad } = context.paint
      const answer = isForwarded ? good(`${trace.server} (${trace.mac})`) : bad(trace.outcome)
      context.out(`${trace.client} to ${trace.listener}: ${answer}`)
      for (const [i, step] of trace.steps.entries()) context.out(`${String(i + 1).padStart(3)}. ${step}`)
    }
    return isForwarded ? exitCodes.done : exitCodes.no
  },
}
