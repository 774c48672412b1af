// What scripts leave behind, ended: also what left their process group by setsid(2), as daemons do. Its idea: the process
// that looks is a subreaper, so whoever loses his parent becomes its child, however he hid; once a script is over, children
// of its user that are no script are killed and reaped, and their own children come up in the same way. While other
// scripts run, only those older than all of these are: the others may be theirs. Left out: offspring that became another
// user (setuid). Nothing is ended in a process that was not asked to adopt.

import { readdirSync, readFileSync } from 'node:fs'
import { becomeSubreaper, reap } from '../sys/subreaper.ts'

/** After a script's end it is looked so soon, and again while there is anything, ms: processes take a while to end. */
const SOON_MS = 20
/** And again after so long, for who was not to be told from others then. */
const LATER_MS = 1_000

/** Child: of this process. `started`: ticks since boot (proc(5): stat field 22); `uid`: the real one. */
interface Child {
  readonly pid: number
  readonly group: number
  readonly started: number
  readonly isZombie: boolean
  readonly uid: number
}

class Offspring {
  /** Scripts that run, by pid: when they began. */
  readonly #running = new Map<number, number>()
  readonly #users = new Set<number>()
  #isAdopting = false
  #timer: NodeJS.Timeout | undefined

  /** adopt orphans from now on; for a process that has no children but scripts. */
  adopt(): void {
    becomeSubreaper()
    this.#isAdopting = true
  }

  /** begun: a script of this user runs. */
  begun(pid: number, uid: number): void {
    if (!this.#isAdopting) return
    this.#users.add(uid)
    this.#running.set(pid, childOf(pid)?.started ?? 0)
  }

  /** ended: it does not any more, or was killed with its group just now. */
  ended(pid: number): void {
    if (this.#running.delete(pid)) this.#look(SOON_MS)
  }

  /** #look in so many ms; `isLast`: the look before found nobody. */
  #look(afterMs: number, isLast = false): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const strangers = this.#strangers()
      if (strangers.length === 0) {
        if (!isLast) this.#look(LATER_MS, true)
        return
      }
      const oldest = Math.min(...this.#running.values())
      const ours = strangers.filter(({ started }) => started < oldest)
      for (const { pid, isZombie } of ours) {
        if (isZombie) reap(pid)
        else kill(pid)
      }
      this.#look(ours.length > 0 ? SOON_MS : LATER_MS)
    }, afterMs).unref()
  }

  /** #strangers: children of this process that are no script and of no running script's group. */
  #strangers(): Child[] {
    return childrenOf(process.pid)
      .flatMap((pid) => childOf(pid) ?? [])
      .filter(({ pid, group, uid }) => {
        return this.#users.has(uid) && !this.#running.has(pid) && !this.#running.has(group)
      })
  }
}

/** offspring: of the scripts of this process. */
export const offspring = new Offspring()

/** childrenOf a process, by all of its threads (proc(5): CONFIG_PROC_CHILDREN); none where the kernel does not say. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    (read(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  )
}

function childOf(pid: number): Child | undefined {
  const [stat, status] = [read(`/proc/${pid}/stat`), read(`/proc/${pid}/status`)]
  if (stat === undefined || status === undefined) return undefined
  // The second field is the command in brackets and may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    pid,
    group: Number(fields[2]),
    started: Number(fields[19]),
    isZombie: fields[0] === 'Z',
    uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1),
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
