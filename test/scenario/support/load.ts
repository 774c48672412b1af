// Load from a client of a lab that runs until it is told to stop and then says what failed: wrk over connections that
// stay open, curl over a new connection for every request, and connections that are open all the time.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Lab } from '../../../src/lab/held-lab.ts'
import type { Command } from '../../../src/lab/run.ts'
import { entryOf } from './entry.ts'
import { execute } from './execute.ts'
import type { OpenConnectionsOptions, OpenConnectionsReport } from './open-connections-process.ts'
import { gone, TalkingProcess } from './talking-process.ts'

/** Load: something that runs; `stop` ends it and resolves with its result, dispose ends it whatever it is doing. */
export interface Load<Result> extends AsyncDisposable {
  stop(): Promise<Result>
}

/** WrkResult: wrk's own counts; `errors` is all it knows as one. */
export interface WrkResult {
  readonly requests: number
  readonly errors: Readonly<Record<'connect' | 'read' | 'write' | 'status' | 'timeout', number>>
}

let loads = 0
const wrkScript = (pauseMs: number) => `
${pauseMs > 0 ? `function delay() return ${pauseMs} end` : ''}
function done(summary)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\\n',
    summary.requests, e.connect, e.read, e.write, e.status, e.timeout))
end
`

/**
 * WrkOptions: `pauseMs` before each request of a connection; `closing`: every request over a connection of its own;
 * `cpu`: where it runs, absent = anywhere.
 */
export interface WrkOptions {
  readonly pauseMs?: number
  readonly closing?: boolean
  readonly cpu?: number
}

/**
 * startWrk: requests on so many connections at a time; if nothing else is said one every 10 ms on each, which stays
 * open. It makes one connection more, to see that somebody is there.
 */
export function startWrk(
  lab: Lab,
  url: string,
  connections: number,
  { pauseMs = 10, closing = false, cpu }: WrkOptions = {},
): Load<WrkResult> {
  const script = join(lab.directory, `wrk-${++loads}.lua`)
  writeFileSync(script, wrkScript(pauseMs))
  const command: Command = [
    ...(cpu === undefined ? (['wrk'] as const) : (['taskset', '-c', String(cpu), 'wrk'] as const)),
    ...['-t1', `-c${connections}`, '-d300s', '--timeout', '10s', '-s', script],
    ...(closing ? ['-H', 'Connection: close'] : []),
    url,
  ]
  const child = lab.spawn('client', command, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const said = Promise.all([text(child.stdout!), text(child.stderr!)])
  return {
    stop: async () => {
      child.kill('SIGINT')
      const [out, err] = await said
      const result = /^RESULT (.*)$/m.exec(out)?.[1]
      if (result === undefined) throw new Error(`wrk: ${err || out}`)
      return JSON.parse(result) as WrkResult
    },
    [Symbol.asyncDispose]: () => gone(child),
  }
}

/** CurlResult: requests that were answered with 200 over a connection of their own, and what the others said. */
export interface CurlResult {
  readonly answered: number
  readonly failures: readonly string[]
}

/** startCurl: `loops` at a time, each `rate` requests a second. */
export function startCurl(lab: Lab, url: string, loops: number, rate: number): Load<CurlResult> {
  let stopped = false
  let answered = 0
  const failures: string[] = []
  const format = '%{http_code} %{num_connects} %{errormsg}\n'
  const options = ['-sS', '-m', '10', '--rate', `${rate}/s`, '-H', 'Connection: close', '-w', format]
  const loop = async () => {
    while (!stopped) {
      const { code, out, err } = await execute(lab, 'client', [
        'curl',
        ...options,
        ...['-o', '/dev/null', `${url}?[1-${rate}]`],
      ])
      for (const line of out.trimEnd().split('\n')) {
        if (line.trim() === '200 1') answered++
        else failures.push(line)
      }
      if (code !== 0) failures.push(`curl: exit code ${code}: ${err}`)
    }
  }
  const running = Promise.all(Array.from({ length: loops }, loop))
  const stop = async () => {
    stopped = true
    await running
    return { answered, failures }
  }
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

/** startOpenConnections: open-connections-process.ts in the client; resolves when all of them are open. */
export async function startOpenConnections(
  lab: Lab,
  options: OpenConnectionsOptions,
): Promise<Load<OpenConnectionsReport>> {
  const talking = await TalkingProcess.start(lab, 'client', entryOf('open-connections-process', options))
  return {
    stop: () => talking.ask<OpenConnectionsReport>('stop'),
    [Symbol.asyncDispose]: () => talking[Symbol.asyncDispose](),
  }
}
