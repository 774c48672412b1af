// What instructions compute, on unsigned bigints: the arithmetic half of the interpreter.
// Reference: Documentation/bpf/standardization/instruction-set.rst, "Arithmetic instructions" and "Jump instructions".

import { ALU, JMP } from './isa.ts'

/** swapped: the low 16, 32 or 64 bits, in the other byte order if `toBig`; upper bits are 0. */
export function swapped(value: bigint, bits: number, toBig: boolean): bigint {
  if (!toBig) return BigInt.asUintN(bits, value)
  let result = 0n
  for (let at = 0n; at < bits; at += 8n) result = (result << 8n) | ((value >> at) & 0xffn)
  return result
}

/** compute: a and b are unsigned of `bits`; so is the result. Division by 0 gives 0, modulo 0 the dividend. */
export function compute(op: number, a: bigint, b: bigint, bits: 32 | 64): bigint {
  const shift = b & BigInt(bits - 1)
  const value = () => {
    switch (op) {
      case ALU.add:
        return a + b
      case ALU.sub:
        return a - b
      case ALU.mul:
        return a * b
      case ALU.div:
        return b === 0n ? 0n : a / b
      case ALU.or:
        return a | b
      case ALU.and:
        return a & b
      case ALU.lsh:
        return a << shift
      case ALU.rsh:
        return a >> shift
      case ALU.neg:
        return -a
      case ALU.mod:
        return b === 0n ? a : a % b
      case ALU.xor:
        return a ^ b
      case ALU.mov:
        return b
      default:
        return BigInt.asIntN(bits, a) >> shift
    }
  }
  return BigInt.asUintN(bits, value())
}

/** holds: the comparison of a conditional jump, in 64 or the low 32 bits. */
export function holds(op: number, left: bigint, right: bigint, bits: 32 | 64): boolean {
  const [a, b] = [BigInt.asUintN(bits, left), BigInt.asUintN(bits, right)]
  const [signedA, signedB] = [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)]
  switch (op) {
    case JMP.jeq:
      return a === b
    case JMP.jne:
      return a !== b
    case JMP.jgt:
      return a > b
    case JMP.jge:
      return a >= b
    case JMP.jlt:
      return a < b
    case JMP.jle:
      return a <= b
    case JMP.jset:
      return (a & b) !== 0n
    case JMP.jsgt:
      return signedA > signedB
    case JMP.jsge:
      return signedA >= signedB
    case JMP.jslt:
      return signedA < signedB
    default:
      return signedA <= signedB
  }
}
