// npm start: sets the machine up, builds what is out of date, and becomes `tenbin lab demo` with the arguments given. The
// demo runs in this very process, so its exit status, its signals and its terminal are its own.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, isStale } from './build.mjs'
import { main, root } from './setup/process.mjs'
import { labPackages, setup } from './setup.mjs'

await main(async () => {
  await setup(labPackages)
  if (isStale()) await build()
  const command = join(root, 'bin/tenbin')
  process.argv = [process.argv[0] ?? process.execPath, command, 'lab', 'demo', ...process.argv.slice(2)]
  await import(pathToFileURL(command).href)
})
