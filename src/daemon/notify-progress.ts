// How far each target has been told, on the disk, so that a daemon that is killed goes on from there. Written beside the
// daemon's work, one write at a time, the latest state each time; a kill before that costs a message told twice. What
// cannot be read counts as nothing: targets begin with what happens from then on.

import { open, rename } from 'node:fs/promises'
import { z } from 'zod'
import type { Progress } from '../notify/queue.ts'
import { readIfThere } from '../sys/private-file.ts'

const fileSchema = z.strictObject({
  version: z.literal(1),
  targets: z.record(z.string(), z.strictObject({ seq: z.int().min(0), missed: z.int().min(0) })),
})

const RETRY_MS = 2_000

export class NotifyProgress {
  readonly #path: string
  readonly #targets: Map<string, Progress>
  #writing: Promise<void> | undefined
  #isStale = false
  #unkept: string | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(path: string) {
    this.#path = path
    this.#targets = new Map(Object.entries(readTargets(path)))
  }

  get(name: string): Progress | undefined {
    return this.#targets.get(name)
  }

  /** highest: the highest number of an event that any target was told of; 0: none. */
  get highest(): number {
    return Math.max(0, ...[...this.#targets.values()].map(({ seq }) => seq))
  }

  /** set: written soon. */
  set(name: string, progress: Progress): void {
    this.#targets.set(name, progress)
    this.#wake()
  }

  /** keepOnly these targets. */
  keepOnly(names: ReadonlySet<string>): void {
    const others = [...this.#targets.keys()].filter((name) => !names.has(name))
    for (const name of others) this.#targets.delete(name)
    if (others.length > 0) this.#wake()
  }

  /** unkept: why a restart would not know how far targets were told; undefined: it would. */
  get unkept(): string | undefined {
    return this.#unkept
  }

  /** close: what is known is written, if the disk answers in time. */
  async close(patienceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs)
    })
    await Promise.race([this.#writing, patience])
    clearTimeout(timer)
    clearTimeout(this.#retry)
  }

  #wake(): void {
    this.#isStale = true
    if (!this.#writing && !this.#retry)
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined
      })
  }

  async #write(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false
      try {
        await replace(
          this.#path,
          `${JSON.stringify({ version: 1, targets: Object.fromEntries(this.#targets) })}\n`,
        )
        this.#unkept = undefined
      } catch (error) {
        this.#unkept = (error as Error).message
        this.#retry = setTimeout(() => {
          this.#retry = undefined
          this.#wake()
        }, RETRY_MS).unref()
        return
      }
    }
  }
}

async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`
  const file = await open(beside, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
}

function readTargets(path: string): Readonly<Record<string, Progress>> {
  try {
    return fileSchema.parse(JSON.parse(readIfThere(path)?.toString('utf8') ?? '')).targets
  } catch {
    return {}
  }
}
