// What `tenbin status` tells where the daemon is not there: what it left in the kernel, and whether that still forwards.

import type { TenbinError } from '../base/errors.ts'
import type { Instance } from '../daemon/instance.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { failureBody, tellFailure } from './failure.ts'
import { table } from './table.ts'

/** tellWithoutDaemon tells, and resolves with the exit code of a daemon that is absent. */
export async function tellWithoutDaemon(
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
