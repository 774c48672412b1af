// A watch for floods over a recorder and counters that tests fill, for tests of what is told.

import { formatIp } from '../base/addresses.ts'
import type { DefenceReading } from '../engine/defence-status.ts'
import type { RecordedPacket, RecorderReader } from '../engine/recorded.ts'
import { quietLog } from '../events/quiet-log.ts'
import type { Seen } from '../flood/facts.ts'
import { ether, ipv4, packet, tcp, udp } from '../wire/packet.ts'
import { FloodWatch } from './flood-watch.ts'

const AT = 1_700_000_000_000
/** NIGHT: what SYNs of that night had in common. */
export const NIGHT = { window: 0, options: 'none', length: 40 } as const

/** recorded: a frame as the recorder would have it. */
export function recorded({ at, isOpening, facts }: Seen, service = 'www'): RecordedPacket {
  const { source, sourcePort, protocol, window = 0, options, ttl } = facts
  const ports = { source: sourcePort, destination: 80 }
  const noise = Uint8Array.from({ length: options === 'some' ? 20 : 0 }, () => 1)
  const payload = protocol === 'udp' ? Buffer.from(`${facts.head}${facts.next}`, 'hex') : ''
  const transport =
    protocol === 'udp' ? udp(ports) : tcp({ ...ports, flags: facts.flags ?? 16, window, options: noise })
  const ip = ipv4({ source: formatIp(source), destination: '10.0.0.100', ttl })
  const bytes = packet(ether(), ip, transport, payload)
  return {
    ...{ at, bytes, length: bytes.length, direction: 'in', interface: 'eth0', service },
    ...{ kind: isOpening ? 'new' : 'established', outcome: 'forwarded' },
  }
}

/** Night: what is watched, and what of it is told; time passes by `pass`. */
export class Night implements Disposable {
  now = AT
  queue: RecordedPacket[] = []
  reading: DefenceReading = { services: [], rules: [] }
  rates = new Map<string, { packets: number; bits: number }>()
  outcomes = new Map<string, number>()
  strays = 0
  up = 2
  readonly log = quietLog(1, () => new Date(this.now))
  readonly recorder: RecorderReader = {
    since: (_, most = 4_096) => {
      const due = this.queue.filter(({ at }) => at <= this.now)
      const packets = due.slice(0, most)
      this.queue = this.queue.slice(packets.length)
      return { packets, cursor: [], lost: 0, more: due.length > most }
    },
    end: () => {
      this.queue = this.queue.filter(({ at }) => at > this.now)
      return []
    },
    from: () => [],
    oldest: () => undefined,
    names: { service: [], server: [], interface: [] },
    kept: { records: 0, bytes: 0 },
    interfaces: [],
  }
  readonly watch = new FloodWatch({
    packetPath: {
      recorder: this.recorder,
      defence: { reading: () => this.reading, set: () => undefined },
    },
    events: this.log,
    now: () => new Date(this.now),
    rates: () => ({ services: this.rates, outcomes: this.outcomes }),
    strays: () => this.strays,
    servers: () => ({ up: this.up, of: 2, latencyMs: 3 }),
    seed: 7,
  })

  /** pass so many seconds, with what was recorded in them. */
  pass(seconds: number, seen: readonly RecordedPacket[] = []): void {
    this.queue.push(...[...seen].sort((a, b) => a.at - b.at))
    for (let i = 0; i < seconds * 10; i++) {
      this.now += 100
      this.watch.sweep()
    }
  }

  told(): string[] {
    return this.log.latest().map(({ kind, text }) => `${kind} ${text}`)
  }

  [Symbol.dispose](): void {
    this.queue = []
  }
}
