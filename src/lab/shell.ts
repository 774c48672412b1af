// A shell, or one command, in a node of a lab, with a `tenbin` that talks to the lab's own daemon: that of the node, or
// of the first balancer where the node has none.

import { writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { BIN } from './entry.ts'
import { meant } from './find-lab.ts'
import { requireRoot } from './held-lab.ts'
import { type Command, commandFailure, spawnIn } from './run.ts'
import { labDirectory } from './state.ts'
import { fileName, findNode, instanceName, nodesOf, type Topology } from './topology.ts'

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
  const { topology } = meant(name)
  const { namespace } = findNode(topology, node)
  const file = shellFile(topology, node)
  const isInteractive = command === undefined && process.stdin.isTTY === true
  const wanted: Command = isInteractive
    ? ['bash', '--rcfile', file, '-i']
    : ['bash', ...(command ? ['-c', '. "$0" && "$@"', file, ...command] : [])]
  // Ctrl-C is for the command, not for what waits for it.
  const ignore = () => undefined
  process.on('SIGINT', ignore)
  try {
    return await new Promise((resolve, reject) => {
      const child = spawnIn(namespace, wanted, {
        stdio: 'inherit',
        env: {
          ...process.env,
          TENBIN_LAB: topology.lab,
          ...(!command && !isInteractive && { BASH_ENV: file }),
        },
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

/** shellFile writes what bash in a node reads first: whose shell it is, and which tenbin it talks to. */
function shellFile(topology: Topology, node: string): string {
  const { lab } = topology
  const directory = labDirectory(lab)
  const balancers = nodesOf(topology, 'balancer').map(({ name }) => name)
  const daemon = balancers.includes(node) ? node : balancers[0]!
  const path = join(directory, `${node}.bashrc`)
  const instance = `--instance ${instanceName(lab, daemon)}`
  const places = `${instance} --run-dir ${directory}`
  const keys = `${instance} --state-dir ${directory}`
  const config = `-c ${join(directory, fileName(topology, daemon))}`
  const lines = [
    'case $- in *i*) [ -f ~/.bashrc ] && . ~/.bashrc ;; esac',
    `PATH=${BIN}:$PATH`,
    `PS1='[${lab}:${node}] \\w\\$ '`,
    'tenbin() {',
    '  case "$1 $2" in',
    `    "cluster join") command tenbin "$@" ${keys} ;;`,
    `    "cluster init" | "cluster invite") command tenbin "$@" ${keys} ${config} ;;`,
    '    " "* | -* | check\\ * | help\\ * | init\\ * | lab\\ * | run\\ * | version\\ *) command tenbin "$@" ;;',
    `    *) command tenbin "$@" ${places} ;;`,
    '  esac',
    '}',
    // For a bash in it: of BASH_ENV it thinks nothing where its input is a socket (as rshd has it).
    'export -f tenbin',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}
