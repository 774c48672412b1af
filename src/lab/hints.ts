// What to do with a lab that is up, for a person: commands to copy, each with what it is good for, and how to change
// what the lab's tenbin balances. Words only. Left out: a second balancer, which has its own file and process.

import { join } from 'node:path'
import { tenbinWord } from './entry.ts'
import { type LabState, labDirectory } from './state.ts'
import type { Paint } from './terminal.ts'
import { nodesOf, SWITCH } from './topology.ts'

/** hints: lines without indentation. */
export function hints({ topology, processes }: LabState, paint: Paint): string[] {
  const { lab, serviceAddresses, serviceAddresses6 } = topology
  const command = (word: string) => `${tenbinWord()} lab ${word}${lab === 'lab' ? '' : ` --name ${lab}`}`
  const rows: readonly (readonly [string, string])[] = [
    [`${command('shell')} client`, `then: curl http://${serviceAddresses[0]}/`],
    ...serviceAddresses6.slice(0, 1).map((ip) => ['', `or: curl http://[${ip}]/`] as const),
    [`${command('shell')} lb1`, 'then: tenbin status'],
    [`${command('shell')} ${SWITCH}`, `then: tcpdump -ni ${nodesOf(topology, 'client')[0]!.name}`],
    [command('down'), 'removes everything'],
  ]
  const width = Math.max(...rows.map(([each]) => each.length)) + 3
  const pid = processes.findLast(({ what, node }) => what === 'tenbin' && node === 'lb1')?.pid
  return [
    ...rows.map(([each, text]) => `${each.padEnd(width)} ${paint.faint(text)}`),
    ...(pid === undefined
      ? []
      : [
          '',
          `Its file is ${join(labDirectory(lab), 'tenbin.yaml')}: after a change, kill -HUP ${pid} applies it.`,
        ]),
  ]
}
