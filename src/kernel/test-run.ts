// Running a program on a packet of ours, without a network. Its idea: bytes go in, the verdict and the bytes that the
// program left come out; or, with live frames, the verdict is carried out for real, which sends what was XDP_TX or
// redirected. Traps of measuring by it are many: repeat feeds the program its own output, live frames are not
// restored. Reference: BPF_PROG_TEST_RUN in linux/bpf.h, net/bpf/test_run.c, Documentation/bpf/bpf_prog_run.rst.

import { invariant } from '../base/errors.ts'
import { Attr, bpf } from './bpf.ts'
import type { BpfProgram } from './program.ts'

const BPF_F_TEST_XDP_LIVE_FRAMES = 1 << 1
/** struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex */
const CONTEXT_BYTES = 24
/** More than a program can grow a packet by at its head; the tail has what is left of a page. */
const ROOM = 4096

/** What comes out, until it is copied. */
let scratch = Buffer.alloc(2 * ROOM)

/** TestInput: the packet, 14 bytes at least, and how to run the program on it. */
export interface TestInput {
  readonly packet: Uint8Array
  /** How many times, 1 where not said; a later run gets what the one before left. */
  readonly repeat?: number
  /** The interface that the packet seems to have come in by; the program sees 1 (loopback) where not said. */
  readonly ingressIfindex?: number
  readonly rxQueueIndex?: number
}

/** TestOutput: `verdict` is what the program returned (enum xdp_action), `durationNs` the mean of one run. */
export interface TestOutput {
  readonly verdict: number
  readonly packet: Buffer
  readonly durationNs: number
}

function context({ packet, ingressIfindex, rxQueueIndex = 0 }: TestInput): Buffer | undefined {
  if (ingressIfindex === undefined) return undefined
  const context = Buffer.alloc(CONTEXT_BYTES)
  context.writeUInt32LE(packet.length, 4)
  context.writeUInt32LE(ingressIfindex, 12)
  context.writeUInt32LE(rxQueueIndex, 16)
  return context
}

function attrOf(program: BpfProgram, input: TestInput): Attr {
  const { packet, repeat = 1 } = input
  invariant(Number.isInteger(repeat) && repeat >= 1, `a test run of ${repeat} times`)
  const attr = new Attr().u32(0, program.fd.number).u32(8, packet.length).pointer(16, packet).u32(32, repeat)
  const made = context(input)
  return made ? attr.u32(40, made.length).pointer(48, made) : attr
}

/** testRun: one verdict for all repeats, the last one's. Throws SyscallError (EINVAL: under 14 bytes; ENODEV). */
export function testRun(program: BpfProgram, input: TestInput): TestOutput {
  if (scratch.length < input.packet.length + ROOM) scratch = Buffer.alloc(input.packet.length + ROOM)
  const attr = attrOf(program, input).u32(12, scratch.length).pointer(24, scratch)
  bpf('BPF_PROG_TEST_RUN', `test-run ${program.info.name}`, attr)
  const { bytes } = attr
  return {
    verdict: bytes.readUInt32LE(4),
    packet: Buffer.from(scratch.subarray(0, bytes.readUInt32LE(12))),
    durationNs: bytes.readUInt32LE(36),
  }
}

/**
 * runLive sends `repeat` frames through the program as if they had come in by `ingressIfindex`: what it passes goes to
 * the kernel, what it sends is sent. In batches of `batch` (64, at most 256). Throws SyscallError.
 */
export function runLive(
  program: BpfProgram,
  input: TestInput & { readonly ingressIfindex: number; readonly batch?: number },
): void {
  const attr = attrOf(program, input)
    .u32(64, BPF_F_TEST_XDP_LIVE_FRAMES)
    .u32(72, input.batch ?? 64)
  bpf('BPF_PROG_TEST_RUN', `run ${program.info.name} live`, attr)
}
