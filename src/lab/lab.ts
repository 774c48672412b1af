// The lab's commands: up, status, down, and what may befall a node. Each takes plain options and says what it does to a
// LabOutput, so that the command line (or a test) only calls them.

import { TenbinError } from '../base/errors.ts'
import { Balancer } from './balancer.ts'
import { tenbinWord } from './entry.ts'
import { meant, named, theOnly, unknown } from './find-lab.ts'
import { Lab, requireRoot } from './held-lab.ts'
import { hints } from './hints.ts'
import { interruptible } from './interruptible.ts'
import { labFile } from './lab-file.ts'
import { locked } from './lock.ts'
import { picture } from './picture.ts'
import { wipe } from './remove.ts'
import { isLeftover, type LabState, labNames, labNamespaces, recallAll, recallReadable } from './state.ts'
import { type LabOutput, LiveArea, paintOf, wrapped } from './terminal.ts'
import { checkLabName, type LabNetwork, nodesOf, type TopologyOptions } from './topology.ts'
import { cutNode, freezeNode, healNode, killNode, type Trouble } from './trouble.ts'
import { describe, type LabView, view, viewWithRoles } from './view.ts'

/** LabUpOptions: `name`: absent = the first free of lab, lab2...; `servers`: 1..50, absent = 4; `ipv6`: as well. */
export interface LabUpOptions extends Pick<TopologyOptions, 'servers' | 'ipv6' | 'forward' | 'pair'> {
  readonly name?: string
  readonly out: LabOutput
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
    for (const { name } of nodesOf(lab.topology, 'balancer')) {
      next(`starting tenbin on ${name}`)
      const balancer = new Balancer(lab, name)
      balancer.write(labFile(lab.topology))
      await balancer.start()
    }
    signal.throwIfAborted()
    lab.keep()
    progress.finish([])
    out.write(welcome(lab.state, out))
    return viewWithRoles(lab.state)
  })
}

/** labStatus: all labs, or the one called `name`. Throws LAB_UNKNOWN. */
export async function labStatus({
  name,
  out,
}: {
  readonly name?: string
  readonly out: LabOutput
}): Promise<readonly LabView[]> {
  const states = name === undefined ? recallAll() : [named(name)]
  const views = await Promise.all(states.map(viewWithRoles))
  if (views.length === 0) out.write(`There is no lab. \`${tenbinWord()} lab up\` makes one.\n`)
  for (const one of views) out.write(describe(one, out))
  return views
}

/** LabTroubleOptions: `network`: for `cut`, the one whose cable is pulled; absent = all. */
export interface LabTroubleOptions {
  readonly trouble: Trouble
  readonly node: string
  readonly network?: LabNetwork
  readonly name?: string
  readonly out: LabOutput
}

/**
 * labTrouble does something to a node of a lab, or undoes it, and says what. Throws NOT_PERMITTED, LAB_UNKNOWN,
 * LAB_AMBIGUOUS, LAB_NODE_UNKNOWN, LAB_OPTION_INVALID, LAB_PROCESS_FAILED.
 */
export async function labTrouble({ name, out, ...options }: LabTroubleOptions): Promise<LabView> {
  requireRoot()
  const lab = Lab.resume(meant(name))
  out.write(`${await befall(lab, options)}\n`)
  return viewWithRoles(lab.state)
}

async function befall(
  lab: Lab,
  { trouble, node, network }: Pick<LabTroubleOptions, 'trouble' | 'node' | 'network'>,
): Promise<string> {
  switch (trouble) {
    case 'kill':
      return `${processes(await killNode(lab, node))} killed on ${node}.`
    case 'freeze':
      return `${processes(await freezeNode(lab, node))} stopped on ${node}.`
    case 'cut':
      await cutNode(lab, node, network)
      return `${node} is cut off from ${network ?? 'every network'}.`
    case 'heal': {
      const { resumed, restarted } = await healNode(lab, node)
      const more = [
        ...(resumed > 0 ? [`${processes(resumed)} resumed`] : []),
        ...(restarted ? ['tenbin started'] : []),
      ]
      return `${[`The cables of ${node} are in`, ...more].join(', ')}.`
    }
    default:
      return trouble satisfies never
  }
}

const processes = (count: number): string => `${count} ${count === 1 ? 'process' : 'processes'}`

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

function welcome(state: LabState, out: LabOutput): string {
  const paint = paintOf(out)
  const { lab, router } = state.topology
  const { service, service6 } = view(state)
  const services = service6 === undefined ? `${service} is` : `${service} and ${service6} are`
  const by = router ? 'tenbin on lb1 and lb2, whichever is active' : 'tenbin on lb1'
  const lines = [
    '',
    ...picture(state.topology, out.columns, paint),
    '',
    `Lab ${paint.strong(lab)} is up: ${services} balanced by ${by}.`,
    '',
    ...hints(state, paint)
      .map((line) => (line === '' ? '' : `  ${line}`))
      .flatMap((line) => (out.isTerminal ? wrapped(line, out.columns) : [line])),
    '',
  ]
  return `${lines.join('\n')}\n`
}
