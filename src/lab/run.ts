// Commands inside a lab's namespaces. Argument arrays only, never a shell. A child is spawned while this thread is in
// the namespace: nothing stands between, and /sys stays as it is (`ip netns exec` remounts it, which hides the bpffs).
// A command that is missing or fails becomes an error with the command and its own words.

import {
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  type StdioOptions,
  spawn,
} from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import { openNamed } from '../sys/named-namespace.ts'

export type Command = readonly [string, ...string[]]

/** SpawnOptions: `detached` children do not get the terminal's Ctrl-C and may outlive this process. */
export interface SpawnOptions {
  readonly stdio: StdioOptions
  readonly detached?: boolean
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** spawnIn starts a command inside a namespace: a child is born where the thread that spawns it is. */
export function spawnIn(namespace: string, command: Command, options: SpawnOptions): ChildProcess {
  const [file, ...args] = command
  using place = openNamed(namespace)
  return place.run(() => spawn(file, args, options))
}

/** commandFailure: why a command did not even start: LAB_TOOL_MISSING, or `cause` as it is. */
export function commandFailure([file]: Command, cause: NodeJS.ErrnoException): Error {
  if (cause.code !== 'ENOENT') return cause
  const detail = `the command "${file}" is not installed`
  return new TenbinError('LAB_TOOL_MISSING', 'run', { detail, cause })
}

/** runIn waits for a command and returns its stdout. Throws LAB_TOOL_MISSING and LAB_COMMAND_FAILED. */
export function runIn(namespace: string, command: Command, input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    // Detached: a Ctrl-C is for this process, which then cleans up by such commands.
    const child = spawnIn(namespace, command, {
      stdio: 'pipe',
      detached: true,
    }) as ChildProcessWithoutNullStreams
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    // A command that ends without reading its input says why by its exit status.
    child.stdin.on('error', () => undefined).end(input)
    child.on('error', (error) => reject(commandFailure(command, error)))
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(stdout)
      const words = stderr.trim() || `ended with ${signal ?? `status ${status}`}`
      reject(new TenbinError('LAB_COMMAND_FAILED', command.join(' '), { detail: words }))
    })
  })
}

/** batch hands `lines` to one ip(8) in a namespace. `options`: -6 for rules of IPv6. Throws LAB_COMMAND_FAILED. */
export const batch = (
  namespace: string,
  lines: readonly string[],
  options: readonly string[] = [],
): Promise<string> => runIn(namespace, ['ip', ...options, '-batch', '-'], `${lines.join('\n')}\n`)

/** writeSysctls sets kernel parameters of a namespace, by their paths under /proc/sys; what the kernel lacks stays away. */
export function writeSysctls(namespace: string, values: Readonly<Record<string, string>>): void {
  using place = openNamed(namespace)
  place.run(() => {
    for (const [name, value] of Object.entries(values)) {
      const path = `/proc/sys/${name}`
      if (existsSync(path)) writeFileSync(path, value)
    }
  })
}

const TOOLS = { ip: 'iproute2', ethtool: 'ethtool' } as const

/** requireTools throws LAB_TOOL_MISSING, with the Debian packages to install, unless all commands are in `path`. */
export function requireTools(path = process.env.PATH ?? ''): void {
  const folders = path.split(delimiter)
  const missing = Object.entries(TOOLS).filter(
    ([tool]) => !folders.some((folder) => existsSync(join(folder, tool))),
  )
  if (missing.length === 0) return
  const tools = missing.map(([tool]) => tool).join(', ')
  const packages = missing.map(([, name]) => name).join(' ')
  throw new TenbinError('LAB_TOOL_MISSING', 'lab', {
    detail: `not installed: ${tools} (apt-get install ${packages})`,
  })
}
