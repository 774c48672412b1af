// The process that sends, as main has it: started when there is something to send, ended when there has been nothing for a
// while, killed when it does not answer in time. What it was sending when it ended has failed, and whoever asked tries
// again. It has a small heap, and of our environment only what it needs.

import { type ChildProcess, spawn } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from '../health/child-environment.ts'
import { readAnswers } from './answers.ts'
import type { Job } from './jobs.ts'
import { failed, type Outcome } from './outcome.ts'

/** IDLE_MS: it ends after so long without work. GRACE_MS: how much longer than a job's own time it may take, with its start. */
const IDLE_MS = 20_000
const GRACE_MS = 10_000
const HEAP_MB = 96

/** NotifierOptions: who it is, once it has given up being root. */
export interface NotifierOptions {
  readonly uid: number
  readonly gid: number
}

export class Notifier implements Disposable {
  readonly #options: NotifierOptions
  #child: ChildProcess | undefined
  readonly #asked = new Map<number, (outcome: Outcome) => void>()
  #number = 0
  #idle: NodeJS.Timeout | undefined

  constructor(options: NotifierOptions) {
    this.#options = options
  }

  /** send does a job. Never rejects. */
  send(job: Job): Promise<Outcome> {
    clearTimeout(this.#idle)
    let child: ChildProcess
    try {
      child = this.#child ??= this.#start()
    } catch (error) {
      return Promise.resolve(failed('process', (error as Error).message))
    }
    const number = ++this.#number
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#drop(child, 'it did not answer')
        child.kill('SIGKILL')
      }, job.timeoutMs + GRACE_MS)
      this.#asked.set(number, (outcome) => {
        clearTimeout(timer)
        this.#asked.delete(number)
        if (this.#asked.size === 0) this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref()
        resolve(outcome)
      })
      child.stdin!.write(`${JSON.stringify({ number, job })}\n`)
    })
  }

  [Symbol.dispose](): void {
    const child = this.#child
    child?.stdin?.end()
    // Whoever asked is not to keep this process waiting.
    if (child) this.#drop(child, 'tenbin stops')
    clearTimeout(this.#idle)
  }

  #start(): ChildProcess {
    const { uid, gid } = this.#options
    const [command, ...args] = notifierCommand(uid, gid)
    const child = spawn(command, args, {
      cwd: '/',
      env: childEnvironment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.on('error', ({ message }) => this.#drop(child, message))
    child.once('exit', (status, signal) => this.#drop(child, `it ended: ${signal ?? `status ${status}`}`))
    if (!child.stdin || !child.stdout) throw new Error('this process may open no more descriptors')
    child.stdin.on('error', () => undefined)
    readAnswers(
      child.stdout,
      ({ number, outcome }) => this.#asked.get(number)?.(outcome),
      () => {
        this.#drop(child, 'it said what is no answer')
        child.kill('SIGKILL')
      },
    )
    child.unref()
    for (const pipe of [child.stdin, child.stdout]) (pipe as unknown as { unref?: () => void }).unref?.()
    return child
  }

  /** #drop: what this one was doing has failed. */
  #drop(child: ChildProcess, why: string): void {
    if (this.#child !== child) return
    this.#child = undefined
    for (const answer of [...this.#asked.values()]) answer(failed('process', why))
  }

  #end(): void {
    this.#child?.stdin?.end()
    this.#child = undefined
  }
}

/** notifierCommand: from its source, or from what was built, whichever this is. */
function notifierCommand(uid: number, gid: number): readonly [string, ...string[]] {
  const isSource = extname(fileURLToPath(import.meta.url)) === '.ts'
  const entry = fileURLToPath(new URL(`./notifier-process.${isSource ? 'ts' : 'js'}`, import.meta.url))
  const loader = isSource ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps']
  return [process.execPath, `--max-old-space-size=${HEAP_MB}`, ...loader, entry, `${uid}`, `${gid}`]
}
