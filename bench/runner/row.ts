// What a bench measures: rows. A bench NAME is a file bench/NAME.ts that exports `async function NAME({ quick })`.

/** Row: one measured figure; `value` is the median of `runs`. `checks` are counts that prove what was measured. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly min: number
  readonly max: number
  readonly runs: number
  readonly checks?: Readonly<Record<string, number>>
  /** Why the figure must not be believed (its checks are wrong), or which limit it breaks. The bench's exit status is 1 then. */
  readonly failed?: string
}

/** Bench: `quick` finishes in under 50 seconds, with fewer runs or rows. */
export type Bench = (options: { readonly quick: boolean }) => Promise<readonly Row[]>

/** Run: all of one bench, as --json prints it and bench/results keeps it. */
export interface Run {
  readonly bench: string
  readonly machine: Machine
  readonly rows: readonly Row[]
}

/** Machine: where and of what a run was; `commit` ends in "+" when the tree held changes. */
export interface Machine {
  readonly cpu: string
  readonly cpus: number
  readonly kernel: string
  readonly node: string
  readonly commit: string
  /** ISO 8601, UTC. */
  readonly date: string
}
