// Instructions written by hand, for programs of a few slots: trials of what the kernel can do, and tests. Anything
// larger comes from src/bpf. Reference: Documentation/bpf/standardization/instruction-set.rst.

/** Slot: opcode, registers (source << 4 | destination), offset, immediate. */
export type Slot = readonly [opcode: number, registers: number, offset: number, immediate: number]

/** handCode: slots as bytes, little-endian. */
export function handCode(...slots: readonly Slot[]): Buffer {
  const bytes = Buffer.alloc(slots.length * 8)
  for (const [index, [opcode, registers, offset, immediate]] of slots.entries()) {
    bytes.writeUInt8(opcode, index * 8)
    bytes.writeUInt8(registers, index * 8 + 1)
    bytes.writeInt16LE(offset, index * 8 + 2)
    bytes.writeInt32LE(immediate, index * 8 + 4)
  }
  return bytes
}

/** returning: `r0 = verdict; exit`. */
export const returning = (verdict: number): readonly [Slot, Slot] => [
  [0xb7, 0, 0, verdict],
  [0x95, 0, 0, 0],
]

/** counting: adds 1 to the 64-bit word that the relocation of slot 0 names, and returns `verdict`. */
export const counting = (verdict: number): readonly Slot[] => [
  [0x18, 1, 0, 0],
  [0, 0, 0, 0],
  [0x79, 0x12, 0, 0],
  [0x07, 2, 0, 1],
  [0x7b, 0x21, 0, 0],
  ...returning(verdict),
]
