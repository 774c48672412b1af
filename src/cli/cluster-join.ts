// tenbin cluster join: into a cluster, by a word. The word is a secret, so it is read from standard input or a file: what is
// on a command line everybody on the machine can read.

import { readFileSync } from 'node:fs'
import { enter } from '../cluster/membership.ts'
import { instanceOf } from '../daemon/instance.ts'
import { permittedLater } from '../sys/permitted.ts'
import { stateOptions } from './cluster-files.ts'
import { type CommandSpec, jsonOption } from './command.ts'
import { exitCodes } from './context.ts'

/** WORD_MAX: bytes that are read. */
const WORD_MAX = 4096

export const clusterJoinCommand: CommandSpec = {
  words: 'join [file]',
  summary: 'Join a cluster by the word that a node of it gave out, read from standard input or a file',
  details: [
    'The daemon of the node that gave the word out has to run, and this machine to have the address that the file names.',
    'What was cut off can be done again by the same word. A daemon that runs here takes the keys by itself.',
  ].join(' '),
  arguments: { file: 'holds the word (default: standard input)' },
  options: [...stateOptions(), jsonOption],
  examples: [
    ['tenbin cluster join', 'then paste the word of `tenbin cluster init`'],
    ['tenbin cluster join /root/word', 'where it was copied to'],
  ],
  exits: { no: 'it was not taken in: the message says why', notPermitted: 'not root' },
  run: async (context, { args: [file], options }) => {
    const places = instanceOf(options as Parameters<typeof instanceOf>[0])
    const node = await permittedLater('cluster join', async () => {
      if (file === undefined && context.isTerminal) context.err('the word of invitation:')
      const word = file === undefined ? await firstLine(process.stdin) : readFileSync(file, 'utf8')
      return enter(places, word.trim())
    })
    if (options.json) context.out(JSON.stringify({ node, keys: places.clusterKeys }))
    else
      context.out(
        `This machine is node ${context.paint.strong(node)}; its keys are in ${places.clusterKeys}.`,
      )
    return exitCodes.done
  },
}

async function firstLine(input: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  for await (const part of input) {
    text += part.toString()
    if (text.includes('\n') || text.length > WORD_MAX) break
  }
  return text.split('\n')[0]!
}
