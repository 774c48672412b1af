// What the builder hands to the loader: instructions, maps and debug information as plain data. The loader makes
// the maps, fills the relocations in and asks the verifier; nothing here knows a descriptor.

/** MapSpec: a map to create. BTF ids refer to `btf.blob`, the program's own. */
export interface MapSpec {
  /** At most 15 characters. */
  readonly name: string
  readonly type:
    | 'array'
    | 'hash'
    | 'percpu_array'
    | 'lru_hash'
    | 'lpm_trie'
    | 'devmap'
    | 'prog_array'
    | 'ringbuf'
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly mmapable?: boolean
  readonly btf?: { readonly blob: Uint8Array; readonly keyTypeId: number; readonly valueTypeId: number }
}

/** Relocation: the 64-bit load at slot `insn` takes a map's descriptor, or an address in a map's value. */
export interface Relocation {
  readonly insn: number
  readonly kind: 'map-fd' | 'map-value'
  readonly map: string
  readonly offset: number
}

/** ProgramSpec: a program ready to load. `code` has 8 bytes a slot, little-endian, relocations unresolved. */
export interface ProgramSpec {
  readonly name: string
  readonly code: Uint8Array
  readonly relocations: readonly Relocation[]
  readonly maps: readonly MapSpec[]
  /** BPF_F_* of program load. */
  readonly flags: number
  /** func_info records of 8 bytes, line_info records of 16 bytes (linux/bpf.h). */
  readonly btf?: { readonly blob: Uint8Array; readonly funcInfo: Uint8Array; readonly lineInfo: Uint8Array }
}
