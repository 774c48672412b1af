// What all decoders share: their result, and their one way to refuse. A decoder reads one header from the start
// of its bytes and hands back what follows as a view; bytes that end too soon or contradict themselves are
// refused with PACKET_INVALID. Checksums are not judged here: checksum.ts can.

import { TenbinError } from '../base/errors.ts'

/** Decoded: a header and the bytes behind it (a view, not a copy). */
export interface Decoded<Header> {
  readonly header: Header
  readonly payload: Uint8Array
}

/** need refuses bytes shorter than `length`. Throws PACKET_INVALID. */
export function need(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length < length)
    throw new TenbinError('PACKET_INVALID', `decode ${what}`, {
      detail: `${bytes.length} bytes, of which ${length} are needed`,
    })
}

/** refuse says why bytes are no `what`. Throws PACKET_INVALID. */
export function refuse(what: string, detail: string): never {
  throw new TenbinError('PACKET_INVALID', `decode ${what}`, { detail })
}

/** viewOf: a DataView over the same bytes; its getters and setters are big-endian unless told otherwise. */
export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
