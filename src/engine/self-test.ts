// A new program is asked about packets whose answer is known before it is attached: a SYN to a listener, one to
// nobody's port, one for another host. What it says must be what the model says, to the byte (but in dropped frames,
// which nobody sees). The verifier proves that a program is safe; this proves that it is ours.

import {
  type Ip,
  type Ip6,
  isIp4,
  type Mac,
  type Protocol,
  parseIp,
  parseIp4,
  parseMac,
} from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { createModel } from '../dataplane/model.ts'
import { outcomes } from '../dataplane/outcomes.ts'
import { isRange, lastPortOf, narrowest } from '../dataplane/port-ranges.ts'
import type { Shape, Tables } from '../dataplane/shape.ts'
import { ether, ipv4, ipv6, packet, tcp, udp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'

const NUMBER = { drop: 1, pass: 2, tx: 3, redirect: 4 } as const

/** Run: a test run of the program: frame in, verdict's number and frame out. */
export type Run = (frame: Uint8Array) => { readonly verdict: number; readonly frame: Uint8Array }

/** SELF_TEST_LISTENERS: of so many listeners one packet each is tried. */
const SELF_TEST_LISTENERS = 16

/** clientFrame: the first packet of a client to a destination. */
export function clientFrame(
  mac: Mac,
  address: Ip,
  port: number,
  protocol: Protocol,
  sourcePort = 40_000,
): Uint8Array {
  const outer = ether({ destination: mac, source: parseMac('02:00:00:00:00:fe') })
  const inner = isIp4(address)
    ? ipv4({ source: parseIp4('192.0.2.1'), destination: address })
    : ipv6({ source: parseIp('2001:db8::1') as Ip6, destination: address })
  const ports = { source: sourcePort, destination: port }
  return packet(
    outer,
    inner,
    protocol === 'tcp' ? tcp({ ...ports, flags: tcpFlag.SYN }) : udp(ports),
    'twelve bytes',
  )
}

function frames({ mac, listeners }: Shape): Uint8Array[] {
  const step = Math.max(1, Math.floor(listeners.length / SELF_TEST_LISTENERS))
  const tried = listeners.filter((_, i) => i % step === 0)
  const { address, port, protocol } = listeners[0]!
  const here = listeners.filter((listener) => listener.address === address)
  const taken = new Set(here.map((listener) => listener.port))
  const ranges = here.filter(isRange)
  const isFree = (each: number) => !taken.has(each) && !narrowest(ranges, each)
  const free = Array.from({ length: 65_535 }, (_, i) => i + 1).find(isFree) ?? 1
  return [
    ...tried.map((listener, i) =>
      clientFrame(mac, listener.address, lastPortOf(listener), listener.protocol, 40_000 + i),
    ),
    clientFrame(mac, address, free, protocol),
    clientFrame(parseMac('02:00:00:00:00:fd'), address, port, protocol),
  ]
}

/** selfTest throws SELF_TEST_FAILED when the program does not do what the model says. */
export function selfTest(shape: Shape, tables: Tables, run: Run): void {
  const model = createModel(shape, tables)
  for (const frame of frames(shape)) {
    const expected = model(frame)
    const got = run(frame)
    const { verdict } = outcomes[expected.outcome]
    const isDropped = verdict === 'drop'
    const same =
      got.verdict === NUMBER[verdict] && (isDropped || Buffer.compare(got.frame, expected.frame) === 0)
    if (same) continue
    throw new TenbinError('SELF_TEST_FAILED', 'test the new program', {
      detail: `expected ${expected.outcome} for ${Buffer.from(frame).toString('hex')}, got verdict ${got.verdict} and ${Buffer.from(got.frame).toString('hex')}`,
    })
  }
}
