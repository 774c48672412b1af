// tenbin down: everything of an instance removed from this machine, with its daemon dead.

import { TenbinError } from '../base/errors.ts'
import { instanceOf } from '../daemon/instance.ts'
import { requirePrivileges } from '../daemon/privileges.ts'
import { type CommandSpec, instanceOptions, jsonOption } from './command.ts'
import { exitCodes } from './context.ts'

export const downCommand: CommandSpec = {
  words: 'down',
  summary: 'Remove everything of tenbin from the kernel: program, addresses, neighbour entries, settings',
  details: [
    'Works with the daemon dead and may be repeated. Refuses while the daemon runs: stop that first. Addresses that',
    'were there before tenbin stay, and a kernel setting that somebody else has changed since. The hash key and what was said of servers (tenbin drain and others) stay as well.',
  ].join(' '),
  options: [
    ...instanceOptions,
    { flags: '--force', text: 'also if it was at work in another namespace' },
    jsonOption,
  ],
  examples: [
    ['systemctl stop tenbin && tenbin down', 'stop forwarding on this machine'],
    ['tenbin down --instance blue', 'the one that was run with --instance blue'],
  ],
  exits: { no: 'refused: its daemon runs, or it works in another namespace', notPermitted: 'not root' },
  run: async (context, { options }) => {
    const [{ takeDown }, { downPacketPath }, { openMachineNetwork }, { arePinsElsewhere }] =
      await Promise.all([
        import('../daemon/down.ts'),
        import('../daemon/machine.ts'),
        import('../daemon/machine-network.ts'),
        import('../kernel/pin.ts'),
      ])
    const instance = instanceOf(options as Parameters<typeof instanceOf>[0])
    requirePrivileges('down')
    const force = options.force === true
    if (!force && arePinsElsewhere()) {
      const detail = '/sys/fs/bpf is not mounted here, but may be elsewhere, with its pins'
      throw new TenbinError('PINS_ELSEWHERE', `down ${instance.name}`, { detail })
    }
    using network = openMachineNetwork()
    const removed = await takeDown({ instance, network, downPacketPath, force })
    if (options.json) context.out(JSON.stringify({ instance: instance.name, removed }))
    else if (removed.length === 0) context.out(`nothing of instance ${instance.name} is in the kernel`)
    else for (const what of removed) context.out(`removed ${what}`)
    return exitCodes.done
  },
}
