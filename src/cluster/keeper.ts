// The keys of a running node: read from their file when that changes (a join, an init, somebody's restore), changed by
// rotation, and turned into an identity that is made anew each day. A file that is damaged or gone while the daemon runs
// takes nothing away: what was known counts until it can be read again, and it is a problem.

import { statSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'
import { authorityOf } from './certificate.ts'
import { type Identity, identityOf, isOld } from './identity.ts'
import { type ClusterKeys, readKeyFile, writeKeyFile } from './key-file.ts'
import type { KeyIds } from './rotation.ts'

/** Fault: what is wrong, for `status`. */
export interface Fault {
  readonly code:
    | 'CLUSTER_KEYS_DAMAGED'
    | 'CLUSTER_KEYS_UNKEPT'
    | 'CLUSTER_NODE_UNKNOWN'
    | 'CLUSTER_UNHEARD'
    | 'CLUSTER_UNTOLD'
  readonly message: string
}

export class Keeper {
  readonly #path: string
  readonly #now: () => Date
  #seen = ''
  #keys: ClusterKeys | undefined
  #ids: KeyIds | undefined
  #identity: Identity | undefined
  #fault: Fault | undefined

  constructor(path: string, now: () => Date) {
    this.#path = path
    this.#now = now
    this.look()
  }

  get keys(): ClusterKeys | undefined {
    return this.#keys
  }

  /** ids of what it has; where there are keys. */
  get ids(): KeyIds | undefined {
    return this.#ids
  }

  /** identity, where there are keys; the same one until `look` or `keep` say that there is another. */
  get identity(): Identity | undefined {
    return this.#identity
  }

  get fault(): Fault | undefined {
    return this.#fault
  }

  /** look whether there is another identity from now on: other keys on disk, or a certificate that is a day old. */
  look(): boolean {
    const mark = markOf(this.#path)
    if (mark === this.#seen) return this.#renew()
    this.#seen = mark
    try {
      const keys = readKeyFile(this.#path)
      this.#fault = undefined
      if (!keys && this.#keys)
        this.#fault = fault(`${this.#path} is gone; what it held counts until a restart`)
      if (!keys) return this.#renew()
      return this.#adopt(keys)
    } catch (error) {
      this.#fault = fault(
        error instanceof TenbinError ? error.message : `${this.#path}: ${(error as Error).message}`,
      )
      return this.#renew()
    }
  }

  /** keep other keys: on disk first. Whether they could be; otherwise nothing has changed, and it is a fault. */
  keep(keys: ClusterKeys): boolean {
    try {
      writeKeyFile(this.#path, keys)
    } catch (error) {
      const message = `other keys cannot be kept: ${(error as Error).message}`
      this.#fault = { code: 'CLUSTER_KEYS_UNKEPT', message }
      return false
    }
    this.#fault = undefined
    this.#seen = markOf(this.#path)
    return this.#adopt(keys)
  }

  /** forget the keys, which are gone from the disk on purpose. */
  forget(): void {
    this.#keys = undefined
    this.#ids = undefined
    this.#identity = undefined
    this.#fault = undefined
    this.#seen = markOf(this.#path)
  }

  #adopt(keys: ClusterKeys): true {
    const idOf = (seed: Uint8Array) => authorityOf(seed).id
    const { current, next, previous, without } = keys
    this.#keys = keys
    this.#ids = {
      current: idOf(current),
      ...(next && { next: idOf(next) }),
      ...(previous && { previous: idOf(previous) }),
      ...(without && { without }),
    }
    this.#identity = identityOf(keys, this.#now())
    return true
  }

  #renew(): boolean {
    if (!this.#keys || !this.#identity || !isOld(this.#identity, this.#now())) return false
    this.#identity = identityOf(this.#keys, this.#now())
    return true
  }
}

const fault = (message: string): Fault => ({ code: 'CLUSTER_KEYS_DAMAGED', message })

/** markOf a file: another one when it was replaced or written to. */
function markOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : 'none'
}
