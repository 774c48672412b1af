// npm run test:clean: takes away what setup put on this machine, and what building and testing made here. Not while a
// lab is there: nothing could remove that afterwards.

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { unmountBpffs } from './setup/bpffs.mjs'
import { purgePackages } from './setup/debian.mjs'
import { main, root, SetupError, say } from './setup/process.mjs'

/** labs: the names of labs that are remembered (src/lab/state.ts). */
function labs() {
  try {
    return readdirSync('/run/tenbin-lab').flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? [])
  } catch {
    return []
  }
}

/** remove: with what is in it. @param {string} folder */
function remove(folder) {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    throw new SetupError(`${/** @type {Error} */ (error).message}: run it as root`)
  }
}

await main(async () => {
  const commands = labs().map((name) => `bin/tenbin lab down --name ${name}`)
  if (commands.length > 0) throw new SetupError(`a lab is there, remove it first: ${commands.join('; ')}`)
  await unmountBpffs()
  await purgePackages()
  for (const folder of ['node_modules', 'dist', 'coverage', '.setup']) remove(join(root, folder))
  say('removed what setup installed, node_modules/, dist/ and .setup/')
})
