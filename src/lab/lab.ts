// The lab's commands: up, status, shell, down. Each takes plain options and says what it does to a LabOutput, so that
// the command line (or a test) only calls them. A command that needs one lab and is given no name takes the one there is.

import { writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import { Balancer } from './balancer.ts'
import { BIN, tenbinWord } from './entry.ts'
import { Lab, requireRoot } from './held-lab.ts'
import { hints } from './hints.ts'
import { interruptible } from './interruptible.ts'
import { labFile, SERVICE_PORT } from './lab-file.ts'
import { locked } from './lock.ts'
import { picture } from './picture.ts'
import { isAlive } from './processes.ts'
import { wipe } from './remove.ts'
import { type Command, commandFailure, spawnIn } from './run.ts'
import {
  isLeftover,
  type LabState,
  labDirectory,
  labNames,
  labNamespaces,
  recall,
  recallAll,
  recallReadable,
} from './state.ts'
import { type LabOutput, LiveArea, paintOf, wrapped } from './terminal.ts'
import {
  checkLabName,
  findNode,
  instanceName,
  type LabForward,
  type LabRole,
  type TopologyOptions,
} from './topology.ts'

/** LabUpOptions: `name`: absent = the first free of lab, lab2...; `servers`: 1..50, absent = 4; `ipv6`: as well. */
export interface LabUpOptions extends Pick<TopologyOptions, 'servers' | 'ipv6' | 'forward'> {
  readonly name?: string
  readonly out: LabOutput
}

/** LabView: what there is of one lab, for people and programs. */
export interface LabView {
  readonly name: string
  /** `held`: a command that runs (a demo, a test) has it; `leftover`: nobody has, the next command removes it. */
  readonly phase: 'up' | 'held' | 'leftover'
  readonly createdAt: string
  readonly directory: string
  readonly service: string
  readonly service6?: string
  readonly forward: LabForward
  readonly nodes: readonly {
    readonly name: string
    readonly role: LabRole
    readonly address: string
    readonly address6?: string
    readonly namespace: string
  }[]
  readonly processes: readonly {
    readonly what: string
    readonly node: string
    readonly pid: number
    readonly running: boolean
  }[]
}

/** labUp makes a lab with tenbin forwarding in it, and leaves it up. Throws what Lab.hold and Balancer.start throw. */
export function labUp({ out, ...options }: LabUpOptions): Promise<LabView> {
  return interruptible(async (signal) => {
    const progress = new LiveArea(out)
    const next = (what: string) => {
      signal.throwIfAborted()
      progress.draw([what])
    }
    next('making the network')
    await using lab = await Lab.hold(options)
    next('starting the web servers')
    await lab.startWebServers()
    next('starting tenbin')
    const balancer = new Balancer(lab)
    balancer.write(labFile(lab.topology))
    await balancer.start()
    signal.throwIfAborted()
    lab.keep()
    progress.finish([])
    out.write(welcome(lab.state, out))
    return view(lab.state)
  })
}

/** labStatus: all labs, or the one called `name`. Throws LAB_UNKNOWN. */
export function labStatus({
  name,
  out,
}: {
  readonly name?: string
  readonly out: LabOutput
}): readonly LabView[] {
  const states = name === undefined ? recallAll() : [named(name)]
  const views = states.map(view)
  if (views.length === 0) out.write(`There is no lab. \`${tenbinWord()} lab up\` makes one.\n`)
  for (const one of views) out.write(describe(one, out))
  return views
}

/** labDown removes a lab and everything of it. Throws LAB_UNKNOWN, LAB_AMBIGUOUS, LAB_IN_USE, NOT_PERMITTED. */
export async function labDown({
  name,
  out,
}: {
  readonly name?: string
  readonly out: LabOutput
}): Promise<string> {
  requireRoot()
  if (name !== undefined) checkLabName(name)
  return locked(async () => {
    const lab = name ?? theOnly(recallAll()).topology.lab
    // A name is enough to clean: what is left of a lab may be its namespaces, or a state that cannot be read.
    const state = labNames().includes(lab) ? recallReadable(lab) : undefined
    if (!labNames().includes(lab) && labNamespaces(lab).length === 0) throw unknown(lab)
    if (state?.phase === 'held' && !isLeftover(state)) {
      const detail = `process ${state.owner.pid} holds lab ${lab}`
      throw new TenbinError('LAB_IN_USE', 'lab down', { detail })
    }
    await wipe(lab)
    out.write(`Lab ${lab} is removed.\n`)
    return lab
  })
}

/** LabShellOptions: `command`: run this instead of an interactive bash. `node`: any node, or "switch". */
export interface LabShellOptions {
  readonly name?: string
  readonly node: string
  readonly command?: Command
}

/**
 * labShell runs bash, or a command, in a node, on this process's own stdio; resolves with its exit status as a shell
 * tells it: 127 for a command that is not there, 128 + n after signal n. `tenbin` is there in both, and asks the lab's
 * own daemon.
 */
export async function labShell({ name, node, command }: LabShellOptions): Promise<number> {
  requireRoot()
  const { topology } = name === undefined ? theOnly(recallAll()) : named(name)
  const { namespace } = findNode(topology, node)
  const file = shellFile(topology.lab, node)
  const isInteractive = command === undefined && process.stdin.isTTY === true
  const wanted: Command = isInteractive
    ? ['bash', '--rcfile', file, '-i']
    : ['bash', ...(command ? ['-c', '"$@"', 'bash', ...command] : [])]
  // Ctrl-C is for the command, not for what waits for it.
  const ignore = () => undefined
  process.on('SIGINT', ignore)
  try {
    return await new Promise((resolve, reject) => {
      const child = spawnIn(namespace, wanted, {
        stdio: 'inherit',
        env: { ...process.env, TENBIN_LAB: topology.lab, ...(!isInteractive && { BASH_ENV: file }) },
      })
      child.on('error', (error) => reject(commandFailure(wanted, error)))
      child.on('close', (status, signal) =>
        resolve(signal === null ? (status ?? 1) : 128 + constants.signals[signal]),
      )
    })
  } finally {
    process.off('SIGINT', ignore)
  }
}

/** theOnly: the only lab there is, or else the only one that is up. Throws LAB_UNKNOWN, LAB_AMBIGUOUS. */
export function theOnly(states: readonly LabState[]): LabState {
  const up = states.filter(({ phase }) => phase === 'up')
  const [first, second] = up.length > 0 ? up : states
  if (!first) throw new TenbinError('LAB_UNKNOWN', 'lab', { detail: 'there is no lab' })
  if (!second) return first
  const names = states.map(({ topology }) => topology.lab).join(', ')
  throw new TenbinError('LAB_AMBIGUOUS', 'lab', { detail: `there are several labs: ${names}` })
}

const unknown = (name: string): TenbinError =>
  new TenbinError('LAB_UNKNOWN', `lab ${name}`, { detail: `there is no lab called ${name}` })

function named(name: string): LabState {
  checkLabName(name)
  const state = recall(name)
  if (!state) throw unknown(name)
  return state
}

/** shellFile writes what bash in a node reads first: whose shell it is, and which tenbin it talks to. */
function shellFile(lab: string, node: string): string {
  const directory = labDirectory(lab)
  const path = join(directory, `${node}.bashrc`)
  const places = `--instance ${instanceName(lab, 'lb1')} --run-dir ${directory}`
  const lines = [
    'case $- in *i*) [ -f ~/.bashrc ] && . ~/.bashrc ;; esac',
    `PATH=${BIN}:$PATH`,
    `PS1='[${lab}:${node}] \\w\\$ '`,
    'tenbin() {',
    '  case "$1" in',
    '    "" | -* | check | help | init | lab | run | version) command tenbin "$@" ;;',
    `    *) command tenbin "$@" ${places} ;;`,
    '  esac',
    '}',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

function view(state: LabState): LabView {
  const { topology, processes, createdAt } = state
  const [service6] = topology.serviceAddresses6
  return {
    name: topology.lab,
    phase: isLeftover(state) ? 'leftover' : state.phase,
    createdAt,
    directory: labDirectory(topology.lab),
    service: `${topology.serviceAddresses[0]}:${SERVICE_PORT}`,
    ...(service6 !== undefined && { service6: `[${service6}]:${SERVICE_PORT}` }),
    forward: topology.forward,
    nodes: topology.nodes.map(({ mac: _, ...node }) => node),
    processes: processes.map((one) => ({
      what: one.what,
      node: one.node,
      pid: one.pid,
      running: isAlive(one),
    })),
  }
}

function describe(lab: LabView, out: LabOutput): string {
  const paint = paintOf(out)
  const phase = lab.phase === 'up' ? paint.good('up') : paint.bad(lab.phase)
  const nodes = lab.nodes.map(({ name, role, address, address6, namespace }) => {
    const second = address6 === undefined ? '' : `${address6.padEnd(14)} `
    return `  ${name.padEnd(9)} ${role.padEnd(9)} ${address.padEnd(12)} ${second}${paint.faint(namespace)}`
  })
  const processes = lab.processes.map(
    ({ what, node, pid, running }) =>
      `  ${what} on ${node}: ${running ? `process ${pid}` : paint.bad('not running')}`,
  )
  const services = lab.service6 === undefined ? lab.service : `${lab.service} and ${lab.service6}`
  const head = `${paint.strong(lab.name)}: ${phase}, ${services} by ${lab.forward}, files in ${lab.directory}`
  const down = `\`${tenbinWord()} lab down --name ${lab.name}\``
  const remedy = lab.phase === 'leftover' ? [`  nobody's any more: ${down} removes it`] : []
  return `${[head, ...nodes, ...processes, ...remedy].join('\n')}\n`
}

function welcome(state: LabState, out: LabOutput): string {
  const paint = paintOf(out)
  const { lab } = state.topology
  const { service, service6 } = view(state)
  const lines = [
    '',
    ...picture(state.topology, out.columns, paint),
    '',
    service6 === undefined
      ? `Lab ${paint.strong(lab)} is up: ${service} is balanced by tenbin on lb1.`
      : `Lab ${paint.strong(lab)} is up: ${service} and ${service6} are balanced by tenbin on lb1.`,
    '',
    ...hints(state, paint)
      .map((line) => (line === '' ? '' : `  ${line}`))
      .flatMap((line) => (out.isTerminal ? wrapped(line, out.columns) : [line])),
    '',
  ]
  return `${lines.join('\n')}\n`
}
