// npm run test:qemu: golden programs, constructs, vectors and stories under Debian's kernel with its JIT. Prints a line for each.

import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findings, type GuestReport } from '../guest/report.ts'
import { debianKernel } from './debian-kernel.ts'
import { runInQemu } from './run-in-qemu.ts'

const TIMEOUT_MS = 900_000

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const kernel = debianKernel(project)
console.log(`booting ${kernel.release} in qemu`)
const script = fileURLToPath(new URL('../guest/packet-path.ts', import.meta.url))
const { ms, output, result, status } = await runInQemu({ kernel, script, timeoutMs: TIMEOUT_MS })
if (status !== 0) throw new Error(`the program in the guest ended with ${status}:\n${output}`)

const report = result as GuestReport
const wrong = [
  ...findings(report),
  ...report.missing.map((feature) => `the kernel lacks ${feature}`),
  ...report.golden.flatMap((one) =>
    'jitedBytes' in one && one.jitedBytes === 0 ? [`${one.name} was not compiled`] : [],
  ),
  ...(report.kernel === kernel.release ? [] : [`this is kernel ${report.kernel}`]),
]
for (const one of report.golden)
  if (!('refused' in one))
    console.log(
      `pass: ${one.name}: ${one.instructions} instructions, ${one.jitedBytes} bytes of machine code`,
    )
console.log(
  `pass: ${report.constructs.passed} constructs, ${report.vectors.passed} vectors, ${report.stories.passed} stories`,
)
for (const line of wrong) console.log(`FAIL: ${line}`)
console.log(
  `${wrong.length === 0 ? 'passed' : 'FAILED'} on Linux ${report.kernel} (${Math.round(ms / 1000)} s)`,
)
process.exitCode = wrong.length === 0 ? 0 : 1
