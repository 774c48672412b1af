// tenbin status: what is. With the daemon dead it says so, and whether forwarding goes on without it.

import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { type Status, statusSchema } from '../daemon/api-schema.ts'
import { checksSchema } from '../daemon/api-schema-checks.ts'
import { type Instance, instanceOf } from '../daemon/instance.ts'
import { callDaemon, DaemonRefusal } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption, textOption } from './command.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { nagiosCodes, nagiosVerdict, unknownVerdict, type Verdict } from './nagios.ts'
import { statusLines } from './status-lines.ts'
import { oneLines, partOf } from './status-one.ts'
import { screenLines } from './status-screen.ts'
import { tellWithoutDaemon } from './status-without-daemon.ts'

export const statusCommand: CommandSpec = {
  words: 'status [name]',
  summary: 'Show what is: services, servers and their checks, traffic, what is wrong',
  details: [
    [
      'On a terminal it fits one screen: of long lists the most troubled come first. Elsewhere, and with --all, it is',
      'everything: interfaces, programs, addresses, drops by reason, memory. FLOWS are the connections that are remembered:',
      'exact with track: all, marked ~ where only those are whose server changed, - where none is.',
    ],
    [
      'With the name of a service or a server it is that one, and what its checks have seen: when they looked last, within',
      'what time half and all but one of a hundred good answers came, the last failure, and why the standing changed.',
    ],
    [
      'With --check it is a Nagios plugin: one line, and exit codes of its own, not those below: 0 OK; 1 WARNING: a server is down, the',
      'guard holds some, or there is a problem (no checker, checks that stand still); 2 CRITICAL: a service has no server, or',
      'nothing is applied; 3 UNKNOWN: the daemon is not there, does not answer, or may not be asked.',
    ],
  ]
    .map((paragraph) => paragraph.join(' '))
    .join('\n\n'),
  arguments: { name: 'a service or a server of the file' },
  options: [
    { flags: '--all', text: 'everything, however long' },
    { flags: '--check', text: 'one line and an exit code for Nagios' },
    { flags: '--service <service>', text: 'with --check: only of this service' },
    { flags: '--timeout <duration>', text: 'with --check: UNKNOWN after this time (default: 8s)' },
    ...instanceOptions,
    jsonOption,
  ],
  examples: [
    ['tenbin status', 'for people'],
    ['tenbin status web03', 'one server, and what its checks have seen'],
    ['tenbin status --check --service www', 'for Nagios'],
    ["tenbin status --json | jq '.servers[] | select(.why)'", 'servers that get nothing, and why'],
  ],
  exits: {
    no: 'the daemon waits for something, or something is not as the file has it',
    absent: 'the daemon is not there; whether forwarding goes on without it is said',
    notPermitted: 'not root',
  },
  run: async (context, { args: [name], options }) => {
    const places = options as Parameters<typeof instanceOf>[0]
    const json = options.json === true
    const service = textOption(options, 'service')
    if (options.check === true && name !== undefined)
      throw new InvalidArgumentError(`--check takes no name: write --service ${name}`)
    const timeout = textOption(options, 'timeout')
    if (options.check === true)
      return checkStatus(context, places, { service, timeoutMs: timeoutOf(timeout), json })
    if (service !== undefined) throw new InvalidArgumentError('--service goes with --check')
    if (timeout !== undefined) throw new InvalidArgumentError('--timeout goes with --check')
    const instance = instanceOf(places)
    let status: Status
    try {
      status = await ask(instance)
    } catch (error) {
      if (!(error instanceof TenbinError) || error.code !== 'DAEMON_ABSENT') throw error
      return tellWithoutDaemon(context, instance, error, json)
    }
    if (name !== undefined) await tellOne(context, instance, status, name, json)
    else if (json) context.out(JSON.stringify(status))
    else for (const line of linesOf(status, context, options.all === true)) context.out(line)
    return status.problems.length === 0 ? exitCodes.done : exitCodes.no
  },
}

/** CHECK_TIMEOUT_MS: Nagios ends plugins after ten seconds. */
const CHECK_TIMEOUT_MS = 8_000

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return CHECK_TIMEOUT_MS
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    throw new InvalidArgumentError(`--timeout: ${error.detail ?? error.message}`)
  }
}

const ask = ({ socket }: Instance, timeoutMs?: number): Promise<Status> =>
  callDaemon(socket, {
    ...{ path: '/v1/status', reply: statusSchema },
    ...(timeoutMs !== undefined && { timeoutMs }),
  })

function linesOf(status: Status, { paint, isTerminal, columns, rows }: Context, isAll: boolean): string[] {
  if (isTerminal && !isAll) return screenLines(status, paint, Date.now(), { columns, rows })
  return statusLines(status, paint, Date.now(), isTerminal ? columns : undefined)
}

/** tellOne: a service or a server, and what its checks have seen. */
async function tellOne(
  { out, paint, isTerminal, columns }: Context,
  { socket }: Instance,
  status: Status,
  name: string,
  json: boolean,
): Promise<void> {
  const part = partOf(status, name)
  const of = part.services.some((each) => each.name === name) ? 'service' : 'server'
  const call = { path: '/v1/checks', query: { [of]: name }, reply: checksSchema }
  const answer = await callDaemon(socket, call)
  const width = isTerminal ? columns : Number.POSITIVE_INFINITY
  if (json) out(JSON.stringify({ ...part, ...answer }))
  else for (const line of oneLines(status, part, answer, paint, Date.now(), width)) out(line)
}

/** checkStatus: as Nagios wants it, whatever happens. */
async function checkStatus(
  { out }: Context,
  places: Parameters<typeof instanceOf>[0],
  {
    service,
    timeoutMs,
    json,
  }: { readonly service: string | undefined; readonly timeoutMs: number; readonly json: boolean },
): Promise<ExitCode> {
  let verdict: Verdict
  try {
    verdict = nagiosVerdict(await ask(instanceOf(places), timeoutMs), service)
  } catch (error) {
    if (!(error instanceof TenbinError || error instanceof DaemonRefusal)) throw error
    verdict = unknownVerdict(error.message)
  }
  out(json ? JSON.stringify(verdict) : verdict.line)
  return nagiosCodes[verdict.state]
}
