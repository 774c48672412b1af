// A node for tests of revisions: its folder is real, what it runs is one variable. It can be killed between any two
// steps (what it wrote is there, what it knew is gone, what it ran goes on) and started again.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import type { Peers } from '../cluster/peers.ts'
import type { DesiredState } from '../config/state.ts'
import { type Answering, answerPeers } from './answering.ts'
import type { Content } from './content.ts'
import { type ApplyRequest, Coordinator, type Participant } from './coordinator.ts'
import { Follower } from './follower.ts'
import { openJournal } from './journal.ts'
import { LocalRevisions, type Told } from './local.ts'
import { othersOf } from './peer-others.ts'
import { FIRST, idOf, ROOT } from './revision.ts'
import { RevisionStore } from './revision-store.ts'
import type { Ran } from './runner.ts'

/** contentOf: a file with so many servers. */
export const contentOf = (servers: number, folder = '/etc/tenbin'): Content => ({
  folder,
  files: [
    {
      name: 'tenbin.yaml',
      bytes: Buffer.from(`
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3, lb3: 10.0.0.4 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web1..${servers}: 10.0.0.11..${10 + servers} }
services: { www: { listen: [10.0.0.100:80], servers: web1..${servers}, check: none } }
`),
    },
  ],
})

const ran: Ran = { change: 'replaced', generation: 1, instructions: 1, loadMs: 1, notes: [] }
const refused = (detail: string) => new TenbinError('INTERFACE_MISSING', 'run', { detail })

/** FOLDERS: in memory where that is to be had: tests do not lose power, and need not wait for a disk. */
const FOLDERS = existsSync('/dev/shm') ? '/dev/shm' : '/tmp'

export class FakeNode {
  readonly name: string
  readonly folder = mkdtempSync(join(FOLDERS, 'revisions-'))
  readonly told: Told[] = []
  /** running: the number of servers of what runs; 0: nothing. */
  running = 0
  /** runs: what it was to run, refused or not; `isAgain`: tried again by itself. */
  readonly runs: { readonly servers: number; readonly isAgain: boolean }[] = []
  /** fails: names of steps that fail: `check`, `run`, `verify`. */
  readonly fails = new Set<string>()
  isActive = false
  bootMs = 1_000_000
  boot = 'a'
  others: (without: readonly string[]) => readonly Participant[] = () => []
  readonly #peers: Peers | undefined
  #answering: Answering | undefined
  follower: Follower | undefined
  local!: LocalRevisions
  store!: RevisionStore
  coordinator!: Coordinator
  /** onStep is called before each step that a kill could come before. */
  onStep: (step: string) => void = () => undefined

  constructor(name = 'lb1', peers?: Peers) {
    this.name = name
    this.#peers = peers
    if (peers) this.others = (without) => othersOf(peers, [], without)
    this.boots()
  }

  /** dies: what it answers ends, as it does when a process ends. */
  dies(): void {
    this.#answering?.[Symbol.dispose]()
    this.follower?.[Symbol.dispose]()
    this.#answering = this.follower = undefined
    this.isDead = true
  }

  isDead = false
  #life = 0

  /** boots: the process starts, knowing what is on its disk. */
  boots(): void {
    this.dies()
    this.isDead = false
    const life = ++this.#life
    this.store = new RevisionStore(this.folder)
    const journal = openJournal(join(this.folder, 'journal.json'))
    const step = (what: string) => {
      // What a dead process was about to do, it does not do.
      if (life !== this.#life || this.isDead) throw new Error('dead')
      this.onStep(what)
      if (this.fails.has(what)) throw refused(`${this.name} fails at ${what}`)
    }
    const clock = { boot: this.boot, bootMs: () => this.bootMs, now: () => new Date(this.bootMs) }
    const runner = {
      check: () => step('check'),
      run: async (desired: DesiredState, _: string, isAgain = false) => {
        this.runs.push({ servers: desired.servers.length, isAgain })
        step('run')
        this.running = desired.servers.length
        return ran
      },
      verify: async () => step('verify'),
      isActive: () => this.isActive,
    }
    const written = {
      get isDamaged() {
        return journal.isDamaged
      },
      get entry() {
        return journal.entry
      },
      get unwritten() {
        return journal.unwritten
      },
      write: (entry: Parameters<typeof journal.write>[0]) => {
        step(`write ${entry.state}`)
        journal.write(entry)
      },
      insist: (entry: Parameters<typeof journal.insist>[0]) => {
        if (life !== this.#life || this.isDead) throw new Error('dead')
        this.onStep(`insist ${entry.state}`)
        journal.insist(entry)
      },
    }
    const { store } = this
    const tell = (told: Told) => void this.told.push(told)
    this.local = new LocalRevisions({ store, journal: written, runner, clock, tell })
    this.coordinator = new Coordinator({
      ...{ local: this.local, store, runner, clock },
      self: () => this.name,
      order: () => ['lb1', 'lb2', 'lb3'],
      others: (without) => this.others(without),
    })
    const start = this.local.start()
    if (start) this.running = start.desired.servers.length
    if (!this.#peers) return
    const { local, coordinator } = this
    const common = { peers: this.#peers, local, coordinator, store, clock }
    this.#answering = answerPeers({ ...common, runner })
    this.follower = new Follower({ ...common, answering: this.#answering, followed: () => undefined })
  }

  /** first: runs, and keeps, a first revision. */
  first(servers = 1): void {
    const content = contentOf(servers)
    const head = { number: 1, id: idOf(ROOT, content), parent: ROOT, at: new Date(0).toISOString() }
    this.local.adoptFirst({ head: { ...head, node: '', who: FIRST, why: 'first' }, content })
    this.running = servers
  }

  apply(servers: number, said: Partial<Omit<ApplyRequest, 'content'>> = {}) {
    return this.coordinator.apply({
      ...{ content: contentOf(servers), who: 'root', why: `${servers} servers` },
      ...said,
    })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}
