// A process in a client's namespace that asks an address a thousand times a second whether it is there (ICMP echo, which the
// node that holds it answers by its kernel) and says when it was not. It also hears adverts of VRRP, so that a failure can
// begin at a given phase of them. One loop of poll(2) and no events: on a busy machine a timer of Node would be late by more
// than what is measured. References: RFC 792, raw(7).
//
//   at DELAY   -> { "atMs": ... }    so long after the next advert with a priority
//   report     -> a ProbeReport of what was sent since the last one

import { readSync, writeSync } from 'node:fs'
import { parseIp } from '../../src/base/addresses.ts'
import { SOCK_RAW, Socket } from '../../src/sys/socket.ts'
import { AF_INET, ipAddress } from '../../src/sys/socket-address.ts'
import { checksum } from '../../src/wire/checksum.ts'
import { icmpType } from '../../src/wire/icmp.ts'
import { ipProtocol } from '../../src/wire/ipv4.ts'
import { poll } from '../../test/scenario/support/stream-socket.ts'

/** ProbeOptions: the argument, in JSON. `own`: this node's address, by which it hears adverts. */
export interface ProbeOptions {
  readonly address: string
  readonly own: string
}

/** Outage: requests without an answer, from when the first of them was due to the sending of the next that was answered. */
export interface Outage {
  /** CLOCK_MONOTONIC. */
  readonly fromMs: number
  readonly ms: number
  readonly requests: number
}

/** ProbeReport: `latestMs`: the longest time between two requests, so how finely it was looked. */
export interface ProbeReport {
  readonly sent: number
  readonly outages: readonly Outage[]
  readonly coarsestMs: number
}

const EVERY_MS = 1
/** Whoever has not answered by then has not. */
const GRACE_MS = 60
/** Numbers of requests in flight or not yet told of: four minutes. */
const RING = 1 << 18
const [IP_HEADER, ECHO_BYTES] = [20, 16]
const [IPPROTO_IP, IP_ADD_MEMBERSHIP] = [0, 35]
const IDENTIFIER = process.pid & 0xffff

const { address, own } = JSON.parse(process.argv[2]!) as ProbeOptions
const target = ipAddress(parseIp(address), 0)
const echo = Socket.open(AF_INET, SOCK_RAW, ipProtocol.ICMP)
const adverts = Socket.open(AF_INET, SOCK_RAW, ipProtocol.VRRP)
// struct ip_mreq
adverts.setOption(IPPROTO_IP, IP_ADD_MEMBERSHIP, Buffer.from([224, 0, 0, 18, ...own.split('.').map(Number)]))

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
const sentMs = new Float64Array(RING)
const answered = new Uint8Array(RING)
const into = Buffer.alloc(2048)
const request = Buffer.alloc(ECHO_BYTES)
request[0] = icmpType.ECHO
request.writeUInt16BE(IDENTIFIER, 4)
let next = 0
let told = 0

function ask(): void {
  const at = next % RING
  sentMs[at] = nowMs()
  answered[at] = 0
  request.writeUInt16BE(0, 2)
  request.writeUInt32BE(next, 8)
  request.writeUInt16BE(checksum(request), 2)
  next++
  try {
    echo.send(request, target)
  } catch {
    // No neighbour answers: it was not there.
  }
}

function hearAnswers(): void {
  for (;;) {
    let received: ReturnType<typeof echo.receive>
    try {
      received = echo.receive(into)
    } catch {
      continue
    }
    if (!received) return
    const isAnswer = into[IP_HEADER] === icmpType.ECHOREPLY && into.readUInt16BE(IP_HEADER + 4) === IDENTIFIER
    if (isAnswer) answered[into.readUInt32BE(IP_HEADER + 8) % RING] = 1
  }
}

/** heardAdvert: one that says that somebody is active. */
function heardAdvert(): boolean {
  let heard = false
  while (adverts.receive(into)) heard ||= into[IP_HEADER + 2] !== 0
  return heard
}

function report(): ProbeReport {
  const end = nowMs() - GRACE_MS
  const [from, outages] = [told, [] as Outage[]]
  let coarsestMs = 0
  for (let last = sentMs[told % RING]!; told < next && sentMs[told % RING]! < end; told++) {
    const at = sentMs[told % RING]!
    const dueMs = Math.min(last + EVERY_MS, at)
    coarsestMs = Math.max(coarsestMs, at - last)
    last = at
    const open = outages.at(-1)
    if (answered[told % RING]) {
      if (open?.ms === 0) outages[outages.length - 1] = { ...open, ms: at - open.fromMs }
    } else if (open?.ms === 0) {
      outages[outages.length - 1] = { ...open, requests: open.requests + 1 }
    } else outages.push({ fromMs: dueMs, ms: 0, requests: 1 })
  }
  const open = outages.at(-1)
  // One that has not ended counts as far as is known.
  if (open?.ms === 0) outages[outages.length - 1] = { ...open, ms: end - open.fromMs }
  return { sent: told - from, outages, coarsestMs }
}

const say = (answer: unknown): void => void writeSync(1, `${JSON.stringify(answer)}\n`)

let words = ''
/** What is waited for: how long after the next advert, or, once it came, when. */
let phase: { readonly delayMs: number; readonly atMs?: number } | undefined
writeSync(1, 'open\n')
for (let due = nowMs(); ; ) {
  const ready = poll([0, echo.fd.number, adverts.fd.number], EVERY_MS)
  hearAnswers()
  const now = nowMs()
  if (heardAdvert() && phase && phase.atMs === undefined) phase = { ...phase, atMs: now + phase.delayMs }
  if (phase?.atMs !== undefined && now >= phase.atMs) {
    say({ atMs: now })
    phase = undefined
  }
  if (now >= due) {
    ask()
    due = Math.max(due + EVERY_MS, now)
  }
  if (!ready.includes(0)) continue
  const length = readSync(0, into)
  if (length === 0) process.exit(0)
  words += into.toString('latin1', 0, length)
  for (let end = words.indexOf('\n'); end >= 0; end = words.indexOf('\n')) {
    const [word, argument] = words.slice(0, end).split(' ')
    words = words.slice(end + 1)
    if (word === 'report') say(report())
    else phase = { delayMs: Number(argument) }
  }
}
