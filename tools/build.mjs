// npm run build: src/cli/main.ts becomes dist/tenbin.js, and each process of its own (src/**/x-process.ts) becomes
// dist/x-process.js beside it. Its idea: one file each with all JavaScript packages inside, so that a command starts
// in half the time; koffi alone stays a package, because its native part is chosen when it is installed. Source maps
// are whole, for the lines of TypeScript that listings and verifier errors name.

import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npmPackages } from './setup/npm.mjs'
import { main, root, SetupError } from './setup/process.mjs'

const dist = join(root, 'dist')

/** @param {string} folder @returns {string[]} */
const filesBelow = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))

const sources = () => filesBelow('src').filter((file) => !file.endsWith('.test.ts'))

/** entryPoints: output name -> source file. */
function entryPoints() {
  const entries = sources().filter((file) => file.endsWith('-process.ts'))
  return {
    tenbin: join(root, 'src/cli/main.ts'),
    ...Object.fromEntries(entries.map((file) => [basename(file, '.ts'), file])),
  }
}

/** isStale: whether a source is newer than what was built. */
export function isStale() {
  const built = join(dist, 'tenbin.js')
  if (!existsSync(built)) return true
  const time = statSync(built).mtimeMs
  const inputs = [...sources(), join(root, 'package-lock.json'), fileURLToPath(import.meta.url)]
  return inputs.some((file) => statSync(file).mtimeMs > time)
}

/** licences of the packages that became part of the output, one after the other. @param {readonly string[]} inputs */
function licences(inputs) {
  const found = new Map()
  for (const input of inputs) {
    const name = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]
    if (name === undefined || found.has(name)) continue
    const folder = join(root, 'node_modules', name)
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    found.set(
      name,
      file === undefined ? 'see its package.json' : readFileSync(join(folder, file), 'utf8').trim(),
    )
  }
  return [...found]
    .sort()
    .map(([name, text]) => `${name}\n${'-'.repeat(name.length)}\n${text}\n`)
    .join('\n')
}

/** build writes dist/. */
export async function build() {
  const { build: bundle } = await import('esbuild')
  const entries = entryPoints()
  if (!existsSync(entries.tenbin))
    throw new SetupError('src/cli/main.ts is missing: there is nothing to build')
  const result = await bundle({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: dist,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['koffi'],
    sourcemap: true,
    sourcesContent: true,
    metafile: true,
    logLevel: 'warning',
    // Packages that are still CommonJS ask for `require`.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  }).catch(() => {
    throw new SetupError('the build failed: see above')
  })
  writeFileSync(join(dist, 'LICENSES'), licences(Object.keys(result.metafile.inputs)))
  const outputs = new Set(Object.keys(result.metafile.outputs).map((file) => basename(file)))
  for (const file of readdirSync(dist))
    if (file !== 'LICENSES' && !outputs.has(file)) rmSync(join(dist, file))
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main(async () => {
    await npmPackages()
    await build()
  })
