// tenbin status: what is. With the daemon dead it says so, and whether forwarding goes on without it.

import { TenbinError } from '../base/errors.ts'
import { type Status, statusSchema } from '../daemon/api-schema.ts'
import { type Instance, instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption } from './command.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { failureBody, tellFailure } from './failure.ts'
import { statusLines } from './status-lines.ts'
import { table } from './table.ts'

export const statusCommand: CommandSpec = {
  words: 'status',
  summary: 'Show what is: node, program, addresses, services, servers, flows, drops, memory',
  options: [...instanceOptions, jsonOption],
  examples: [
    ['tenbin status', 'for people'],
    ["tenbin status --json | jq '.servers[] | select(.why)'", 'servers that get nothing, and why'],
    ['tenbin status --json | jq .overrides', 'what was said by hand'],
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
    else for (const line of statusLines(status, context.paint, Date.now())) context.out(line)
    return status.problems.length === 0 ? exitCodes.done : exitCodes.no
  },
}

async function tellWithoutDaemon(
  context: Context,
  { name }: Instance,
  absent: TenbinError,
  json: boolean,
): Promise<ExitCode> {
  const { pinned } = await import('../daemon/machine.ts')
  let left: ReturnType<typeof pinned>
  try {
    left = pinned(name)
  } catch (error) {
    // Something is there that this version cannot read: the daemon is absent all the same.
    tellFailure(context, absent, json)
    if (!json) tellFailure(context, error, false)
    return exitCodes.absent
  }
  if (!left) return tellFailure(context, absent, json)
  if (json) {
    context.out(JSON.stringify({ ...failureBody(absent), pinned: left }))
    return exitCodes.absent
  }
  const { isAttached, generation, interfaces, services, servers } = left
  const of = (some: typeof interfaces) => some.map(({ name }) => name).join(', ')
  const lines = isAttached
    ? [
        `the daemon of instance ${name} is not there; ${context.paint.good('forwarding goes on')} with the last view:`,
        ...table(
          [
            ['generation', `${generation}`],
            ...interfaces.map(({ name, programId, isAttached }) => [
              'interface',
              isAttached ? `${name}, program ${programId}` : `${name}: no longer attached`,
            ]),
            ['services', services.join(', ')],
            ['servers', servers.join(', ')],
          ],
          ['left', 'left'],
        ),
        'Changes of the file and failures of servers are not followed.',
      ]
    : [
        `the daemon of instance ${name} is not there, and ${context.paint.bad('nothing is forwarded')}:`,
        `what it pinned is no longer attached to ${of(interfaces)}`,
      ]
  for (const line of lines) context.out(line)
  context.out('Start it with `tenbin run -c FILE`, or remove what it left with `tenbin down`.')
  return exitCodes.absent
}
