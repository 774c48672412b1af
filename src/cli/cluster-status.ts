// tenbin cluster status, tenbin cluster rotate: how the nodes stand to each other, and other keys for all of them.

import { setTimeout as delay } from 'node:timers/promises'
import { type ClusterAnswer, clusterSchema } from '../daemon/api-cluster.ts'
import { instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption, textOption } from './command.ts'
import { type Context, exitCodes } from './context.ts'
import { agoText, countText, section } from './table.ts'

/** ROTATE_MS: how long a rotation is waited for; it goes on without this command, too. */
const ROTATE_MS = 30_000

export const clusterStatusCommand: CommandSpec = {
  words: 'status',
  summary: 'Show how this node stands to the others: connected, since when, and why not',
  options: [...instanceOptions, jsonOption],
  examples: [
    ['tenbin cluster status', 'look at it'],
    ['tenbin cluster status --json', 'the same for programs'],
  ],
  exits: {
    no: 'this node is in no cluster, or another one is not connected',
    absent: 'the daemon is not there',
  },
  run: async (context, { options }) => {
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    const answer = await callDaemon(socket, { path: '/v1/cluster', reply: clusterSchema })
    if (options.json) context.out(JSON.stringify(answer))
    else for (const line of clusterLines(answer, new Date(), context)) context.out(line)
    return answer.node !== undefined && answer.nodes.every(({ state }) => state === 'connected')
      ? exitCodes.done
      : exitCodes.no
  },
}

export const clusterRotateCommand: CommandSpec = {
  words: 'rotate',
  summary:
    'Exchange the key that signs all nodes’ certificates for another one, on all nodes, without a break',
  details: [
    'After a node was taken out of the file for good, or a machine or its disk was lost: what it had is good for nothing then.',
    'All nodes have to be connected. One that is cut off meanwhile gets the new key when it is back. No flow moves. One that',
    'does not come back soon can be left without it; to be in the cluster again it has to join anew.',
  ].join(' '),
  options: [
    ...instanceOptions,
    {
      flags: '--without <nodes>',
      text: 'nodes that are not connected, and are left without the new key (by commas): they have to join anew',
    },
    jsonOption,
  ],
  examples: [
    ['tenbin cluster rotate', 'on any node'],
    [
      'tenbin cluster rotate --without lb3',
      'lb3 is being repaired; later it joins by `tenbin cluster invite lb3`',
    ],
  ],
  exits: { no: 'it cannot begin, or was not over within 30 s', absent: 'the daemon is not there' },
  run: async (context, { options }) => {
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    const without = textOption(options, 'without')
    const began = performance.now()
    let answer = await callDaemon(socket, {
      method: 'POST',
      path: `/v1/cluster/rotate${without === undefined ? '' : `?without=${encodeURIComponent(without)}`}`,
      reply: clusterSchema,
    })
    if (context.isTerminal && !options.json) context.err('exchanging keys ...')
    while (answer.rotates && performance.now() - began < ROTATE_MS) {
      await delay(100)
      answer = await callDaemon(socket, { path: '/v1/cluster', reply: clusterSchema })
    }
    if (options.json) context.out(JSON.stringify(answer))
    else if (answer.rotates) context.out('Not over yet: it goes on by itself; see `tenbin cluster status`.')
    else {
      const { without: left = [] } = answer
      const all = left.length === 0 ? 'All nodes' : `All nodes but ${left.join(' and ')}`
      context.out(`${all} have the new key; the old one is good for nothing.`)
      for (const line of leftLines(left)) context.out(line)
    }
    return answer.rotates ? exitCodes.no : exitCodes.done
  },
}

/** clusterLines: an answer for people. */
export function clusterLines(answer: ClusterAnswer, now: Date, { paint }: Pick<Context, 'paint'>): string[] {
  const { node, keys, at, rotates, without = [], refused, nodes, problems } = answer
  if (node === undefined) {
    const why = keys
      ? 'the file does not name it beside others'
      : 'it has no keys: `tenbin cluster init`, or `join`'
    return [`This node is in ${paint.bad('no cluster')}: ${why}.`, ...problemLines(problems)]
  }
  const rows = nodes.map(({ name, state, since, version = '-', clockAheadMs, why = '' }) => [
    name,
    state === 'connected' ? paint.good(state) : paint.bad(state),
    agoText(now.getTime() - new Date(since).getTime()),
    version,
    clockAheadMs === undefined ? '-' : `${(clockAheadMs / 1000).toFixed(1)} s`,
    why,
  ])
  const turned = refused.strangers + refused.excess
  return [
    `Node ${paint.strong(node)} meets the others at ${at.join(' and ')}.`,
    ...section(
      ['node', 'state', 'since', 'version', 'clock', ''],
      rows,
      ['left', 'left', 'left', 'left', 'right', 'left'],
      paint,
    ),
    ...(rotates ? ['', 'Keys are being exchanged.'] : []),
    ...(without.length > 0 ? ['', ...leftLines(without)] : []),
    ...(turned > 0
      ? [
          '',
          `Connections refused: ${countText(refused.strangers)} of strangers, ${countText(refused.excess)} too many of nodes.`,
        ]
      : []),
    ...problemLines(problems.filter(({ code }) => code !== 'PEER_UNREACHABLE' && code !== 'PEER_REFUSED')),
  ]
}

/** leftLines: how nodes that have not got the new key come back. */
const leftLines = (left: readonly string[]): string[] =>
  left.map(
    (name) =>
      `${name} has to join anew: \`tenbin cluster leave\` there, then \`tenbin cluster invite ${name}\` here.`,
  )

const problemLines = (problems: ClusterAnswer['problems']): string[] =>
  problems.length === 0
    ? []
    : ['', ...problems.flatMap(({ message, remedy }) => [message, `  remedy: ${remedy}`])]
