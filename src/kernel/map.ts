// Maps. Its idea: a MapSpec, plain data of src/bpf, becomes an owned kernel object; arrays made mmapable are direct
// memory, read and written as typed arrays without a call. Elements of other maps go by a call each, which is for
// looking and for few of them. Left out: batches, maps of maps, freezing, pinned by name in the spec.
// Reference: linux/bpf.h, kernel/bpf/arraymap.c (elements are rounded up to 8 bytes).

import { invariant } from '../base/errors.ts'
import type { MapSpec } from '../bpf/program.ts'
import { errnoNumber } from '../sys/errno.ts'
import type { Fd } from '../sys/fd.ts'
import { SharedMemory } from '../sys/memory.ts'
import { Attr, attempt, bpfFd, type Command, objectInfo, refusal, textAt } from './bpf.ts'
import { loadBtf } from './btf.ts'
import { possibleCpus } from './cpus.ts'
import { expectKind } from './object-kind.ts'

/** enum bpf_map_type */
const types = {
  hash: 1,
  array: 2,
  prog_array: 3,
  percpu_array: 6,
  lru_hash: 9,
  lpm_trie: 11,
  devmap: 14,
  ringbuf: 27,
} as const satisfies Record<MapSpec['type'], number>
const BPF_F_MMAPABLE = 1 << 10
/** BPF_F_NO_PREALLOC: a trie takes memory as it grows, and the kernel makes it no other way. */
const BPF_F_NO_PREALLOC = 1 << 0
const INFO_BYTES = 88

/** MapInfo: what the kernel says of a map. `type` is a number where tenbin has no name for it. */
export interface MapInfo {
  readonly id: number
  readonly name: string
  readonly type: MapSpec['type'] | number
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly mmapable: boolean
}

const existence = { any: 0n, new: 1n, old: 2n } as const
const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to

function mapInfo(fd: Fd): MapInfo {
  const info = objectInfo(fd, 'ask for a map', Buffer.alloc(INFO_BYTES))
  const [type, id, keySize, valueSize, maxEntries, flags] = [0, 4, 8, 12, 16, 20].map((at) =>
    info.readUInt32LE(at),
  ) as [number, number, number, number, number, number]
  const name = Object.entries(types).find(([, number]) => number === type)?.[0] as MapSpec['type'] | undefined
  const mmapable = (flags & BPF_F_MMAPABLE) !== 0
  return { id, name: textAt(info, 24), type: name ?? type, keySize, valueSize, maxEntries, mmapable }
}

/** BpfMap: an owned map. Disposing closes it and its memory; the kernel keeps it while a program or a pin does. */
export class BpfMap implements Disposable {
  readonly fd: Fd
  readonly info: MapInfo
  #memory: SharedMemory | undefined

  private constructor(fd: Fd) {
    this.fd = fd
    this.info = mapInfo(fd)
  }

  /** create: zeroed. Throws SyscallError (E2BIG, ENOMEM: too large), BTF_REFUSED. */
  static create(spec: MapSpec): BpfMap {
    const attr = new Attr()
      .u32(0, types[spec.type])
      .u32(4, spec.keySize)
      .u32(8, spec.valueSize)
      .u32(12, spec.maxEntries)
      .u32(16, (spec.mmapable ? BPF_F_MMAPABLE : 0) | (spec.type === 'lpm_trie' ? BPF_F_NO_PREALLOC : 0))
      .name(28, spec.name)
    const op = `create map ${spec.name}`
    if (!spec.btf) return new BpfMap(bpfFd('BPF_MAP_CREATE', op, attr))
    using btf = loadBtf(spec.btf.blob)
    attr.u32(48, btf.number).u32(52, spec.btf.keyTypeId).u32(56, spec.btf.valueTypeId)
    return new BpfMap(bpfFd('BPF_MAP_CREATE', op, attr))
  }

  /** adopt takes over a descriptor, of a pin for instance. Throws BPF_OBJECT_UNEXPECTED when it is no map's. */
  static adopt(fd: Fd): BpfMap {
    expectKind(fd, 'map')
    return new BpfMap(fd)
  }

  /**
   * memory: all elements of an mmapable array, each at a multiple of its size rounded up to 8, as the program sees
   * them at this moment. Mapped when first asked for, valid until disposal, 0 everywhere afterwards.
   */
  get memory(): ArrayBuffer {
    const { mmapable, name, valueSize, maxEntries } = this.info
    invariant(mmapable, `map ${name} is not mmapable`)
    this.#memory ??= SharedMemory.map(this.fd, roundUp(valueSize, 8) * maxEntries)
    return this.#memory.buffer
  }

  /** valueBytes: what lookup answers and update takes: of a per-CPU map one value a CPU, rounded up to 8 each. */
  get valueBytes(): number {
    const { type, valueSize } = this.info
    return type === 'percpu_array' ? roundUp(valueSize, 8) * possibleCpus().count : valueSize
  }

  /** lookup: a copy of the value; undefined where there is none. Throws SyscallError. */
  lookup(key: Uint8Array): Buffer | undefined {
    const value = Buffer.alloc(this.valueBytes)
    return this.#element('BPF_MAP_LOOKUP_ELEM', key, value) ? value : undefined
  }

  /** update stores a value; `when`: the element must be `new` or `old` (there already). Throws SyscallError. */
  update(key: Uint8Array, value: Uint8Array, when: keyof typeof existence = 'any'): void {
    invariant(value.length === this.valueBytes, `map ${this.info.name}: a value of ${value.length} bytes`)
    const result = this.#attempt('BPF_MAP_UPDATE_ELEM', key, value, existence[when])
    if (result < 0) throw refusal('BPF_MAP_UPDATE_ELEM', `map ${this.info.name}`, -result)
  }

  /** delete: whether there was such an element. Throws SyscallError (EINVAL: an array's cannot be deleted). */
  delete(key: Uint8Array): boolean {
    return this.#element('BPF_MAP_DELETE_ELEM', key, undefined)
  }

  /** keys: copies, in the kernel's order. A key deleted meanwhile makes it start again, so keys may come twice. */
  *keys(): Generator<Buffer> {
    let key: Buffer | undefined
    for (;;) {
      const next = Buffer.alloc(this.info.keySize)
      if (!this.#element('BPF_MAP_GET_NEXT_KEY', key, next)) return
      yield Buffer.from(next)
      key = next
    }
  }

  [Symbol.dispose](): void {
    this.#memory?.[Symbol.dispose]()
    this.fd[Symbol.dispose]()
  }

  #attempt(command: Command, key: Uint8Array | undefined, value: Uint8Array | undefined, flags = 0n): number {
    const { keySize, name } = this.info
    invariant(!key || key.length === keySize, `map ${name}: a key of ${key?.length} bytes`)
    return attempt(
      command,
      new Attr().u32(0, this.fd.number).pointer(8, key).pointer(16, value).u64(24, flags),
    )
  }

  /** element: false when there is none. */
  #element(command: Command, key: Uint8Array | undefined, value: Uint8Array | undefined): boolean {
    const result = this.#attempt(command, key, value)
    if (result >= 0) return true
    if (-result === errnoNumber('ENOENT')) return false
    throw refusal(command, `map ${this.info.name}`, -result)
  }
}

/** mapDifference: in what a map is not what the spec says ("value of 8 bytes, not 16"); undefined when it is. */
export function mapDifference(spec: MapSpec, info: MapInfo): string | undefined {
  if (info.type !== spec.type) return `type ${info.type}, not ${spec.type}`
  if (info.keySize !== spec.keySize) return `key of ${info.keySize} bytes, not ${spec.keySize}`
  if (info.valueSize !== spec.valueSize) return `value of ${info.valueSize} bytes, not ${spec.valueSize}`
  if (info.maxEntries !== spec.maxEntries) return `${info.maxEntries} entries, not ${spec.maxEntries}`
  if (info.mmapable !== (spec.mmapable ?? false)) return info.mmapable ? 'mmapable' : 'not mmapable'
  return undefined
}
