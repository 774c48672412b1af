// tenbin status: what is. With the daemon dead it says so, and whether forwarding goes on without it.

import { TenbinError } from '../base/errors.ts'
import { type Status, statusSchema } from '../daemon/api-schema.ts'
import { type Instance, instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption } from './command.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { failureBody, tellFailure } from './failure.ts'
import { statusLines } from './status-lines.ts'

export const statusCommand: CommandSpec = {
  words: 'status',
  summary: 'Show what is: node, interface, program, addresses, services, servers, drops',
  options: [...instanceOptions, jsonOption],
  examples: [
    ['tenbin status', 'for people'],
    ["tenbin status --json | jq '.servers[] | select(.why)'", 'servers that get nothing, and why'],
  ],
  exits: {
    no: 'the daemon waits for something, or something is not as the file has it',
    absent: 'the daemon is not there; whether forwarding goes on without it is said',
    notPermitted: 'not root',
  },
  run: async (context, { options }) => {
    const instance = instanceOf(options as Parameters<typeof instanceOf>[0])
    const json = options.json === true
    let status: Status
    try {
      status = await callDaemon(instance.socket, { path: '/v1/status', reply: statusSchema })
    } catch (error) {
      if (!(error instanceof TenbinError) || error.code !== 'DAEMON_ABSENT') throw error
      return tellWithoutDaemon(context, instance, error, json)
    }
    if (json) context.out(JSON.stringify(status))
    else for (const line of statusLines(status, context.paint)) context.out(line)
    return status.problems.length === 0 ? exitCodes.done : exitCodes.no
  },
}

async function tellWithoutDaemon(
  context: Context,
  instance: Instance,
  absent: TenbinError,
  json: boolean,
): Promise<ExitCode> {
  const { pinned } = await import('../daemon/machine.ts')
  const left = pinned(instance.name)
  if (!left) return tellFailure(context, absent, json)
  const { generation, interface: nic, services, servers } = left
  if (json) {
    context.out(
      JSON.stringify({ ...failureBody(absent), pinned: { generation, interface: nic, services, servers } }),
    )
    return exitCodes.absent
  }
  context.out(`the daemon of instance ${instance.name} is not there; forwarding goes on with the last view:`)
  context.out(`  generation ${generation} on ${nic}`)
  context.out(`  services: ${services.join(', ')}`)
  context.out(`  servers: ${servers.join(', ')}`)
  context.out('changes and failures of servers are not followed: start it with `tenbin run -c FILE`,')
  context.out('or end forwarding with `tenbin down`')
  return exitCodes.absent
}
