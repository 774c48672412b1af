// The options by which `tenbin flood add` says what a rule matches, as the file's words for it. What is wrong with them whatever the
// services are is said here, of the option; whether the rule makes sense is the daemon's to judge, which knows the services.

import { InvalidArgumentError } from 'commander'
import { readRule } from '../config/rule-words.ts'
import { type RuleShape, rule } from '../config/schema-defence.ts'
import { type OptionSpec, type Options, textOption } from './command.ts'

/** ruleOptions: one for each key of a rule. */
export const ruleOptions: readonly OptionSpec[] = [
  { flags: '--tcp <flags>', text: 'TCP with these flags: syn, syn+ack, ack, rst, any, none' },
  { flags: '--udp <any>', text: 'UDP', choices: ['any'] },
  { flags: '--window <range>', text: "TCP's window: 0, or 0..512" },
  { flags: '--options <which>', text: 'whether there are TCP options', choices: ['none', 'some'] },
  { flags: '--length <range>', text: 'bytes of the IP packet: 40, or 40..60' },
  { flags: '--ttl <range>', text: 'TTL or hop limit: 243, or 200..255' },
  { flags: '--source <networks>', text: 'where it comes from: 203.0.113.0/24,198.51.100.7' },
  { flags: '--destination <networks>', text: 'where it goes' },
  { flags: '--source-ports <ports>', text: "the client's port: 123, or 0..1023,8080" },
  { flags: '--ports <ports>', text: 'the port that it goes to' },
  { flags: '--payload <bytes>', text: 'what it carries, offset and bytes: 0:dead,8:00ff' },
  { flags: '--service <services>', text: 'of these only: www,img (default: all)' },
  {
    flags: '--action <action>',
    text: 'count, drop, or a rate above which is dropped: 100/s (default: count)',
  },
  { flags: '--record', text: 'record what it matches' },
]

/** ruleOf what was given. Throws InvalidArgumentError for what cannot be read, of the first option that is wrong. */
export function ruleOf(options: Options): RuleShape {
  const shape = shapeOf(options)
  const wrong = rule.safeParse(shape).error?.issues[0]
  if (wrong) refuse(wrong.path[0], `expected ${wrong.message}, not "${givenAs(shape, wrong.path)}"`)
  readRule(shape, (message, ...at) => refuse(at[0], message))
  return shape
}

/** OPTIONS: where an option has another name than its key. */
const OPTIONS: Readonly<Record<string, string>> = { services: 'service', source_ports: 'source-ports' }

function refuse(key: PropertyKey | undefined, message: string): never {
  const name = String(key)
  throw new InvalidArgumentError(`--${OPTIONS[name] ?? name}: ${message}`)
}

/** givenAs: the value that a path leads to. */
const givenAs = (shape: unknown, path: readonly PropertyKey[]): string =>
  String(path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], shape))

function shapeOf(options: Options): RuleShape {
  const text = (name: string) => textOption(options, name)
  const list = (name: string) => text(name)?.split(',')
  const given = <Key extends keyof RuleShape>(key: Key, value: RuleShape[Key] | undefined) =>
    value === undefined ? {} : ({ [key]: value } as Pick<RuleShape, Key>)
  const action = text('action')
  return {
    ...given('tcp', text('tcp')),
    ...given('udp', text('udp') as 'any' | undefined),
    ...given('window', spanOf(text('window'))),
    ...given('options', text('options') as 'none' | 'some' | undefined),
    ...given('length', spanOf(text('length'))),
    ...given('ttl', spanOf(text('ttl'))),
    ...given('source', list('source')),
    ...given('destination', list('destination')),
    ...given(
      'source_ports',
      list('sourcePorts')?.map((each) => spanOf(each)!),
    ),
    ...given(
      'ports',
      list('ports')?.map((each) => spanOf(each)!),
    ),
    ...given('payload', list('payload')?.map(payloadOf)),
    ...given('services', list('service')),
    ...(options.record === true && { record: true }),
    ...(action !== undefined && {
      action: action === 'count' || action === 'drop' ? action : { limit: action },
    }),
  }
}

const spanOf = (text: string | undefined): number | string | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text

function payloadOf(text: string): { at: number; bytes: string } {
  const [, at, bytes] = /^(\d{1,4}):([0-9A-Fa-f]+)$/.exec(text) ?? []
  if (at === undefined || bytes === undefined)
    throw new InvalidArgumentError(`--payload takes offset and bytes such as 0:dead, not "${text}"`)
  return { at: Number(at), bytes }
}
