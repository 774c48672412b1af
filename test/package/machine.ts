// A Debian of its own in a node of a lab, with systemd as its process 1: this machine's root with a layer over it that is
// gone afterwards, namespaces of its own for all but the network. Its idea: packages and units are tried as they are used,
// by dpkg and systemctl, while the packet path runs in this kernel. Up in half a second; of Debian's own units none runs.
// Left out: a journal (what services say is in a file), devices of its own.
//
//   $lab/machine   a tmpfs: control groups, upper and work of the overlay, root

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../../src/lab/held-lab.ts'
import type { Command } from '../../src/lab/run.ts'
import { type Ended, execute } from '../scenario/support/execute.ts'

const INIT = '/lib/systemd/systemd'
const START_MS = 30_000
const LOOK_MS = 50
const SYSTEMD = ['--system', '--log-target=console', '--log-level=notice', '--unit=multi-user.target']

/** SAID: where it keeps what services say. */
const SAID = '/var/log/said'
/** APART: all but the network is its own. */
const APART = '--mount --pid --uts --ipc --cgroup --fork --kill-child=KILL'

/** PREPARE, in a mount namespace: a control group that systemd may take for the root of all; $1 the folder, $2 its name. */
const PREPARE = `set -e
mount -t tmpfs tmpfs $1
mkdir $1/cgroup
mount -t cgroup2 cgroup2 $1/cgroup
mkdir $1/cgroup/$2
echo $$ >$1/cgroup/$2/cgroup.procs
exec unshare ${APART} /bin/sh -c "$3" boot $1 "$4"
`
/** BOOT, in all of its namespaces. */
const BOOT = `set -e
root=$1/root
mkdir $1/upper $1/work $root
mount -t overlay overlay -o lowerdir=/,upperdir=$1/upper,workdir=$1/work $root
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mount -t bpf bpf $root/sys/fs/bpf
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs tmpfs $root/run
mount -t tmpfs tmpfs $root/tmp
mount --rbind /dev $root/dev
mount --bind "$2" $root/mnt
units=$root/lib/systemd/system
rm -rf $root/etc/systemd/system $root/etc/tenbin $units/*.target.wants $root/usr/sbin/policy-rc.d
mkdir $root/etc/systemd/system $root/etc/systemd/system/service.d
printf '[Service]\\nStandardOutput=append:${SAID}\\n' >$root/etc/systemd/system/service.d/said.conf
export container=tenbin
exec chroot $root ${INIT} ${SYSTEMD.join(' ')}
`
/** FORGET the control group, as soon as the last of it has ended. */
const FORGET = `mount -t cgroup2 cgroup2 /mnt
for look in $(seq 100)
do find /mnt/$1 -depth -type d -exec rmdir {} + 2>/dev/null && exit
  sleep 0.05
done
find /mnt/$1 -depth -type d -exec rmdir {} +
`

/** whyNoMachine: why there can be none here; undefined: there can. */
export const whyNoMachine = (): string | undefined =>
  existsSync(INIT) && existsSync('/usr/bin/dpkg') ? undefined : 'this machine is no Debian with systemd'

/** Machine: disposed, it is gone with all that ran in it. */
export class Machine implements AsyncDisposable {
  readonly #lab: Lab
  readonly #node: string
  readonly #child: ChildProcess
  #init: number | undefined
  #console = ''

  private constructor(lab: Lab, node: string, mnt: string) {
    this.#lab = lab
    this.#node = node
    const folder = join(lab.directory, 'machine')
    mkdirSync(folder)
    const prepare: Command = ['unshare', '--mount', '/bin/sh', '-c', PREPARE, 'prepare']
    this.#child = lab.spawn(node, [...prepare, folder, this.#group, BOOT, mnt], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream!.setEncoding('utf8').on('data', (text: string) => (this.#console += text))
  }

  /** boot, with a folder of ours as its /mnt; resolves when its systemd has started. Throws with what it said otherwise. */
  static async boot(lab: Lab, node: string, mnt: string): Promise<Machine> {
    const machine = new Machine(lab, node, mnt)
    try {
      await machine.until('it is up', async () => {
        machine.#init ??= machine.#findInit()
        if (machine.#init === undefined) return false
        const { out } = await machine.execute('systemctl', 'is-system-running')
        return /^(running|degraded)/.test(out)
      })
      return machine
    } catch (error) {
      await machine[Symbol.asyncDispose]()
      throw error
    }
  }

  /** #words: what it and its services said. */
  get #words(): string {
    const said = `/proc/${this.#init}/root${SAID}`
    return this.#console + (existsSync(said) ? readFileSync(said, 'utf8') : '')
  }

  get #group(): string {
    return `tenbin-machine-${this.#lab.name}-${process.pid}`
  }

  /** execute runs a command in it to its end. */
  execute(...command: readonly string[]): Promise<Ended> {
    const enter = ['nsenter', `--target=${this.#init}`, '--mount', '--pid', '--uts', '--ipc', '--cgroup']
    return execute(this.#lab, this.#node, [...enter, '--root', '--wd=/', ...command] as [string, ...string[]])
  }

  /** run is execute for what must not fail; its output. */
  async run(...command: readonly string[]): Promise<string> {
    const { code, out, err } = await this.execute(...command)
    if (code !== 0) throw new Error(`${command.join(' ')}: ${code}\n${out}${err}\n${this.#words}`)
    return out
  }

  /** write a file in it, and its folder where there is none. */
  write(path: string, text: string): void {
    const here = `/proc/${this.#init}/root${path}`
    mkdirSync(dirname(here), { recursive: true })
    writeFileSync(here, text)
  }

  /** until a condition holds; throws after half a minute, with what its console has. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const end = performance.now() + START_MS; !(await holds()); await delay(LOOK_MS))
      if (performance.now() > end || this.#child.exitCode !== null)
        throw new Error(`never: ${what}\n${this.#words}`)
  }

  /** Dispose: process 1 of a namespace takes all others along. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
    await this.#lab.run(this.#node, ['unshare', '--mount', '/bin/sh', '-c', FORGET, 'forget', this.#group])
  }

  /** #findInit: the child of unshare, by its number here. */
  #findInit(): number | undefined {
    const children = (pid: number): number[] =>
      readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    const isSystemd = (pid: number): boolean => {
      try {
        return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'systemd\n'
      } catch {
        return false // it has ended meanwhile
      }
    }
    const { pid } = this.#child
    return pid === undefined ? undefined : children(pid).find(isSystemd)
  }
}
