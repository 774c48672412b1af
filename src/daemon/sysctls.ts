// Kernel settings that the file names: set when it is applied, restored when they are no longer in it and by `tenbin down`,
// to what they were. What a setting was is recorded before it is written (record.ts), so that a crash loses nothing.
// Only what still has the value that was set is restored: what somebody else has set since is his. A setting that
// has the file's value anyway is not touched, and so not restored.
//
// Some settings change others when they are written (Documentation/networking/ip-sysctl.rst): forwarding is written to every
// interface, and ip_forward turns accept_redirects over. These are recorded and restored beside.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SysctlState } from '../config/state.ts'
import { permitted } from '../sys/permitted.ts'
import type { Problem, SysctlStatus } from './api-schema.ts'
import { problem, problemsOf } from './problem.ts'
import type { RecordStore, SetSysctl } from './record.ts'

const PROC_SYS = '/proc/sys'

/** Restored: what became of a setting that was recorded: it is what it was, or somebody else's value stays. */
export interface Restored {
  readonly name: string
  readonly value: string
  readonly isOurs: boolean
}

/** Mending: whether a setting may be set again now, and who hears of those that were: name, value, and what it was. */
export interface Mending {
  readonly mayMend: (name: string) => boolean
  readonly onSet: (name: string, value: number, was: string) => void
  readonly onMended: (name: string, value: number, was: string) => void
}

/** Sysctls of this network namespace; `root` stands in for /proc/sys. */
export class Sysctls {
  readonly #store: RecordStore
  readonly #root: string
  /** Names of settings that were as wanted when they were looked at. */
  readonly #made = new Set<string>()

  constructor(store: RecordStore, root = PROC_SYS) {
    this.#store = store
    this.#root = root
  }

  /**
   * settle sets what is wanted and restores what is not wanted any more; `tell` hears of each. What fails does not hold up
   * the rest and is returned.
   */
  settle(wanted: readonly SysctlState[], tell: (text: string) => void): Problem[] {
    try {
      return this.#settle(wanted, tell)
    } catch (error) {
      return problemsOf(error)
    }
  }

  #settle(wanted: readonly SysctlState[], tell: (text: string) => void): Problem[] {
    const gone = this.#store.read().sysctls.filter(({ name }) => !wanted.some((each) => each.name === name))
    const { restored, problems } = this.restore(gone)
    for (const each of restored) tell(restoredText(each))
    const failed = new Set<string>()
    for (const { name, value } of wanted) {
      try {
        const before = this.#set(name, String(value))
        if (before !== undefined) tell(`set ${name} to ${value}, which was ${before}`)
      } catch (error) {
        failed.add(name)
        problems.push(...problemsOf(error))
      }
    }
    return [...problems, ...this.problems(wanted.filter(({ name }) => !failed.has(name)))]
  }

  /**
   * mend what is wanted and is other than it was set, or has come to exist since; what was set by nobody here before is
   * `set`. What is other still is returned.
   */
  mend(wanted: readonly SysctlState[], { mayMend, onSet, onMended }: Mending): Problem[] {
    return wanted.flatMap((each) => {
      try {
        const { name, value } = each
        const now = this.#read(name)
        if (now !== undefined && now !== String(value) && mayMend(name)) {
          const isKnown = this.#made.has(name)
          this.#set(name, String(value))
          ;(isKnown ? onMended : onSet)(name, value, now)
        }
        return this.problems([each])
      } catch (error) {
        return problemsOf(error)
      }
    })
  }

  /** problems: what is wanted and is not so. */
  problems(wanted: readonly SysctlState[]): Problem[] {
    return wanted.flatMap(({ name, value }) => {
      try {
        const now = this.#read(name)
        if (now === undefined) {
          this.#made.delete(name)
          return [problem('SYSCTL_MISSING', `${name} does not exist here`)]
        }
        if (now !== String(value))
          return [problem('SYSCTL_OTHER', `${name} is ${now}, the file says ${value}`)]
        this.#made.add(name)
        return []
      } catch (error) {
        return problemsOf(error)
      }
    })
  }

  /** restore those recorded, the last one set first. What fails stays recorded. */
  restore(some: readonly SetSysctl[] = this.#store.read().sysctls): {
    readonly restored: readonly Restored[]
    readonly problems: Problem[]
  } {
    const restored: Restored[] = []
    const problems: Problem[] = []
    for (const setting of [...some].reverse()) {
      try {
        const now = this.#read(setting.name)
        if (isOurs(setting, now)) {
          this.#write(setting.name, setting.before)
          const { sysctls } = this.#store.read()
          for (const [name, before] of Object.entries(setting.beside)) {
            const there = this.#read(name)
            const value = sysctls.find((each) => each.name === name)?.value ?? before
            if (there !== undefined && there !== value) this.#write(name, value)
          }
          this.#tellBesides(setting)
          restored.push({ name: setting.name, value: setting.before, isOurs: true })
        } else if (now !== undefined && now !== setting.before)
          restored.push({ name: setting.name, value: now, isOurs: false })
        this.#forget(setting.name)
      } catch (error) {
        problems.push(...problemsOf(error))
      }
    }
    return { restored, problems }
  }

  /** statusOf what is wanted: what it is, and what it was if it was set here. */
  statusOf(wanted: readonly SysctlState[]): SysctlStatus[] {
    const { sysctls } = this.#store.read()
    return wanted.map(({ name, value }) => {
      const now = this.#read(name)
      const set = sysctls.find((each) => each.name === name && isOurs(each, now))
      return {
        name,
        wanted: value,
        ...(now !== undefined && { value: now }),
        ...(set && { before: set.before }),
      }
    })
  }

  /** #set gives what it was; undefined: it was so, or does not exist. */
  #set(name: string, value: string): string | undefined {
    const now = this.#read(name)
    if (now === undefined) return undefined
    const own = this.#store.read().sysctls.find((each) => each.name === name)
    const isKnown = own !== undefined && isOurs(own, now)
    if (now === value) {
      if (!isKnown) this.#forget(name)
      return undefined
    }
    const setting: SetSysctl = isKnown
      ? { ...own, value, replaced: now }
      : { name, before: this.#before(name) ?? now, value, beside: this.#beside(name) }
    this.#remember(setting)
    this.#write(name, value)
    return now
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(this.#path(name), 'utf8').trim()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      return permitted(`read ${name}`, () => {
        throw error
      })
    }
  }

  #write(name: string, value: string): void {
    permitted(`set ${name}`, () => writeFileSync(this.#path(name), value))
  }

  /** #before: what a setting was before another one of ours was set, which changed it too. */
  #before(name: string): string | undefined {
    return this.#store.read().sysctls.find(({ beside }) => name in beside)?.beside[name]
  }

  /** #tellBesides: a setting is what it was again, also for those that note it beside themselves. */
  #tellBesides({ name, before }: SetSysctl): void {
    const record = this.#store.read()
    if (!record.sysctls.some(({ beside }) => name in beside)) return
    const sysctls = record.sysctls.map((each) =>
      name in each.beside ? { ...each, beside: { ...each.beside, [name]: before } } : each,
    )
    this.#store.write({ ...record, sysctls })
  }

  /** #beside: settings that writing this one changes, as they are. */
  #beside(name: string): Record<string, string> {
    const family =
      name === 'net.ipv4.ip_forward' ? 'ipv4' : name === 'net.ipv6.conf.all.forwarding' ? 'ipv6' : undefined
    if (family === undefined) return {}
    const conf = `net.${family}.conf`
    const nics = readdirSync(this.#path(conf)).map((nic) => nic.replaceAll('.', '/'))
    const names = nics.filter((nic) => nic !== 'all').map((nic) => `${conf}.${nic}.forwarding`)
    if (family === 'ipv4') names.push(`${conf}.all.accept_redirects`)
    return Object.fromEntries(
      names.flatMap((each) => {
        const value = this.#read(each)
        return value === undefined ? [] : [[each, value]]
      }),
    )
  }

  /** #path: dots and slashes of a name stand for each other. */
  #path(name: string): string {
    return join(
      this.#root,
      name.replace(/[./]/g, (mark) => (mark === '.' ? '/' : '.')),
    )
  }

  #remember(setting: SetSysctl): void {
    const record = this.#store.read()
    const known = record.sysctls.some(({ name }) => name === setting.name)
    const sysctls = known
      ? record.sysctls.map((each) => (each.name === setting.name ? setting : each))
      : [...record.sysctls, setting]
    this.#store.write({ ...record, sysctls })
  }

  #forget(name: string): void {
    const record = this.#store.read()
    const sysctls = record.sysctls.filter((each) => each.name !== name)
    if (sysctls.length < record.sysctls.length) this.#store.write({ ...record, sysctls })
  }
}

/** isOurs: a setting is as we set it. */
const isOurs = ({ value, replaced }: SetSysctl, now: string | undefined): boolean =>
  now !== undefined && (now === value || now === replaced)

/** restoredText: a sentence about it. */
export const restoredText = ({ name, value, isOurs }: Restored): string =>
  isOurs ? `set ${name} back to ${value}` : `left ${name} at ${value}, which somebody else has set since`
