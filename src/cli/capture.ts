// tenbin capture: what the recorder has, or what comes, as lines for people or as a file for Wireshark. XDP forwards before
// tcpdump on the node sees anything, so this is where packets are seen.

import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { parseFilter } from '../capture/filter-parse.ts'
import { packetText } from '../capture/packet-text.ts'
import { captureLineSchema, capturesSchema, packetOf } from '../daemon/api-capture.ts'
import { instanceOf } from '../daemon/instance.ts'
import type { RecordedPacket } from '../engine/recorded.ts'
import { CaptureSink } from './capture-file.ts'
import { callDaemon } from './client.ts'
import { clockText } from './clock-text.ts'
import { type CommandSpec, instanceOptions, numberOption, type Options, textOption } from './command.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { followLines } from './follow.ts'
import { table } from './table.ts'

/** ENDS: signals by which a capture ends that is written to a file. */
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export const captureCommand: CommandSpec = {
  words: 'capture [filter...]',
  summary: 'Show or save recorded packets, with what became of each: verdict, service, server',
  details: [
    'Packets as they come, until Ctrl-C; with --last those of the recent past, from memory. The recorder keeps the first',
    'packets of each few milliseconds: SYNs and dropped packets densely, others as samples, the first 104 bytes of each.',
    'A minute is kept whatever arrives, nearly three of SYNs where only they flood, hours where little comes; what is less than',
    '--last asks for is said.',
    'FILTER: service NAME, server NAME, client ADDRESS[/LENGTH], port N, verdict drop|tx|pass|COUNTER, flags syn,!ack,',
    'kind new|dropped|rule|established, interface NAME; joined by and (or nothing), or, not, ( ).',
  ].join(' '),
  arguments: { filter: 'which packets; all if absent' },
  options: [
    {
      flags: '-w, --write <file>',
      text: 'write pcapng, for Wireshark and tcpdump; - is standard output; what FILE has stays until the capture is complete',
    },
    { flags: '--last <duration>', text: 'what is kept of the last 10s, 2m, instead of what comes' },
    { flags: '-f, --follow', text: 'with --last: go on with what comes' },
    {
      flags: '--kept',
      text: 'list what was kept by itself around something bad: floods, failures, failovers',
    },
    { flags: '-c, --count <count>', text: 'end after so many packets' },
    ...instanceOptions,
    { flags: '--json', text: 'answer for programs: one JSON object a line' },
  ],
  examples: [
    ['tenbin capture', 'packets as they come'],
    ['tenbin capture --last 2m -w night.pcapng', 'the last two minutes, for Wireshark'],
    ['tenbin capture --kept', 'files that hold what came before and after something bad'],
    ['tenbin capture service www verdict drop', 'what is dropped of www'],
    ["tenbin capture 'client 203.0.113.0/24 and not flags ack'", 'how those clients begin'],
    ['tenbin capture -w - | tshark -r -', 'straight into another tool'],
  ],
  exits: {
    no: 'nothing is recorded, or the file cannot be written',
    absent: 'the daemon is not there',
    notPermitted: 'not root',
  },
  run: async (context, { args, options }) => {
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    if (options.kept) return await showKept(context, socket, options.json === true)
    const filter = filterOf(args as readonly unknown[])
    const count = numberOption(options, 'count') ?? Number.POSITIVE_INFINITY
    const query = { ...(filter !== '' && { filter }), ...lastOf(options) }
    const path = textOption(options, 'write')
    using sink =
      path === undefined
        ? lineSink(context, options.json === true)
        : new CaptureSink(path, `tenbin capture ${filter}`.trimEnd(), context.err)
    using stop = new Stop()
    let [shown, lost, looked] = [0, 0, 0]
    let since: number | undefined
    const call = { path: '/v1/capture', query, signal: stop.signal }
    await followLines(socket, call, captureLineSchema, (line) => {
      if (line.interfaces) {
        sink.begin(line.interfaces)
        if (sink.isFile) stop.listen()
      }
      if (line.packet) {
        sink.add(packetOf(line.packet))
        shown++
      }
      lost += line.lost ?? 0
      since ??= line.since === undefined ? undefined : Math.round((Date.now() - line.since) / 1000)
      looked = line.done ?? line.alive ?? looked
      return shown < count
    })
    sink.end()
    const reach = since === undefined ? '' : `: the oldest that is kept is ${since} s old`
    const missed = lost > 0 ? `, ${lost} were overwritten before they were read` : ''
    context.err(
      `${shown} packet${shown === 1 ? '' : 's'}${path === undefined ? '' : ` written to ${path}`}${missed}${reach}`,
    )
    return exitCodes.done
  },
}

/** showKept: what is on the disk. */
async function showKept({ out, err }: Context, socket: string, isJson: boolean): Promise<ExitCode> {
  const answer = await callDaemon(socket, { path: '/v1/captures', reply: capturesSchema })
  const { captures } = answer
  if (isJson) out(JSON.stringify(answer))
  else if (captures.length === 0) err('nothing has been kept')
  else {
    const rows = captures.map(({ began, why, node = '', bytes, path }) => [
      ...[clockText(began, new Date()), why, node, `${Math.ceil(bytes / 1024)} KiB`, path],
    ])
    for (const line of table(rows, ['left', 'left', 'left', 'right', 'left'])) out(line)
  }
  return exitCodes.done
}

/** filterOf the words of the command line. */
function filterOf(args: readonly unknown[]): string {
  const text = args.flat().join(' ')
  try {
    parseFilter(text)
    return text
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    throw new InvalidArgumentError(`filter: ${error.detail}\n  ${text}\n  ${caretOf(error.detail)}`)
  }
}

/** caretOf a refusal: under the character that it names. */
const caretOf = (detail = ''): string =>
  `${' '.repeat(Number(/^character (\d+)/.exec(detail)?.[1] ?? 1) - 1)}^`

function lastOf(options: Options): Record<string, string> {
  const last = textOption(options, 'last')
  if (last === undefined) return {}
  try {
    parseDuration(last)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    throw new InvalidArgumentError(`--last: ${error.detail ?? error.message}`)
  }
  return { last, ...(options.follow === true && { follow: 'true' }) }
}

/** Stop: asked for by a signal, once; the next one ends the process. */
class Stop implements Disposable {
  readonly #controller = new AbortController()
  readonly #abort = (): void => this.#controller.abort()

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  listen(): void {
    for (const signal of ENDS) process.once(signal, this.#abort)
  }

  [Symbol.dispose](): void {
    for (const signal of ENDS) process.off(signal, this.#abort)
  }
}

interface Sink extends Disposable {
  /** isFile: what is written there is to be ended in order. */
  readonly isFile: boolean
  begin(interfaces: readonly string[]): void
  add(packet: RecordedPacket): void
  end(): void
}

function lineSink({ out, paint }: Context, isJson: boolean): Sink {
  const time = (at: number): string => new Date(at).toISOString().slice(11, 23)
  return {
    add: (packet) => {
      const { bytes, ...rest } = packet
      if (isJson) return out(JSON.stringify({ ...rest, frame: Buffer.from(bytes).toString('hex') }))
      const { at, outcome, service = '-', server = '-' } = packet
      const colour = packet.kind === 'dropped' ? paint.bad : paint.good
      out(`${paint.faint(time(at))} ${colour(outcome.padEnd(13))} ${service} ${server} ${packetText(packet)}`)
    },
    isFile: false,
    begin: () => undefined,
    end: () => undefined,
    [Symbol.dispose]: () => undefined,
  }
}
