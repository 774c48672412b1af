// The command line as a whole: all commands, and how a line that cannot be understood is told. Commands that only
// work for some are not listed: what help shows, works.

import { Command, CommanderError } from 'commander'
import { version } from '../daemon/version.ts'
import { applyCommand, confirmCommand, rollbackCommand, syncCommand } from './apply.ts'
import { captureCommand } from './capture.ts'
import { checkCommand } from './check.ts'
import { clusterInitCommand } from './cluster-init.ts'
import { clusterInviteCommand } from './cluster-invite.ts'
import { clusterJoinCommand } from './cluster-join.ts'
import { clusterLeaveCommand } from './cluster-leave.ts'
import { clusterRotateCommand, clusterStatusCommand } from './cluster-status.ts'
import { addCommand, type CommandSpec, type GroupSpec, groupHelp } from './command.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { debugListingCommand } from './debug-listing.ts'
import { downCommand } from './down.ts'
import { eventsCommand } from './events.ts'
import { failoverCommand, maintenanceCommand } from './failover.ts'
import { floodRulesCommand, floodShowCommand } from './flood.ts'
import {
  floodAddCommand,
  floodAllowCommand,
  floodBanCommand,
  floodDisallowCommand,
  floodOnlyCommand,
  floodProofCommand,
  floodRemoveCommand,
  floodUnbanCommand,
} from './flood-orders.ts'
import { diffCommand, historyCommand, showCommand } from './history.ts'
import { initCommand } from './init.ts'
import { labAttackCommand } from './lab-attack.ts'
import { labDemoCommand } from './lab-demo.ts'
import { labDownCommand } from './lab-down.ts'
import { labShellCommand } from './lab-shell.ts'
import { labStatusCommand } from './lab-status.ts'
import { labCutCommand, labFreezeCommand, labHealCommand, labKillCommand } from './lab-trouble.ts'
import { labUpCommand } from './lab-up.ts'
import { notifyTestCommand } from './notify-test.ts'
import { disableCommand, drainCommand, enableCommand, undrainCommand, weightCommand } from './orders.ts'
import { planCommand } from './plan.ts'
import { runCommand } from './run.ts'
import { statusCommand } from './status.ts'
import { traceCommand } from './trace.ts'
import { versionCommand } from './version.ts'

/** commands: everything that tenbin can do, in the order of its help. */
export const commands: readonly (CommandSpec | GroupSpec)[] = [
  runCommand,
  downCommand,
  initCommand,
  checkCommand,
  planCommand,
  applyCommand,
  confirmCommand,
  rollbackCommand,
  historyCommand,
  showCommand,
  diffCommand,
  syncCommand,
  statusCommand,
  eventsCommand,
  traceCommand,
  captureCommand,
  drainCommand,
  undrainCommand,
  weightCommand,
  disableCommand,
  enableCommand,
  failoverCommand,
  maintenanceCommand,
  {
    word: 'cluster',
    summary: 'The nodes that share one file: their keys, and how they stand to each other',
    commands: [
      clusterInitCommand,
      clusterInviteCommand,
      clusterJoinCommand,
      clusterStatusCommand,
      clusterRotateCommand,
      clusterLeaveCommand,
    ],
  },
  {
    word: 'flood',
    summary: 'Floods: what is seen of them, and what is done against them',
    commands: [
      floodShowCommand,
      floodRulesCommand,
      floodAddCommand,
      floodRemoveCommand,
      floodBanCommand,
      floodUnbanCommand,
      floodAllowCommand,
      floodDisallowCommand,
      floodOnlyCommand,
      floodProofCommand,
    ],
    usual: 'show',
  },
  { word: 'notify', summary: 'Whoever is told what happens', commands: [notifyTestCommand] },
  {
    word: 'lab',
    summary: 'A real network on this one machine, to learn and rehearse in',
    commands: [
      labUpCommand,
      labStatusCommand,
      labShellCommand,
      labKillCommand,
      labFreezeCommand,
      labCutCommand,
      labHealCommand,
      labAttackCommand,
      labDownCommand,
      labDemoCommand,
    ],
  },
  { word: 'debug', summary: 'Look inside', commands: [debugListingCommand] },
  versionCommand,
]

/** runCli runs one command line (without node and script) and resolves with its exit code. */
export async function runCli(args: readonly string[], context: Context): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done
  const program = makeProgram(context, (result) => {
    code = result
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  }
}

function makeProgram(context: Context, finish: (code: ExitCode) => void): Command {
  const program = new Command('tenbin')
    .description('A redundant layer-4 load balancer: XDP made from one short file.')
    .version(`tenbin ${version}`, '-V, --version', 'print which tenbin this is')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', '\nEvery command has its own help with examples: tenbin run --help')
  setUp(program, context)
  for (const spec of commands) {
    if ('words' in spec) addCommand(program, spec, context, finish)
    else addGroup(program, spec, context, finish)
  }
  return program
}

function addGroup(
  program: Command,
  group: GroupSpec,
  context: Context,
  finish: (code: ExitCode) => void,
): void {
  const parent = program.command(group.word).description(group.summary).addHelpText('after', groupHelp(group))
  for (const spec of group.commands)
    addCommand(parent, spec, context, finish, spec.words.split(' ')[0] === group.usual)
}

/** setUp is inherited by the commands that are added later. */
function setUp(command: Command, context: Context): void {
  command
    .exitOverride()
    .showHelpAfterError('(add --help for how it is used)')
    .configureHelp({ helpWidth: Math.min(context.columns, 100) })
    .configureOutput({
      writeOut: (text) => context.write(text),
      writeErr: (text) => context.err(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'tenbin: ')),
    })
}
