// Which packets come up to a socket: rules, as a program of classic BPF that the kernel runs before a packet is queued, so that
// others take neither room nor time of who listens. Its idea: rules are tried in order, the first whose tests all hold
// decides, and what none decides is left out. A test loads one number and compares it; a packet that ends before it
// is left out, too. References: linux/filter.h, Documentation/networking/filter.rst.

import { addressOf } from './memory.ts'
import type { Socket } from './socket.ts'

const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
/** BPF_LD | BPF_ABS by size in bytes, BPF_LD | BPF_IND | BPF_B, BPF_LDX | BPF_MSH | BPF_B, jumps, BPF_RET. */
const LD_ABS = { 1: 0x30, 2: 0x28, 4: 0x20 } as const
const [LDB_IND, LDXB_MSH, JEQ, JGE, RET] = [0x50, 0xb1, 0x15, 0x35, 0x06]
/** Offsets from here on count from the network header, wherever the packet's data begin. */
const SKF_NET_OFF = 0xfff0_0000
const ALL = 0xffff_ffff

type Size = keyof typeof LD_ABS
type Instruction = readonly [code: number, k: number]

/** Field: a number of a packet, as instructions that load it. */
export type Field = readonly Instruction[]
/** inData: a number of so many bytes, at an offset from where the socket's packets begin. */
export const inData = (size: Size, at: number): Field => [[LD_ABS[size], at]]
/** inNetworkHeader: at an offset from the network header, which an IPv6 socket's packets begin behind. */
export const inNetworkHeader = (size: Size, at: number): Field => [[LD_ABS[size], SKF_NET_OFF + at]]
/** behindIp4: a byte behind the IPv4 header that a packet begins with. */
export const behindIp4 = (at: number): Field => [
  [LDXB_MSH, 0],
  [LDB_IND, at],
]

/** Test: of a field; `values` are one or more, unsigned. */
export interface Test {
  readonly field: Field
  readonly jump: number
  readonly values: readonly number[]
}
/** isOneOf: at most 255 values; where there are many, let the test be its rule's first. */
export const isOneOf = (field: Field, values: readonly number[]): Test => ({ field, jump: JEQ, values })
export const isAtLeast = (field: Field, value: number): Test => ({ field, jump: JGE, values: [value] })

/** Rule: packets of which all tests hold come up, or are left out. */
export interface Rule {
  readonly passes: boolean
  readonly when: readonly Test[]
}

/** attachFilter: from now on, instead of the one before; what is queued already stays. Throws SyscallError (ENOMEM, EINVAL). */
export function attachFilter(socket: Socket, rules: readonly Rule[]): void {
  const instructions = Buffer.concat([...rules.map(ruleBytes), sockFilter(RET, 0)])
  socket.setOption(SOL_SOCKET, SO_ATTACH_FILTER, sockFprog(instructions))
}

/** sockFprog: struct sock_fprog: how many instructions, and where. Good while the caller holds them. */
export function sockFprog(instructions: Uint8Array): Buffer {
  const program = Buffer.alloc(16)
  program.writeUInt16LE(instructions.length / 8, 0)
  program.writeBigUInt64LE(addressOf(instructions), 8)
  return program
}

/** ruleBytes: a test that does not hold jumps behind the rule, one that holds to the next test, the last one to the verdict. */
function ruleBytes({ passes, when }: Rule): Buffer {
  const lengths = when.map(({ field, values }) => field.length + values.length)
  return Buffer.concat([
    ...when.map(({ field, jump, values }, test) => {
      const behind = lengths.slice(test + 1).reduce((sum, length) => sum + length, 1)
      return Buffer.concat([
        ...field.map(([code, k]) => sockFilter(code, k)),
        ...values.map((value, at) => {
          const left = values.length - 1 - at
          return sockFilter(jump, value, left, left === 0 ? behind : 0)
        }),
      ])
    }),
    sockFilter(RET, passes ? ALL : 0),
  ])
}

/** sockFilter: an instruction of classic BPF, as struct sock_filter has it; jumps are over so many. */
export function sockFilter(code: number, k: number, whenTrue = 0, whenFalse = 0): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes.writeUInt8(whenTrue, 2)
  bytes.writeUInt8(whenFalse, 3)
  bytes.writeUInt32LE(k, 4)
  return bytes
}
