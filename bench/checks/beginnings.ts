// When looks began, seen from where they arrive, with the same instrument for whoever looks: the kernel's time stamps of
// the SYNs on the loopback, by tcpdump. A look is late by what passed since the last look at the same target, above the
// interval. So one who waits anew after each look is not charged with the drift that this makes; it is told by itself.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { formatIp, type Ip4 } from '../../src/base/addresses.ts'
import { TARGET_PORT, type Targets } from './targets.ts'

/** SYN alone: the first segment of a connection. */
const FILTER = `tcp dst port ${TARGET_PORT} and tcp[tcpflags] == tcp-syn`
/** The file's header and each record's (wiki.wireshark.org/Development/LibpcapFileFormat). */
const [FILE_HEADER, RECORD_HEADER] = [24, 16]
/** Of a frame: Ethernet's header, and what is before the destination in IPv4's. */
const DESTINATION = 14 + 16
const SNAP_BYTES = 64
/** Longer than the kernel holds frames back for tcpdump. */
const BUFFERED_MS = 1500

/** Pace: of looks at many targets. */
export interface Pace {
  readonly targets: number
  readonly looks: number
  /** All but one of a hundred came no later than this, after the last one and the interval. */
  readonly lateP99Ms: number
  /** What the mean interval is above the one that was asked for. */
  readonly driftMs: number
}

/** pace: `beginnings` in ms by target. Throws where no target was looked at twice. */
export function pace(beginnings: ReadonlyMap<string, readonly number[]>, everyMs: number): Pace {
  const late: number[] = []
  let looks = 0
  for (const times of beginnings.values()) {
    looks += times.length
    for (let look = 1; look < times.length; look++) late.push(times[look]! - times[look - 1]! - everyMs)
  }
  if (late.length === 0) throw new Error('bench checks: no target was looked at twice')
  late.sort((a, b) => a - b)
  return {
    targets: beginnings.size,
    looks,
    lateP99Ms: late[Math.ceil(late.length * 0.99) - 1]!,
    driftMs: late.reduce((sum, each) => sum + each, 0) / late.length,
  }
}

/**
 * beginningsOf a capture file (little-endian, microseconds, Ethernet, IPv4): by destination, those between two times, in
 * ms of the epoch.
 */
export function beginningsOf(capture: Buffer, from: number, to: number): Map<string, number[]> {
  const beginnings = new Map<string, number[]>()
  for (let at = FILE_HEADER; at + RECORD_HEADER < capture.length; ) {
    const frame = at + RECORD_HEADER
    const target = formatIp(capture.readUInt32BE(frame + DESTINATION) as Ip4)
    const ms = capture.readUInt32LE(at) * 1000 + capture.readUInt32LE(at + 4) / 1000
    at = frame + capture.readUInt32LE(at + 8)
    if (ms < from || ms >= to) continue
    const known = beginnings.get(target)
    if (known) known.push(ms)
    else beginnings.set(target, [ms])
  }
  return beginnings
}

/** watched: when looks began while `work` went on. Throws where the kernel dropped one from the capture. */
export async function watched(
  targets: Targets,
  work: () => Promise<void>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const file = join(targets.folder, 'looks.pcap')
  const options = ['-nn', '-i', 'lo', '-s', `${SNAP_BYTES}`, '-B', '8192', '-Z', 'root', '-w', file]
  const tcpdump = targets.spawn('tcpdump', [...options, FILTER], 'pipe')
  const closed = once(tcpdump, 'close')
  let words = ''
  const listening = new Promise<void>((resolve, reject) => {
    tcpdump.stderr!.setEncoding('utf8').on('data', (text: string) => {
      words += text
      if (words.includes('listening on')) resolve()
    })
    tcpdump.once('close', () => reject(new Error(`tcpdump: ${words}`)))
  })
  await listening
  const from = Date.now()
  await work()
  const to = Date.now()
  await delay(BUFFERED_MS)
  tcpdump.kill('SIGINT')
  await closed
  if (!/^0 packets dropped by kernel$/m.test(words)) throw new Error(`tcpdump: ${words}`)
  return beginningsOf(readFileSync(file), from, to)
}
