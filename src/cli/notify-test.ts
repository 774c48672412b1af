// tenbin notify test: whether whoever is to be told of events can be.

import { type NotifyTestAnswer, notifyTestSchema } from '../daemon/api-notify.ts'
import { instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption } from './command.ts'
import { type Context, exitCodes } from './context.ts'

/** PATIENCE_MS: longer than one attempt may take, and the process that sends with it. */
const PATIENCE_MS = 90_000

export const notifyTestCommand: CommandSpec = {
  words: 'test [target]',
  summary: 'Tell everybody of `notify` of a test, or one of them, and show what came of it',
  details: [
    'By the file that runs, with its secrets, beside what waits: a mail, a webhook, a run of a script each. One that fails',
    'is shown with the step at which it did, and with what to do.',
  ].join(' '),
  arguments: { target: 'a name under notify in the file (default: all)' },
  options: [...instanceOptions, jsonOption],
  examples: [
    ['tenbin notify test', 'after a change of notify'],
    ['tenbin notify test ops', 'only one of them'],
  ],
  exits: {
    no: 'one of them could not be told, or there is no such',
    absent: 'the daemon is not there',
    notPermitted: 'not root',
  },
  run: async (context, { args: [target], options }) => {
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    if (context.isTerminal && !options.json) context.err('telling them ...')
    const answer = await callDaemon(socket, {
      method: 'POST',
      path: '/v1/notify/test',
      query: target === undefined ? {} : { target },
      reply: notifyTestSchema,
      timeoutMs: PATIENCE_MS,
    })
    if (options.json) context.out(JSON.stringify(answer))
    else for (const result of answer.results) tell(context, result)
    return answer.results.every(({ done }) => done) ? exitCodes.done : exitCodes.no
  },
}

function tell({ out, paint }: Context, result: NotifyTestAnswer['results'][number]): void {
  const { name, kind, done, text, ms, remedy } = result
  out(
    `${paint.strong(name)} (${kind}): ${done ? paint.good('done') : paint.bad('failed')} after ${ms} ms: ${text}`,
  )
  if (remedy !== undefined) out(`  remedy: ${remedy}`)
}
