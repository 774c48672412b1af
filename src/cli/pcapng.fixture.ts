// The blocks of a pcapng file, for tests: one that is cut in the middle is an error.

import assert from 'node:assert/strict'

/** blocksOf a file: their types. draft-ietf-opsawg-pcapng 3.1: type, length, body, length again. */
export function blocksOf(bytes: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4)) {
    const length = bytes.readUInt32LE(at + 4)
    assert.equal(bytes.readUInt32LE(at + length - 4), length, `the block at ${at}`)
    types.push(bytes.readUInt32LE(at))
  }
  return types
}
