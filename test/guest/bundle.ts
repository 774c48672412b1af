// A folder with a TypeScript program in it that runs inside another kernel on this machine's Node. Its idea: bundle the
// program on the host, where that is quick, into one file with its source map, and let the guest see the host's files;
// only koffi stays outside, found in the project's node_modules. The guest writes its result, its words and its exit
// status into `out/`, which is all of the host that it may write.
//
//   .setup/guest-PID-xxxx/  guest.mjs  the program      init    the guest's first process
//                           out/output out/status out/result.json

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** GuestRun: what a program in a guest left behind. */
export interface GuestRun {
  /** Its exit status. */
  readonly status: number
  /** Its standard output and error, in order. */
  readonly output: string
  /** What it wrote by writeResult (test/guest/result.ts); undefined when it wrote nothing. */
  readonly result: unknown
  /** The guest kernel's own words. */
  readonly console: string
  /** From the start of the kernel to its end. */
  readonly ms: number
}

/** GuestFolder: everything of one run on the host; disposing removes it. */
export interface GuestFolder extends Disposable {
  readonly path: string
  /** outcome: what the guest left. Throws `failure` and the guest's words when the program did not come to its end. */
  outcome(console: string, ms: number, failure: string): GuestRun
}

/** A folder of a process that is gone was left by SIGKILL. */
function removeStale(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = /^guest-(\d+)-/.exec(name)?.[1]
    if (pid === undefined) continue
    try {
      process.kill(Number(pid), 0)
    } catch {
      rmSync(join(parent, name), { recursive: true, force: true })
    }
  }
}

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * makeGuestFolder bundles `script` (a file of this project, or several that run one after the other in one process)
 * and writes the init that `init` makes of the folder's path.
 */
export async function makeGuestFolder(
  script: string | readonly string[],
  init: (path: string) => string,
): Promise<GuestFolder> {
  const parent = join(project, '.setup')
  mkdirSync(parent, { recursive: true })
  removeStale(parent)
  const path = mkdtempSync(join(parent, `guest-${process.pid}-`))
  const remove = () => rmSync(path, { recursive: true, force: true })
  process.on('exit', remove)
  mkdirSync(join(path, 'out'))
  await build({
    stdin: {
      contents: [script]
        .flat()
        .map((file) => `import ${JSON.stringify(file)}\n`)
        .join(''),
      resolveDir: project,
    },
    outfile: join(path, 'guest.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['koffi'],
    sourcemap: 'inline',
    logLevel: 'silent',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  })
  writeFileSync(join(path, 'init'), init(path), { mode: 0o755 })
  return {
    path,
    outcome(console, ms, failure) {
      const status = read(join(path, 'out/status'))
      const output = read(join(path, 'out/output')) ?? ''
      if (status === undefined) throw new Error(`${failure}:\n${console}\n${output}`)
      const result = read(join(path, 'out/result.json'))
      return {
        status: Number(status),
        output,
        result: result === undefined ? undefined : JSON.parse(result),
        console,
        ms,
      }
    },
    [Symbol.dispose]() {
      process.off('exit', remove)
      remove()
    },
  }
}

/** runProgram: the lines of an init that run the bundled program; `out` is where the guest sees the folder's out/. */
export const runProgram = (path: string, out: string): string => `
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin HOME=/root TMPDIR=/dev/shm TENBIN_GUEST_OUT=${out}
cd ${project}
${process.execPath} --enable-source-maps ${path}/guest.mjs >${out}/output 2>&1
echo $? >${out}/status.new
mv ${out}/status.new ${out}/status`
