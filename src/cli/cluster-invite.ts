// tenbin cluster invite: another word, for a node that comes later or whose word is over.

import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/durations.ts'
import { clusterSpecOf } from '../cluster/cluster-spec.ts'
import { invite } from '../cluster/membership.ts'
import { instanceOf } from '../daemon/instance.ts'
import { permitted } from '../sys/permitted.ts'
import { clusterOptions, loadFile, tellInvited } from './cluster-files.ts'
import { type CommandSpec, jsonOption, type Options, textOption } from './command.ts'
import { exitCodes } from './context.ts'

/** HOUR_MS: how long a word is good, unless it is said. */
export const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const clusterInviteCommand: CommandSpec = {
  words: 'invite <node>',
  summary: 'Give out a word by which another node of the file can join',
  details: 'On a node that is in the cluster. An earlier word for the same node is no longer good.',
  arguments: { node: 'a node of the file' },
  options: [
    ...clusterOptions,
    { flags: '--for <duration>', text: 'how long the word is good, at most 24h (default: 1h)' },
    jsonOption,
  ],
  examples: [
    ['tenbin cluster invite lb2', 'for a machine that was replaced, or whose word was lost'],
    ['tenbin cluster invite lb2 --for 5m --json', 'for a script'],
  ],
  exits: { no: 'this node is in no cluster, or the file has no such other node', notPermitted: 'not root' },
  run: (context, { args, options }) => {
    const node = args[0]!
    const forMs = durationOption(options)
    const places = instanceOf(options as Parameters<typeof instanceOf>[0])
    const spec = clusterSpecOf(loadFile(textOption(options, 'config')))
    const now = new Date()
    const word = permitted('cluster invite', () => invite(places, spec, node, { forMs, now }))
    const invited = { node, word, until: new Date(now.getTime() + forMs).toISOString() }
    if (options.json) context.out(JSON.stringify(invited))
    else tellInvited(context, [invited])
    return exitCodes.done
  },
}

function durationOption(options: Options): number {
  const text = textOption(options, 'for')
  if (text === undefined) return HOUR_MS
  let ms: number
  try {
    ms = parseDuration(text)
  } catch (error) {
    throw new InvalidArgumentError(`--for: ${(error as Error).message}`)
  }
  if (ms > 0 && ms <= DAY_MS) return ms
  throw new InvalidArgumentError(`--for: a word is good for 24h at most, not ${text}`)
}
