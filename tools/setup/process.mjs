// Running commands and telling about it, for the tools that run before any npm package is there. All words go to
// standard error: standard output belongs to the command that was asked for. Left out: pipelines, terminals.

import { spawn } from 'node:child_process'
import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** root: the project's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** SetupError: something a person has to mend; printed without a stack. */
export class SetupError extends Error {}

/** say prints one line of what is going on. @param {string} line */
export const say = (line) => {
  process.stderr.write(`tenbin: ${line}\n`)
}

/**
 * run starts a command and waits for its end. Its output is returned, or appended to the file `log`, or (inherit) goes
 * where ours goes. `detached` keeps Ctrl-C of the terminal away from it. Never throws for a failed command:
 * a status of 127 means that there is no such command, 128 + n a signal.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ log?: string, inherit?: boolean, detached?: boolean, env?: Record<string, string>, cwd?: string }} [options]
 * @returns {Promise<{ status: number, output: string }>}
 */
export function run(command, args, { log, inherit, detached, env, cwd = root } = {}) {
  const file = log === undefined ? undefined : openSync(log, 'a')
  return new Promise((resolve) => {
    const sink = inherit ? 'inherit' : (file ?? 'pipe')
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', sink, sink],
      detached: detached ?? false,
      env: { ...process.env, ...env },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data))
    const end = (/** @type {number} */ status) => {
      if (file !== undefined) closeSync(file)
      resolve({ status, output })
    }
    child.on('error', () => end(127))
    child.on('close', (code, signal) => end(code ?? (signal === null ? 1 : 128 + (signals[signal] ?? 0))))
  })
}

/** signals: the numbers of the signals that end tools. @type {Readonly<Record<string, number>>} */
export const signals = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

const path = () => [
  ...(process.env.PATH ?? '').split(':'),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/bin',
  '/bin',
]

/** findCommand: the full name of a command, or undefined; looks into the sbin folders too. @param {string} name */
export function findCommand(name) {
  for (const folder of path()) {
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      if (statSync(file).isFile()) return file
    } catch {
      // Not in this folder.
    }
  }
  return undefined
}

/** untilDone defers SIGINT, SIGTERM and SIGHUP while `work` runs and obeys them afterwards.
 * @template Result @param {() => Promise<Result>} work @returns {Promise<Result>} */
export async function untilDone(work) {
  /** @type {NodeJS.Signals | undefined} */
  let wanted
  const defer = (/** @type {NodeJS.Signals} */ signal) => {
    if (wanted === undefined) say('stopping as soon as the running installation is complete')
    wanted = signal
  }
  const deferred = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
  for (const signal of deferred) process.on(signal, defer)
  try {
    return await work()
  } finally {
    for (const signal of deferred) process.off(signal, defer)
    if (wanted !== undefined) process.exit(128 + (signals[wanted] ?? 0))
  }
}

/** main runs a tool: a SetupError is printed without its stack, and the exit status is 1. @param {() => Promise<void>} tool */
export async function main(tool) {
  try {
    await tool()
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    say(error.message)
    process.exitCode = 1
  }
}
