// The process that sends traffic, in a client's namespace. Its argument is a TrafficProcessOptions in JSON; it is told
// `resume`, `pause`, `forget` and `stop` by lines on stdin and reports by lines of JSON on stdout. It starts paused, and ends
// with its parent: when stdin closes.

import { createInterface } from 'node:readline'
import { Traffic, type TrafficCounts, type TrafficOptions } from './traffic.ts'

/** TrafficProcessOptions: what to send, and how often to report. */
export interface TrafficProcessOptions extends TrafficOptions {
  readonly reportMs: number
}

/** TrafficReport: a line of stdout. `ready` first, `tick` regularly, `idle` when a pause holds, `end` last. */
export interface TrafficReport {
  readonly event: 'ready' | 'tick' | 'idle' | 'end'
  readonly counts: TrafficCounts
}

const options = JSON.parse(process.argv[2]!) as TrafficProcessOptions
const traffic = new Traffic(options)

const report = (event: TrafficReport['event']) => {
  process.stdout.write(`${JSON.stringify({ event, counts: traffic.counts() } satisfies TrafficReport)}\n`)
}
// The parent is gone: nobody reads, nobody will say stop.
process.stdout.on('error', () => process.exit(1))

setInterval(() => report('tick'), options.reportMs)
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'resume') traffic.resume()
    else if (line === 'pause') void traffic.pause().then(() => report('idle'))
    else if (line === 'forget') traffic.forget()
    else if (line === 'stop')
      void traffic.pause().then(() => {
        report('end')
        process.stdout.end(() => process.exit(0))
      })
  })
  .on('close', () => process.exit(1))
report('ready')
