// tenbin flood, tenbin flood rules: what is seen of floods, once, or again and again until a key or a signal ends it.

import { floodSchema } from '../daemon/api-flood.ts'
import { instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption } from './command.ts'
import { exitCodes } from './context.ts'
import { floodLines, NO_DEFENCE, ruleLines } from './flood-lines.ts'

/** EVERY_MS: from one look to the next. */
const EVERY_MS = 1_000
const exits: NonNullable<CommandSpec['exits']> = {
  no: 'the daemon refused',
  absent: 'the daemon is not there',
  notPermitted: 'not root',
}

const asking = (options: Parameters<typeof instanceOf>[0]) =>
  callDaemon(instanceOf(options).socket, { path: '/v1/flood', reply: floodSchema })

export const floodShowCommand: CommandSpec = {
  words: 'show',
  summary: 'Show floods: verdicts with reasons, rates, sources, rules, state of proof',
  details: [
    'What is said of connections and sources comes of recorded packets, of which there are fewer than of others.',
    "COMPLETE is of all connections, a flood's, too; users: of those that defence lets through. CHECKS do not pass the defence.",
  ].join(' '),
  options: [
    { flags: '-f, --follow', text: 'again each second, until Ctrl-C' },
    ...instanceOptions,
    jsonOption,
  ],
  examples: [
    ['tenbin flood', 'now'],
    ['tenbin flood show -f', 'live'],
    ['tenbin flood show --json', 'for programs'],
  ],
  exits,
  run: async (context, { options }) => {
    do {
      const answer = await asking(options as Parameters<typeof instanceOf>[0])
      if (options.json) context.out(JSON.stringify(answer))
      else {
        const lines = floodLines(answer, context.paint, context.columns, Date.now())
        // cursor home, and what was there before is erased (ECMA-48 8.3.21, 8.3.39)
        if (options.follow && context.isTerminal) context.write('\x1b[H\x1b[2J')
        context.out(lines.join('\n'))
      }
      if (options.follow) await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
    } while (options.follow)
    return exitCodes.done
  },
}

export const floodRulesCommand: CommandSpec = {
  words: 'rules',
  summary: 'List rules with what they match, what they do, and their hits',
  options: [...instanceOptions, jsonOption],
  examples: [['tenbin flood rules', 'those of the file, those that ship, and those by hand']],
  exits,
  run: async (context, { options }) => {
    const { rules, isOn } = await asking(options as Parameters<typeof instanceOf>[0])
    if (options.json) context.out(JSON.stringify({ rules }))
    else if (!isOn) context.out(NO_DEFENCE)
    else for (const line of ruleLines(rules, context.paint)) context.out(line)
    return exitCodes.done
  },
}
