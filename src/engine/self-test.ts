// A new program is asked about packets whose answer is known before it is attached: a SYN to a listener, one to
// nobody's port, one for another host. What it says must be what the model says, to the byte. The verifier proves
// that a program is safe; this proves that it is ours.

import { type Ip4, parseIp4, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { createModel } from '../dataplane/model.ts'
import { outcomes } from '../dataplane/outcomes.ts'
import type { Shape, Tables } from '../dataplane/shape.ts'
import { ether, ipv4, packet, tcp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'

const NUMBER = { drop: 1, pass: 2, tx: 3 } as const

/** Run: a test run of the program: frame in, verdict's number and frame out. */
export type Run = (frame: Uint8Array) => { readonly verdict: number; readonly frame: Uint8Array }

/** SELF_TEST_LISTENERS: of so many listeners one packet each is tried. */
const SELF_TEST_LISTENERS = 16

function frames({ mac, listeners }: Shape): Uint8Array[] {
  const client = parseMac('02:00:00:00:00:fe')
  const syn = (destination: Ip4, port: number, to = mac, sourcePort = 40_000) =>
    packet(
      ether({ destination: to, source: client }),
      ipv4({ source: parseIp4('192.0.2.1'), destination }),
      tcp({ source: sourcePort, destination: port, flags: tcpFlag.SYN }),
    )
  const step = Math.max(1, Math.floor(listeners.length / SELF_TEST_LISTENERS))
  const tried = listeners.filter((_, i) => i % step === 0)
  const free = (address: Ip4) => {
    const taken = new Set(
      listeners.filter((listener) => listener.address === address).map(({ port }) => port),
    )
    return Array.from({ length: 65_535 }, (_, i) => i + 1).find((port) => !taken.has(port)) ?? 1
  }
  const first = listeners[0]!
  return [
    ...tried.map(({ address, port }, i) => syn(address, port, mac, 40_000 + i)),
    syn(first.address, free(first.address)),
    syn(first.address, first.port, client),
  ]
}

/** selfTest throws SELF_TEST_FAILED when the program does not do what the model says. */
export function selfTest(shape: Shape, tables: Tables, run: Run): void {
  const model = createModel(shape, tables)
  for (const frame of frames(shape)) {
    const expected = model(frame)
    const got = run(frame)
    const same =
      got.verdict === NUMBER[outcomes[expected.outcome].verdict] &&
      Buffer.compare(got.frame, expected.frame) === 0
    if (same) continue
    throw new TenbinError('SELF_TEST_FAILED', 'test the new program', {
      detail: `expected ${expected.outcome} for ${Buffer.from(frame).toString('hex')}, got verdict ${got.verdict} and ${Buffer.from(got.frame).toString('hex')}`,
    })
  }
}
