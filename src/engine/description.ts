// The map in which a generation says of itself what it is (meta.ts): bound to its programs, so that it lives and is found
// with them. Small, and not direct memory: it is read and written by calls.

import { invariant } from '../base/errors.ts'
import type { MapSpec } from '../bpf/program.ts'
import { BpfMap } from '../kernel/map.ts'
import type { BpfProgram } from '../kernel/program.ts'
import { bindMap } from '../kernel/program-maps.ts'
import type { GenerationMaps } from './generation-maps.ts'
import { decodeMeta, encodeMeta, fits, META_MAP, type Meta } from './meta.ts'

const ENTRY_ZERO = new Uint8Array(4)

/** Description: owned. */
export class Description implements Disposable {
  readonly #map: BpfMap
  #meta: Meta
  #text: Buffer

  private constructor(meta: Meta, map: BpfMap, text: Buffer) {
    this.#meta = meta
    this.#map = map
    this.#text = text
  }

  /** bind a description to programs. Throws SyscallError. */
  static bind(programs: readonly BpfProgram[], meta: Meta): Description {
    const text = Buffer.from(encodeMeta(meta))
    const spec: MapSpec = {
      name: META_MAP,
      type: 'array',
      keySize: 4,
      valueSize: text.length,
      maxEntries: 1,
    }
    const map = BpfMap.create(spec)
    try {
      map.update(ENTRY_ZERO, text)
      for (const program of programs) bindMap(program, map)
      return new Description(meta, map, text)
    } catch (error) {
      map[Symbol.dispose]()
      throw error
    }
  }

  /** find the one among maps, which keep it; undefined: there is none that can be read. Throws PINS_NEWER. */
  static find(maps: GenerationMaps): Description | undefined {
    const map = maps.all.get(META_MAP)
    const text = map?.lookup(ENTRY_ZERO)
    const meta = text && decodeMeta(text)
    if (!meta || !fits(meta, (name) => maps.all.get(name)?.info.valueSize ?? 0)) return undefined
    return new Description(meta, map!, text)
  }

  get meta(): Meta {
    return this.#meta
  }

  /** rename what is described: another fingerprint, of as many letters. Throws SyscallError. */
  rename(fingerprint: string): void {
    const meta = { ...this.#meta, fingerprint }
    const text = Buffer.from(encodeMeta(meta))
    invariant(text.length <= this.#text.length, 'a description that has no room')
    const padded = Buffer.concat([text], this.#text.length)
    this.#map.update(ENTRY_ZERO, padded)
    this.#meta = meta
    this.#text = padded
  }

  /** mend: whether somebody else had written to it. It is as it was again. */
  mend(): boolean {
    if (this.#map.lookup(ENTRY_ZERO)?.equals(this.#text)) return false
    this.#map.update(ENTRY_ZERO, this.#text)
    return true
  }

  [Symbol.dispose](): void {
    this.#map[Symbol.dispose]()
  }
}
