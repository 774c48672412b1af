// The part of the builder for values: arithmetic that tracks the largest value it can yield, changes of width and byte
// order, variables. A value is what it was when it was made: only what variable() made ever changes, and nothing
// shares a variable's register, so that neither a value nor what is known of it goes stale by a later set().

import { invariant } from '../base/errors.ts'
import { Emitter, maxOf } from './emitter.ts'
import { type AluOp, swap } from './isa.ts'
import { callerLine, formatLine } from './line.ts'
import { KIND_BYTES, type Kind } from './types.ts'
import { type Arg, type HostKind, immediate, isVal, type Val } from './values.ts'

/** BinaryOp: arithmetic on two operands. */
export type BinaryOp = Exclude<AluOp, 'neg' | 'end' | 'mov'>
type Wider<A extends HostKind> = A extends 'u64' ? 'u64' : 'u32'

/** ValueBuilder: emits arithmetic. */
export class ValueBuilder extends Emitter {
  /** alu: a op b, in 64 bits when a is u64, else in 32. Constant shift counts are below the width. */
  alu<A extends HostKind>(op: BinaryOp, a: Val<A>, b: Arg<HostKind>): Val<Wider<A>> {
    const line = callerLine()
    const kind = (a.kind === 'u64' ? 'u64' : 'u32') as Wider<A>
    const limit = maxOf(kind)
    const y = isVal(b) ? b.max : immediate(b)
    const bits = kind === 'u64' ? 64 : 32
    const isShift = op === 'lsh' || op === 'rsh' || op === 'arsh'
    invariant(
      !isShift || isVal(b) || (y >= 0 && y < bits),
      `${formatLine(line)}: ${op} by ${y} in ${bits} bits`,
    )
    const range: Partial<Record<BinaryOp, number>> = {
      and: isVal(b) ? Math.min(a.max, y) : y < 0 ? a.max : Math.min(a.max, y),
      rsh: isVal(b)
        ? a.max
        : a.max > Number.MAX_SAFE_INTEGER
          ? 2 ** (64 - y) - 1
          : Math.floor(a.max / 2 ** y),
      lsh: isVal(b) ? limit : a.max * 2 ** y,
      add: y < 0 ? limit : a.max + y,
      mul: y < 0 ? limit : a.max * y,
    }
    const known = range[op]
    const out = this.value(
      kind,
      known !== undefined && known <= Math.min(limit, Number.MAX_SAFE_INTEGER) ? known : limit,
    )
    this.aluInto('mov', out.reg, { reg: a.reg }, 64, line)
    this.aluInto(op, out.reg, this.operand(b, bits, line), bits, line)
    return out
  }

  /** widen: the same value as 64 bits (registers are zero-extended). Emits nothing but for a variable. */
  widen(value: Val<HostKind>): Val<'u64'> {
    return this.again(value, 'u64', value.max, callerLine())
  }

  /** narrow: the low half of a 64-bit value. Emits nothing where the upper half is known to be 0. */
  narrow(value: Val<'u64'>): Val<'u32'> {
    const line = callerLine()
    const limit = maxOf('u32')
    if (value.max <= limit) return this.again(value, 'u32', value.max, line)
    const out = this.value('u32', limit)
    this.aluInto('mov', out.reg, { reg: value.reg }, 32, line)
    return out
  }

  /** bits: a wire-order value as the machine's word, for hashing. Emits nothing but for a variable. */
  bits(value: Val<'be16' | 'be32'>): Val<'u32'> {
    return this.again(value, 'u32', value.max, callerLine())
  }

  /** toHost: a wire-order value in host order. */
  toHost<K extends 'be16' | 'be32'>(value: Val<K>): Val<K extends 'be16' ? 'u16' : 'u32'> {
    const line = callerLine()
    const width = KIND_BYTES[value.kind]
    const out = this.value(width === 2 ? 'u16' : 'u32')
    this.aluInto('mov', out.reg, { reg: value.reg }, 64, line)
    this.push(swap(out.reg, width === 2 ? 16 : 32), line)
    return out as Val<K extends 'be16' ? 'u16' : 'u32'>
  }

  /** toWire: a value of 32 bits in wire order. */
  toWire(value: Val<'u32'>): Val<'be32'> {
    const line = callerLine()
    const out = this.value('be32')
    this.aluInto('mov', out.reg, { reg: value.reg }, 64, line)
    this.push(swap(out.reg, 32), line)
    return out
  }

  /** scale: hash * n >> 32: an index below n, n constant, for a uniform 32-bit hash. */
  scale(hash: Val<'u32' | 'u64'>, n: number): Val<'u64'> {
    invariant(hash.max <= 0xffffffff, `${formatLine(callerLine())}: scale takes a hash of 32 bits`)
    invariant(
      Number.isInteger(n) && n > 0 && n < 2 ** 31,
      `${formatLine(callerLine())}: scale to ${n}: 1 to 2^31 - 1`,
    )
    const shift = Math.log2(n)
    const isShift = Number.isInteger(shift) && shift > 0
    const index = isShift
      ? this.alu('rsh', this.widen(hash), 32 - shift)
      : this.alu('rsh', this.alu('mul', this.widen(hash), n), 32)
    return { ...index, max: n - 1 }
  }

  /** constant: a number in a register. */
  constant(value: number): Val<'u32'> {
    const out = this.value('u32', value)
    this.moveInto(out.reg, value, callerLine())
    return out
  }

  /** variable: a register that is set more than once. `max` bounds all that is ever put in. */
  variable<K extends Kind>(kind: K, max = maxOf(kind)): Val<K> {
    return { ...this.value(kind, max), mutable: true }
  }

  set<K extends Kind>(variable: Val<K>, value: Arg<NoInfer<K>>): void {
    const line = callerLine()
    const known = isVal(value) ? value.max : immediate(value)
    invariant(variable.mutable, `${formatLine(line)}: only what variable() made can be set`)
    invariant(
      known >= 0 && known <= variable.max,
      `${formatLine(line)}: variable takes values up to ${variable.max}, not ${known}`,
    )
    this.moveInto(variable.reg, value, line)
  }
}
