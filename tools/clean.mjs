// npm run test:clean: takes away what setup put on this machine, and what building and testing made here.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { unmountBpffs } from './setup/bpffs.mjs'
import { purgePackages } from './setup/debian.mjs'
import { main, root, say } from './setup/process.mjs'

await main(async () => {
  await unmountBpffs()
  await purgePackages()
  for (const folder of ['node_modules', 'dist', 'coverage', '.setup'])
    rmSync(join(root, folder), { recursive: true, force: true })
  say('removed what setup installed, node_modules/, dist/ and .setup/')
})
