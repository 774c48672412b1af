// What adverts are proved by: a password of version 2, or keys of trailers. Its idea: files are read when the set is told and
// again when they have changed, and never shown. Left out: numbers of trailers (trailer-numbers.ts).

import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'
import { KEY_BYTES, type TrailerKey } from '../wire/vrrp-trailer.ts'
import { passwordBytes } from './compose.ts'
import type { SetSpec } from './spec.ts'

/** Secrets: none of both: adverts prove nothing. */
export interface Secrets {
  readonly password: Uint8Array | undefined
  /** The first signs. */
  readonly keys: readonly TrailerKey[]
}

export const noSecrets: Secrets = { password: undefined, keys: [] }

/** readSecrets: as the files are now. Throws VRRP_SECRET_INVALID. */
export function readSecrets(auth: SetSpec['auth']): Secrets {
  if (auth === undefined) return noSecrets
  if (auth.kind === 'pass') {
    const text = readSecret(auth.file).toString('utf8')
    return { password: passwordBytes(text), keys: [] }
  }
  const keys = auth.files.map((file) => keyOf(file, readSecret(file, KEY_BYTES)))
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    refuse(auth.files.join(' and '), 'both keys are the same, or have the same number: make another one')
  return { password: undefined, keys }
}

/** secretsStamp changes when one of the files does. */
export function secretsStamp(auth: SetSpec['auth']): string {
  const files = auth === undefined ? [] : auth.kind === 'pass' ? [auth.file] : auth.files
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false })
      return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : 'none'
    })
    .join()
}

/** A key's number follows from it, so that files need no order that is the same on all nodes. */
function keyOf(file: string, secret: Buffer): TrailerKey {
  if (secret.length < KEY_BYTES)
    refuse(file, `a key has at least ${KEY_BYTES} bytes, this one ${secret.length}`)
  return { id: createHash('sha256').update(secret).digest()[0]!, secret }
}

/** readSecret: a file without the end of its line, which is part of it where less than `least` bytes would be left; not empty. */
function readSecret(file: string, least = 0): Buffer {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    return refuse(file, (error as NodeJS.ErrnoException).code ?? String(error))
  }
  const lineEnd = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? 2 : 1) : 0
  const secret = bytes.subarray(0, bytes.length - lineEnd)
  if (secret.length === 0) refuse(file, 'it is empty')
  return secret.length < least ? bytes : secret
}

function refuse(file: string, detail: string): never {
  throw new TenbinError('VRRP_SECRET_INVALID', `read ${file}`, { detail })
}
