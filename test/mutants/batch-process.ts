// The process that runs a batch's entries, one after the other: a line of JSON each, as soon as it is known. Its one
// argument is the list of them, as JSON: [entry, what of its suite is to go first].

import { writeSync } from 'node:fs'
import type { Said } from './batch.ts'
import type { Differs } from './in-turn.ts'

const MESSAGE_LENGTH = 2_000

async function run(entry: string, first: string | undefined): Promise<Omit<Said, 'entry'>> {
  try {
    const suite: { run(first?: string): void } = await import(new URL(`${entry}.js`, import.meta.url).href)
    suite.run(first)
    return { what: 'passed', message: '' }
  } catch (thrown) {
    // each entry may have a class Differs of its own
    const { item, cause: error = thrown } = thrown as Partial<Differs>
    const isProgram =
      error instanceof Error &&
      ![ReferenceError, SyntaxError, TypeError].some((kind) => error instanceof kind)
    return { what: isProgram ? 'noticed' : 'broken', message: `${thrown}`.slice(0, MESSAGE_LENGTH), item }
  }
}

for (const [entry, first] of JSON.parse(process.argv[2]!) as [entry: string, first?: string][]) {
  const said: Said = { entry, ...(await run(entry, first)) }
  writeSync(1, `${JSON.stringify(said)}\n`)
}
