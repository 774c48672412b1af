// npm run test:qemu: sets the machine up for it and runs test/qemu/main.ts.

import { main, run, SetupError } from './setup/process.mjs'
import { labPackages, qemuPackages, setup } from './setup.mjs'

await main(async () => {
  if (process.arch !== 'x64')
    throw new SetupError(`the emulated machine is x86-64 with this one's Node, which is for ${process.arch}`)
  await setup([...labPackages, ...qemuPackages])
  const { status } = await run(process.execPath, ['--import', 'tsx', 'test/qemu/main.ts'], { inherit: true })
  process.exitCode = status
})
