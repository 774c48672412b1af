// Writing into frames that may be too short for it, for the fuzz: what does not fit is left out.

/** put16 writes big-endian, if both octets fit. */
export const put16 = (frame: Uint8Array, at: number, value: number): void => {
  if (at + 1 >= frame.length) return
  frame[at] = value >> 8
  frame[at + 1] = value & 0xff
}

/** put32 writes big-endian, what fits. */
export const put32 = (frame: Uint8Array, at: number, value: number): void => {
  put16(frame, at, value >>> 16)
  put16(frame, at + 2, value & 0xffff)
}

/** put writes bytes, what fits. */
export const put = (frame: Uint8Array, at: number, bytes: Uint8Array): void =>
  frame.set(bytes.subarray(0, Math.max(0, frame.length - at)), Math.min(at, frame.length))

/** octet writes one, if it fits. */
export const octet = (frame: Uint8Array, at: number, value: number): void => {
  if (at < frame.length) frame[at] = value
}

/** insert: zeros between what was before and from `at` on; a new array. */
export function insert(frame: Uint8Array, at: number, length: number): Uint8Array {
  const longer = new Uint8Array(frame.length + length)
  longer.set(frame.subarray(0, at))
  longer.set(frame.subarray(at), at + length)
  return longer
}
