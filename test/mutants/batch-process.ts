// The process that runs a batch's entries, one after the other: a line of JSON each, as soon as it is known.

import { writeSync } from 'node:fs'
import type { Said } from './batch.ts'

const MESSAGE_LENGTH = 2_000

async function run(entry: string): Promise<Omit<Said, 'entry'>> {
  try {
    const suite: { run(): void } = await import(new URL(`${entry}.js`, import.meta.url).href)
    suite.run()
    return { what: 'passed', message: '' }
  } catch (error) {
    const isProgram =
      error instanceof Error &&
      ![ReferenceError, SyntaxError, TypeError].some((kind) => error instanceof kind)
    return { what: isProgram ? 'noticed' : 'broken', message: `${error}`.slice(0, MESSAGE_LENGTH) }
  }
}

for (const entry of process.argv.slice(2)) {
  const said: Said = { entry, ...(await run(entry)) }
  writeSync(1, `${JSON.stringify(said)}\n`)
}
