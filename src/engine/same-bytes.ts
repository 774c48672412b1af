// Whether memory holds what other memory holds, as one comparison of bytes: of tens of millions of words a loop takes long.

/** isSame: the same bytes. */
export const isSame = (one: ArrayBufferView, other: ArrayBufferView): boolean =>
  Buffer.compare(bytesOf(one), bytesOf(other)) === 0

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
