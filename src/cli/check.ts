// tenbin check: whether a file can be used, and what it would use. Everything wrong with the file is found without
// this machine; if this machine is one of its nodes, what the machine lacks is said too.

import { formatDuration } from '../base/durations.ts'
import { load } from '../config/load.ts'
import type { Examination, Uses } from '../daemon/examine.ts'
import { instanceOf } from '../daemon/instance.ts'
import { problemText } from '../daemon/problem.ts'
import { type CommandSpec, jsonOption, textOption } from './command.ts'
import { type Context, exitCodes } from './context.ts'
import { memoryLines } from './memory-lines.ts'
import { orTell } from './or-tell.ts'
import { countText, shareText, table, wrap } from './table.ts'

export const checkCommand: CommandSpec = {
  words: 'check <file>',
  summary: 'Check a file: every error with its place, or what it would use',
  details: [
    'Errors are printed as FILE:LINE:COLUMN: MESSAGE. What this machine lacks, an interface or a route to a server,',
    'is printed as a warning where it may still come, and as an error where it contradicts the file.',
  ].join(' '),
  arguments: { file: 'the file to check' },
  options: [
    { flags: '--file-only', text: 'do not look at this machine' },
    { flags: '--instance <name>', text: 'whose memory it would take the place of (default: tenbin)' },
    jsonOption,
  ],
  examples: [
    ['tenbin check /etc/tenbin/tenbin.yaml', 'before a reload'],
    ['tenbin check --file-only new.yaml', 'on a machine that is none of the nodes'],
  ],
  exits: { no: 'the file has errors' },
  run: async (context, { args, options }) => {
    const file = args[0]!
    const desired = orTell(context, file, options.json === true, () => load(file))
    if (!desired) return exitCodes.no
    const [
      { examine },
      { openMachineNetwork },
      { machineMemory },
      { localPorts },
      { neighbourRoom },
      { possibleCpus },
    ] = await Promise.all([
      import('../daemon/examine.ts'),
      import('../daemon/machine-network.ts'),
      import('../daemon/machine-memory.ts'),
      import('../daemon/check-ports.ts'),
      import('../daemon/neighbour-room.ts'),
      import('../kernel/cpus.ts'),
    ])
    using network = options.fileOnly ? undefined : openMachineNetwork()
    const { name } = instanceOf({ instance: textOption(options, 'instance') })
    const machine = network && {
      network,
      memory: machineMemory(name),
      ports: localPorts(),
      neighbours: neighbourRoom,
    }
    const examination = orTell(context, file, options.json === true, () =>
      examine(desired, machine, possibleCpus().ids),
    )
    if (!examination) return exitCodes.no
    const { errors, warnings, uses } = examination
    if (options.json) context.out(JSON.stringify({ ok: errors.length === 0, file, errors, warnings, uses }))
    else tell(context, file, examination)
    return errors.length === 0 ? exitCodes.done : exitCodes.no
  },
}

function tell({ out, paint }: Context, file: string, { errors, warnings, uses, isHere }: Examination): void {
  for (const each of errors) out(`${paint.bad('error')}: ${problemText(each)}\n  ${each.remedy}`)
  for (const each of warnings) out(`${paint.strong('warning')}: ${problemText(each)}\n  ${each.remedy}`)
  if (errors.length > 0) return
  out(`${file}: ${paint.good('ok')}`)
  const facts = [
    ['node', isHere ? `${uses.node}, this machine` : uses.node],
    ...uses.interfaces.map(({ name, instructions }, i) => [
      i === 0 ? 'interfaces' : '',
      `${name}: a program of ${countText(instructions)} instructions`,
    ]),
    ['addresses', uses.addresses.join(', ') || 'none: another node holds them'],
    ...uses.moving.map((set, i) => [i === 0 ? 'failover' : '', movingText(set)]),
    ...uses.moving
      .flatMap(({ name, routes }) => routes.map((route) => `${name}: ${route}`))
      .map((text, i) => [i === 0 ? 'routes' : '', text]),
    ...uses.sysctls.map((setting, i) => [i === 0 ? 'settings' : '', setting]),
    ['forwards', `${plural(uses.listeners, 'listener')} to ${plural(uses.servers, 'server')}`],
    ...flowFacts(uses),
    ...(uses.defence.length === 0 ? ['off'] : uses.defence).map((text, i) => [
      i === 0 ? 'defence' : '',
      text,
    ]),
  ]
  for (const line of table(facts, ['left', 'left'])) out(line)
  const rows = uses.services.flatMap(({ name, listeners, servers }) => {
    const [first = '', ...more] = wrap(listeners, 48)
    return [[name, first, plural(servers, 'server')], ...more.map((line) => ['', line])]
  })
  const [head, ...body] = table([['SERVICE', 'LISTENERS', 'POOL'], ...rows], ['left', 'left', 'left'])
  out('')
  out(paint.faint(head!))
  for (const line of body) out(line)
  for (const line of memoryLines(uses.maps, paint)) out(line)
  out('What does not stay is there twice while a changed file is put in.')
}

/** movingText: an address set that moves, in a line. */
function movingText({
  name,
  vrid,
  version,
  advertMs,
  priorities,
  noticedMs,
}: Uses['moving'][number]): string {
  const order = Object.entries(priorities).toSorted(([, a], [, b]) => b - a)
  const nodes = order.map(([node, priority]) => `${node} ${priority}`).join(', ')
  return `${name}: vrid ${vrid}, version ${version}, every ${formatDuration(advertMs)}, ${nodes}; silence is noticed within ${noticedMs} ms`
}

/** flowFacts: how many records there are, and what that is enough for. */
function flowFacts({ flows }: Uses): string[][] {
  if (!flows) return []
  const enough = flows.enough.flatMap(({ track, of, perSecond, share, servers, lifeS, networkS }) => {
    const rate = `  ${countText(perSecond)} new flows a second that live ${formatDuration(1000 * lifeS)} each`
    return track === 'all'
      ? [`${rate} of service ${of} (track all)${networkText(networkS)}`]
      : [
          `${rate} to pool ${of},`,
          `  while one of ${plural(servers, 'server')} is out (${shareText(share)} moved)`,
        ]
  })
  const all = [`${countText(flows.records)} records, enough for`, ...enough]
  return all.map((text, i) => [i === 0 ? 'flows' : '', text])
}

const networkText = (seconds: number | undefined): string =>
  seconds === undefined ? '' : `, each of a client that is kept for ${formatDuration(1000 * seconds)}`

const plural = (count: number, what: string): string => `${countText(count)} ${what}${count === 1 ? '' : 's'}`
