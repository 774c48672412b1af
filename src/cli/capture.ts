// tenbin capture: what the recorder has, or what comes, as lines for people or as a file for Wireshark. XDP forwards before
// tcpdump on the node sees anything, so this is where packets are seen.

import { closeSync, openSync, writeSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { parseFilter } from '../capture/filter-parse.ts'
import { packetText } from '../capture/packet-text.ts'
import { PcapngStream } from '../capture/pcapng-file.ts'
import { captureLineSchema, capturesSchema, packetOf } from '../daemon/api-capture.ts'
import { instanceOf } from '../daemon/instance.ts'
import type { RecordedPacket } from '../engine/recorded.ts'
import { callDaemon } from './client.ts'
import { clockText } from './clock-text.ts'
import { type CommandSpec, instanceOptions, numberOption, type Options, textOption } from './command.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { followLines } from './follow.ts'
import { table } from './table.ts'

/** STANDARD: -w - is this. */
const STANDARD = 1
/** FULL_MS: so long a reader that is slower has before it is asked again. */
const FULL_MS = 5
const pause = new Int32Array(new SharedArrayBuffer(4))

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
    { flags: '-w, --write <file>', text: 'write pcapng, for Wireshark and tcpdump; - is standard output' },
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
    using sink = path === undefined ? lineSink(context, options.json === true) : new FileSink(path, filter)
    let [shown, lost, looked] = [0, 0, 0]
    let since: number | undefined
    await followLines(socket, { path: '/v1/capture', query }, captureLineSchema, (line) => {
      if (line.interfaces) sink.begin(line.interfaces)
      if (line.packet) {
        sink.add(packetOf(line.packet))
        shown++
      }
      lost += line.lost ?? 0
      since ??= line.since === undefined ? undefined : Math.round((Date.now() - line.since) / 1000)
      looked = line.done ?? line.alive ?? looked
      return shown < count
    })
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

interface Sink extends Disposable {
  begin(interfaces: readonly string[]): void
  add(packet: RecordedPacket): void
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
    begin: () => undefined,
    [Symbol.dispose]: () => undefined,
  }
}

/** FileSink: a pcapng file, from its beginning on, however the capture ends. One that was there stays until there is another. */
class FileSink implements Sink {
  readonly #path: string
  readonly #comment: string
  #fd = STANDARD
  #stream: PcapngStream | undefined

  constructor(path: string, filter: string) {
    this.#path = path
    this.#comment = filter === '' ? 'tenbin capture' : `tenbin capture ${filter}`
  }

  begin(interfaces: readonly string[]): void {
    try {
      if (this.#path !== '-') this.#fd = openSync(this.#path, 'w', 0o600)
    } catch (cause) {
      throw this.#unwritable(cause)
    }
    this.#stream = new PcapngStream(this.#comment, interfaces)
    this.#write(this.#stream.begin())
  }

  add(packet: RecordedPacket): void {
    if (this.#stream) this.#write(this.#stream.add([packet]))
  }

  [Symbol.dispose](): void {
    if (this.#fd !== STANDARD) closeSync(this.#fd)
  }

  #write(bytes: Buffer): void {
    try {
      for (let done = 0; done < bytes.length; ) done += this.#writeSome(bytes.subarray(done))
    } catch (cause) {
      throw this.#unwritable(cause)
    }
  }

  /** #writeSome: 0 where a pipe is full, which Node has made one that does not wait; then its reader has had a moment. */
  #writeSome(bytes: Buffer): number {
    try {
      return writeSync(this.#fd, bytes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(pause, 0, 0, FULL_MS)
      return 0
    }
  }

  #unwritable(cause: unknown): TenbinError {
    const { code = '', message } = cause as NodeJS.ErrnoException
    return new TenbinError('CAPTURE_UNWRITABLE', `write ${this.#path}`, { detail: code || message, cause })
  }
}
