// The daemon's log: pino, synchronous, so that the last line before a crash is there. JSON lines for machines,
// one readable line each where stdout is a terminal; every change says its cause in one line. Fields that could
// hold a secret are cut before they are written.

import { writeSync } from 'node:fs'
import pino, { type DestinationStream, type Logger } from 'pino'

export type Log = Logger
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

const secretFields = ['key', 'keys', 'secret', 'password', 'token', 'authorization']

export interface LogOptions {
  readonly level: LogLevel
  /** pretty: lines for people instead of JSON. */
  readonly pretty: boolean
  /** colour: ANSI colours in pretty lines. */
  readonly colour: boolean
  /** write: where lines go (each ends in a line feed); standard output if absent. */
  readonly write?: (line: string) => void
}

/** openLog makes the logger. A log that nobody reads never stops the daemon. */
export function openLog(options: LogOptions): Log {
  const write = options.write ?? writeStdout
  const stream: DestinationStream = {
    write: (line) => write(options.pretty ? `${prettyLine(line, options.colour)}\n` : line),
  }
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '(secret)' },
    },
    stream,
  )
}

const PATIENCE_MS = 100

/** writeStdout: a reader that went away is no reason to stop, one that is slow is waited for a moment. */
function writeStdout(line: string): void {
  const bytes = Buffer.from(line)
  const deadline = performance.now() + PATIENCE_MS
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at)
    } catch (error) {
      const isFull = (error as NodeJS.ErrnoException).code === 'EAGAIN'
      if (!isFull || performance.now() > deadline) return
      Atomics.wait(pause, 0, 0, 1)
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

const paint: Readonly<Record<string, number>> = { debug: 90, warn: 33, error: 31, fatal: 31 }

/** prettyLine turns one JSON line into `12:03:04 info   message  name=value …`. */
export function prettyLine(json: string, colour: boolean): string {
  const { level, time, msg, ...rest } = JSON.parse(json) as Record<string, unknown>
  const at = String(time).slice(11, 19)
  const word = String(level).padEnd(5)
  const code = paint[String(level)]
  const fields = Object.entries(rest).map(([name, value]) => `  ${name}=${fieldText(value)}`)
  return `${at} ${colour && code ? `\x1b[${code}m${word}\x1b[0m` : word} ${msg}${fields.join('')}`
}

function fieldText(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"]+$/.test(value)) return value
  return JSON.stringify(value)
}
