// What to do with a lab that is up, for a person: commands to copy, each with what it is good for, and how to change
// what the lab's tenbin balances. Words only.

import { join } from 'node:path'
import { tenbinWord } from './entry.ts'
import { type LabState, labDirectory } from './state.ts'
import type { Paint } from './terminal.ts'
import { nodesOf, SWITCH } from './topology.ts'

/** hints: lines without indentation. */
export function hints({ topology, processes }: LabState, paint: Paint): string[] {
  const { lab, serviceAddresses, serviceAddresses6, router } = topology
  const command = (word: string) => `${tenbinWord()} lab ${word}${lab === 'lab' ? '' : ` --name ${lab}`}`
  const rows: readonly (readonly [string, string])[] = [
    [`${command('shell')} client`, `then: curl http://${serviceAddresses[0]}/`],
    ...serviceAddresses6.slice(0, 1).map((ip) => ['', `or: curl http://[${ip}]/`] as const),
    [`${command('shell')} lb1`, 'then: tenbin status'],
    [`${command('shell')} ${SWITCH}`, `then: tcpdump -ni ${nodesOf(topology, 'client')[0]!.name}`],
    ...(router
      ? ([
          [`${command('kill')} lb1`, 'and lb2 takes over; lab heal lb1 undoes it'],
          [`${command('cut')} lb1`, 'its cables out; lab freeze lb1: its processes stopped'],
        ] as const)
      : []),
    [`${command('attack')} syn-spoofed`, 'a flood, for ten seconds; lab attack --help'],
    [command('down'), 'removes everything'],
  ]
  const width = Math.max(...rows.map(([each]) => each.length)) + 3
  const pidOf = (balancer: string) =>
    processes.findLast(({ what, node }) => what === 'tenbin' && node === balancer)?.pid
  const files = nodesOf(topology, 'balancer').flatMap(({ name }) => {
    const pid = pidOf(name)
    const [file, whose] = router ? [`${name}.yaml`, `The file of ${name}`] : ['tenbin.yaml', 'Its file']
    if (pid === undefined) return []
    return [`${whose} is ${join(labDirectory(lab), file)}: after a change, kill -HUP ${pid} applies it.`]
  })
  return [
    ...rows.map(([each, text]) => `${each.padEnd(width)} ${paint.faint(text)}`),
    ...(files.length === 0 ? [] : ['', ...files]),
  ]
}
