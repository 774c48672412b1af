// How a command is described: words, options, examples, exit codes and what it does. The command line, its help
// and its errors are made from these descriptions alone, so that all commands behave alike.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { tellFailure } from './failure.ts'

/** Options: what was given, by the option's long name in camel case. */
export type Options = Readonly<Record<string, string | boolean | undefined>>

/** Input: what the command line said. */
export interface Input {
  readonly args: readonly string[]
  readonly options: Options
}

/** OptionSpec: `flags` as commander has them, `-c, --config <file>`. */
export interface OptionSpec {
  readonly flags: string
  readonly text: string
  readonly choices?: readonly string[]
  readonly required?: boolean
  /** hidden: works, but help does not show it. */
  readonly hidden?: boolean
}

/** CommandSpec: one command. */
export interface CommandSpec {
  /** words: its name with arguments, `trace <client> <listener>`. */
  readonly words: string
  readonly summary: string
  /** details: more than the summary, for its own help. */
  readonly details?: string
  readonly arguments?: Readonly<Record<string, string>>
  readonly options?: readonly OptionSpec[]
  readonly examples: readonly (readonly [command: string, text: string])[]
  /** exits: what its exit codes mean, where there is more to say than done and usage. */
  readonly exits?: Partial<Readonly<Record<keyof typeof exitCodes, string>>>
  readonly run: (context: Context, input: Input) => Promise<ExitCode> | ExitCode
}

/** GroupSpec: commands under one word: `lab up`, `lab down`. */
export interface GroupSpec {
  readonly word: string
  readonly summary: string
  readonly commands: readonly CommandSpec[]
  /** usual: the one that is meant by the word alone. */
  readonly usual?: string
}

export const jsonOption: OptionSpec = { flags: '--json', text: 'answer for programs: one JSON object' }

/** instanceOptions: which daemon is meant. */
export const instanceOptions: readonly OptionSpec[] = [
  { flags: '--instance <name>', text: 'which tenbin of this machine (default: tenbin)' },
  { flags: '--socket <path>', text: "the daemon's socket (default: /run/tenbin/INSTANCE.sock)" },
  {
    flags: '--run-dir <dir>',
    text: 'where it keeps what a boot may forget (default: /run/tenbin)',
    hidden: true,
  },
]

/** textOption: an option's value; undefined if it was not given. */
export function textOption(options: Options, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** numberOption: a whole number; undefined if it was not given. Throws InvalidArgumentError, a usage error. */
export function numberOption(options: Options, name: string): number | undefined {
  const value = textOption(options, name)
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw new InvalidArgumentError(`--${name} takes a whole number, not "${value}"`)
}

/** addCommand puts a command under `parent`; its exit code goes to `finish`. */
export function addCommand(
  parent: Command,
  spec: CommandSpec,
  context: Context,
  finish: (code: ExitCode) => void,
  isDefault = false,
): void {
  const [name, ...parameters] = spec.words.split(' ')
  const command = parent.command(name!, { isDefault }).summary(spec.summary).description(description(spec))
  for (const parameter of parameters) {
    command.argument(parameter, spec.arguments?.[parameter.replace(/[<>[\].]/g, '')])
  }
  for (const { flags, text, choices, required = false, hidden = false } of spec.options ?? []) {
    const option = new Option(flags, text).makeOptionMandatory(required).hideHelp(hidden)
    command.addOption(choices ? option.choices(choices) : option)
  }
  command.addHelpText('after', afterHelp(spec))
  command.action(async () => {
    const options: Options = command.opts()
    try {
      finish(await spec.run(context, { args: command.args, options }))
    } catch (error) {
      if (error instanceof InvalidArgumentError) command.error(`error: ${error.message}`)
      finish(tellFailure(context, error, options.json === true))
    }
  })
}

/** groupHelp: how a group is used at a glance; its usual command whole. */
export function groupHelp({ word, commands, usual }: GroupSpec): string {
  const isUsual = ({ words }: CommandSpec) => words.split(' ')[0] === usual
  const { exits = {} } = commands.find(isUsual) ?? {}
  const examples = commands.flatMap((spec) => (isUsual(spec) ? spec.examples : spec.examples.slice(0, 1)))
  const own = `Each command has its own help: tenbin ${word} ${commands[0]!.words.split(' ')[0]} --help`
  const alone = usual === undefined ? '' : `\n\`tenbin ${word}\` alone is \`tenbin ${word} ${usual}\`.`
  return `\n${own}${alone}\n${afterHelp({ examples, exits })}`
}

const description = ({ summary, details }: CommandSpec): string =>
  details ? `${summary}.\n\n${details}` : `${summary}.`

function afterHelp({ examples, exits = {} }: Pick<CommandSpec, 'examples' | 'exits'>): string {
  const width = Math.max(...examples.map(([command]) => command.length))
  const exampleLines = examples.map(([command, text]) => `  ${command.padEnd(width)}  ${text}`)
  const meanings = { done: 'done', usage: 'the command line cannot be understood', ...exits }
  const exitLines = Object.entries(exitCodes).flatMap(([name, code]) => {
    const meaning = meanings[name as keyof typeof exitCodes]
    return meaning === undefined ? [] : [`  ${code}  ${meaning}`]
  })
  return ['', 'Examples:', ...exampleLines, '', 'Exit codes:', ...exitLines].join('\n')
}
