// Prefixes as the program compares them: the 32-bit words of an address as the machine reads them from a packet.

import { isIp4 } from '../base/addresses.ts'
import type { Prefix } from '../base/prefix.ts'
import { be32, immediate } from '../bpf/values.ts'

const word32 = (value: number): number => immediate(be32(value)) >>> 0

/** maskWords: of so many words the mask of a network of so many bits. */
export const maskWords = (length: number, words: number): readonly number[] =>
  Array.from({ length: words }, (_, index) => {
    const bits = Math.min(32, Math.max(0, length - 32 * index))
    return bits === 0 ? 0 : word32((0xffffffff << (32 - bits)) >>> 0)
  })

/** prefixWords: mask and value of each word that its family's addresses have. */
export function prefixWords({
  address,
  length,
}: Prefix): readonly { readonly mask: number; readonly value: number }[] {
  const words = isIp4(address)
    ? [Number(address)]
    : [96n, 64n, 32n, 0n].map((shift) => Number((address >> shift) & 0xffffffffn))
  const masks = maskWords(length, words.length)
  return words.map((value, index) => ({ mask: masks[index]!, value: word32(value) }))
}
