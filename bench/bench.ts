// The runner of benches: `bench NAME [--json] [--quick] [--save]`, `bench --list`, `bench compare A B`. A bench is a
// file here that exports an async function of its own name; it is imported when it is asked for, so that one that
// is broken does not stop the others. Standard output holds the table, or with --json one object and nothing else.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { TenbinError } from '../src/base/errors.ts'
import { thisMachine } from './runner/machine.ts'
import { comparison, runTable } from './runner/print.ts'
import type { Bench, Run } from './runner/row.ts'

const here = dirname(fileURLToPath(import.meta.url))
const results = join(here, 'results')
const USAGE = `usage: npm run -s bench -- NAME [--json] [--quick] [--save]
       npm run -s bench -- --list
       npm run -s bench -- compare A B      (files, or names in bench/results)`

class UsageError extends Error {}

/** benchNames: the files that export a function of their own name. */
function benchNames(): readonly string[] {
  return readdirSync(here)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -3))
    .filter((name) =>
      readFileSync(join(here, `${name}.ts`), 'utf8').includes(`export async function ${name}(`),
    )
    .sort()
}

async function measure(name: string, quick: boolean): Promise<Run> {
  if (!benchNames().includes(name))
    throw new UsageError(`there is no bench ${name}; there are: ${benchNames().join(', ')}`)
  const module = (await import(`./${name}.ts`)) as Readonly<Record<string, Bench | undefined>>
  const machine = thisMachine()
  return { bench: name, machine, rows: await module[name]!({ quick }) }
}

function save(run: Run): string {
  mkdirSync(results, { recursive: true })
  const file = join(results, `${run.bench}-${run.machine.date.slice(0, 10)}-${run.machine.commit}.json`)
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`)
  return file
}

function saved(name: string): Run {
  for (const file of [name, join(results, name), join(results, `${name}.json`)]) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Run
    } catch (error) {
      if (error instanceof SyntaxError) throw new UsageError(`${file} is no saved run: ${error.message}`)
    }
  }
  const names = existsSync(results) ? readdirSync(results) : []
  throw new UsageError(`there is no saved run ${name}; there are: ${names.join(', ') || 'none'}`)
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      save: { type: 'boolean' },
      list: { type: 'boolean' },
    },
  })
  const [name, ...rest] = positionals
  if (values.list) {
    console.log(benchNames().join('\n'))
  } else if (name === 'compare' && rest.length === 2) {
    console.log(comparison(saved(rest[0]!), saved(rest[1]!)))
  } else if (name !== undefined && name !== 'compare' && rest.length === 0) {
    const run = await measure(name, values.quick === true)
    console.log(values.json ? JSON.stringify(run) : runTable(run))
    if (values.save) console.error(`saved as ${save(run)}`)
    for (const { name, failed } of run.rows) {
      if (failed === undefined) continue
      process.exitCode = 1
      if (values.json) console.error(`WRONG: ${name}: ${failed}`)
    }
  } else throw new UsageError(USAGE)
}

try {
  await main()
} catch (error) {
  const isUsage =
    error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  if (isUsage) console.error((error as Error).message)
  else if (error instanceof TenbinError) console.error(`bench: ${error.message}\n  remedy: ${error.remedy}`)
  else throw error
  process.exitCode = isUsage ? 2 : 1
}
