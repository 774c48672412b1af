// tenbin cluster init: the keys of a new cluster, on its first node.

import { clusterSpecOf } from '../cluster/cluster-spec.ts'
import { found, invite } from '../cluster/membership.ts'
import { instanceOf } from '../daemon/instance.ts'
import { permitted } from '../sys/permitted.ts'
import { clusterOptions, loadFile, tellInvited, thisNode } from './cluster-files.ts'
import { HOUR_MS } from './cluster-invite.ts'
import { type CommandSpec, jsonOption, textOption } from './command.ts'
import { exitCodes } from './context.ts'

export const clusterInitCommand: CommandSpec = {
  words: 'init',
  summary: 'Make the keys of a new cluster on this node, and a word for each other node to join by',
  details: [
    'Once, on one of the nodes of the file. A daemon that runs takes the keys by itself. A word is good for an hour and for',
    'one node; `tenbin cluster invite` gives out another.',
  ].join(' '),
  options: [
    ...clusterOptions,
    { flags: '--node <name>', text: 'which node of the file this is (default: the one with its addresses)' },
    jsonOption,
  ],
  examples: [
    ['tenbin cluster init', 'on the first node; then `tenbin cluster join` on the others'],
    ['tenbin cluster init -c my.yaml --node lb1', 'where the addresses are not there yet'],
  ],
  exits: { no: 'there are keys already, or the file has no other node', notPermitted: 'not root' },
  run: async (context, { options }) => {
    const places = instanceOf(options as Parameters<typeof instanceOf>[0])
    const desired = loadFile(textOption(options, 'config'))
    const spec = clusterSpecOf(desired)
    const node = await thisNode(desired, textOption(options, 'node'))
    const now = new Date()
    const invited = permitted('cluster init', () => {
      found(places, spec, node)
      const others = spec.nodes.filter(({ name }) => name !== node)
      return others.map(({ name }) => ({
        node: name,
        word: invite(places, spec, name, { forMs: HOUR_MS, now }),
        until: new Date(now.getTime() + HOUR_MS).toISOString(),
      }))
    })
    if (options.json) context.out(JSON.stringify({ node, invited }))
    else {
      context.out(`This is node ${context.paint.strong(node)}; its keys are in ${places.clusterKeys}.`)
      tellInvited(context, invited)
    }
    return exitCodes.done
  },
}
