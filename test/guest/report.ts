// What test/guest/packet-path.ts reports of another kernel.

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
  readonly vectors: {
    readonly passed: number
    readonly failed: readonly { readonly name: string; readonly why: string }[]
  }
}

/** findings: a line for everything in the report that should be otherwise. */
export const findings = ({ golden, vectors }: GuestReport): readonly string[] => [
  ...golden.flatMap((one) => ('refused' in one ? [`golden program ${one.name}: ${one.refused}`] : [])),
  ...vectors.failed.map(({ name, why }) => `vector "${name}": ${why}`),
]
