// npm run check: types, lint and format, layers, generated documents, all at once. Prints what failed, and one line.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npmPackages } from './setup/npm.mjs'
import { main, root, run, say } from './setup/process.mjs'

const tsx = [process.execPath, '--import', 'tsx']

/** name -> command. @type {Record<string, string[]>} */
const checks = {
  tsc: [join(root, 'node_modules/.bin/tsc'), '-p', '.'],
  biome: [join(root, 'node_modules/.bin/biome'), 'check', '--colors=off'],
  layers: [...tsx, 'tools/layers.ts'],
  ...(existsSync(join(root, 'tools/docs.ts')) ? { docs: [...tsx, 'tools/docs.ts', '--check'] } : {}),
}

/** check runs all checks and says whether all passed. @returns {Promise<boolean>} */
export async function check() {
  const started = performance.now()
  const failed = await Promise.all(
    Object.entries(checks).map(async ([name, [command = '', ...args]]) => {
      const { status, output } = await run(command, args)
      if (status === 0) return undefined
      process.stderr.write(`${output.trimEnd()}\n`)
      return name
    }),
  )
  const bad = failed.filter((name) => name !== undefined)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  say(
    `check: ${bad.length === 0 ? `${Object.keys(checks).join(', ')} passed` : `${bad.join(', ')} FAILED`} (${seconds} s)`,
  )
  return bad.length === 0
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main(async () => {
    await npmPackages()
    if (!(await check())) process.exitCode = 1
  })
