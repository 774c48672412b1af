// tenbin run: the daemon, in the foreground.

import { instanceOf } from '../daemon/instance.ts'
import { type LogLevel, logLevels, openLog } from '../daemon/log.ts'
import { requirePrivileges } from '../daemon/privileges.ts'
import { type CommandSpec, instanceOptions, textOption } from './command.ts'
import { exitCodes } from './context.ts'

export const runCommand: CommandSpec = {
  words: 'run',
  summary: 'Run the daemon in the foreground: forward by a file until a signal ends it',
  details: [
    'It runs what was applied last; the file is for a first start, SIGHUP and tenbin apply. SIGHUP applies a changed file;',
    'one with errors changes nothing. SIGTERM and SIGINT end the daemon and leave',
    'forwarding with the last view: `tenbin down` removes it. Address sets go to another node of the cluster first, if one',
    'can take them; SIGUSR2 ends the daemon without that, for a restart. An interface that comes late is waited for.',
  ].join(' '),
  options: [
    { flags: '-c, --config <file>', text: 'the file that says what to balance', required: true },
    ...instanceOptions,
    { flags: '--state-dir <dir>', text: 'what is kept over a boot: the hash key (default: /var/lib/tenbin)' },
    {
      flags: '--no-start-vrrp',
      text: 'the vrrp process is started by somebody else, such as systemd, and found by its socket',
    },
    {
      flags: '--log-level <level>',
      text: 'the least that is worth a line (default: info)',
      choices: logLevels,
    },
  ],
  examples: [
    ['tenbin run -c /etc/tenbin/tenbin.yaml', 'as systemd starts it'],
    ['tenbin run -c my.yaml --instance blue', 'a second one, for another interface'],
  ],
  exits: {
    no: 'it cannot start: the file has errors, another daemon has the instance or the interface',
    notPermitted: 'not root, or a capability is missing',
  },
  run: async (context, { options }) => {
    const { runDaemon } = await import('../daemon/run.ts')
    const { machinePorts } = await import('../daemon/machine.ts')
    const instance = instanceOf(options as Parameters<typeof instanceOf>[0])
    requirePrivileges('run')
    const log = openLog({
      level: (textOption(options, 'logLevel') ?? 'info') as LogLevel,
      pretty: context.isTerminal,
      colour: context.isColoured,
    })
    const startsVrrp = options.startVrrp !== false
    await runDaemon({ instance, file: textOption(options, 'config')!, log, startsVrrp }, machinePorts())
    return exitCodes.done
  },
}
