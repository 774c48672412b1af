// What test/guest/packet-path.ts reports of another kernel.

/** Tried: how many did what they should, and which did not. */
export interface Tried {
  readonly passed: number
  readonly failed: readonly { readonly name: string; readonly why: string }[]
}

/** GuestReport: JSON. `missing` names features of src/kernel/probe.ts that the kernel lacks. */
export interface GuestReport {
  readonly kernel: string
  readonly missing: readonly string[]
  readonly golden: readonly (
    | {
        readonly name: string
        readonly loadMs: number
        readonly instructions: number
        readonly jitedBytes: number
      }
    | { readonly name: string; readonly refused: string }
  )[]
  /** Constructs of the builder (test/constructs). */
  readonly constructs: Tried
  readonly vectors: Tried
  /** Stories of tracked flows. */
  readonly stories: Tried
  /** Sequences of frames (src/dataplane/vectors/sequence.ts). */
  readonly sequences: Tried
}

/** findings: a line for everything in the report that should be otherwise. */
export const findings = ({
  golden,
  constructs,
  vectors,
  stories,
  sequences,
}: GuestReport): readonly string[] => [
  ...golden.flatMap((one) => ('refused' in one ? [`golden program ${one.name}: ${one.refused}`] : [])),
  ...constructs.failed.map(({ name, why }) => `construct "${name}": ${why}`),
  ...vectors.failed.map(({ name, why }) => `vector "${name}": ${why}`),
  ...stories.failed.map(({ name, why }) => `story "${name}": ${why}`),
  ...sequences.failed.map(({ name, why }) => `sequence "${name}": ${why}`),
]
