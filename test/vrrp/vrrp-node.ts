// A vrrp process in a lab's node, by a spec of its own and without main; what it logs is what it did.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../../src/lab/held-lab.ts'
import type { FindingTold, RoleChange } from '../../src/vrrp/protocol.ts'
import { setSpec } from '../../src/vrrp/spec.fixture.ts'
import type { NetworkSpec, SetSpec, VrrpSpec } from '../../src/vrrp/spec.ts'
import { vrrpCommand } from '../../src/vrrp/vrrp-command.ts'

const DEADLINE_MS = 20_000

/** setOf: setSpec's with this priority. */
export const setOf = (
  priority: number,
  more: Partial<SetSpec> = {},
  network: Partial<NetworkSpec> = {},
): SetSpec => setSpec({ priority, ...more }, network)

/** VrrpNode: owned; disposing kills the process. */
export class VrrpNode implements AsyncDisposable {
  readonly #lab: Lab
  readonly #folder: string
  readonly name: string
  readonly roles: RoleChange[] = []
  readonly findings: FindingTold[] = []
  #child: ChildProcess
  #log = ''

  constructor(lab: Lab, name: string, spec: VrrpSpec) {
    this.#lab = lab
    this.name = name
    this.#folder = join(lab.directory, `vrrp-${name}`)
    mkdirSync(this.#folder, { recursive: true })
    this.#write(spec)
    this.#child = this.#spawn()
  }

  get pid(): number {
    return this.#child.pid!
  }

  get role(): RoleChange['to'] {
    return this.roles.at(-1)?.to ?? 'initialize'
  }

  get log(): string {
    return this.#log
  }

  get socket(): string {
    return join(this.#folder, 'vrrp.sock')
  }

  /** respec: the process reads another one. */
  respec(spec: VrrpSpec): void {
    this.#write(spec)
    this.#child.kill('SIGHUP')
  }

  /** again: another process, after the end of the one before, by the same spec or another one. */
  again(spec?: VrrpSpec): void {
    if (spec) this.#write(spec)
    this.roles.length = 0
    this.#child = this.#spawn()
  }

  /** end the process, and wait for it. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill(signal)
    await closed
  }

  /** until it has this role. Throws with its log. */
  async until(role: RoleChange['to']): Promise<RoleChange> {
    await this.untilSo(role, () => this.role === role)
    return this.roles.at(-1)!
  }

  async untilSo(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + DEADLINE_MS; !(await isSo()); await delay(5))
      if (Date.now() > deadline) throw new Error(`${this.name}: no sign of ${what}: ${this.#log}`)
  }

  /** moving: addresses of its NIC that have a lifetime, as ip(8) writes them. */
  async moving(device = 'eth0'): Promise<string[]> {
    const text = await this.#lab.run(this.name, ['ip', '-j', 'addr', 'show', 'dev', device])
    const [{ addr_info: all }] = JSON.parse(text) as [{ addr_info: { local: string; dynamic?: boolean }[] }]
    return all.flatMap(({ local, dynamic }) => (dynamic ? [local] : []))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
  }

  #write(spec: VrrpSpec): void {
    writeFileSync(join(this.#folder, 'spec.json'), JSON.stringify(spec))
  }

  #spawn(): ChildProcess {
    const at = (file: string): string => join(this.#folder, file)
    const places = {
      socket: this.socket,
      kept: at('vrrp.json'),
      counter: at('counter'),
      spec: at('spec.json'),
    }
    const command = vrrpCommand(places)
    const child = this.#lab.spawn(this.name, command, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
    createInterface(child.stderr!).on('line', (line) => this.#take(line))
    return child
  }

  #take(line: string): void {
    this.#log += `${line}\n`
    if (!line.startsWith('{')) return
    const told = JSON.parse(line) as { role?: RoleChange; finding?: FindingTold }
    if (told.role) this.roles.push(told.role)
    if (told.finding) this.findings.push(told.finding)
  }
}
