// tenbin cluster leave: this machine has no keys of the cluster any more. A daemon that runs does it, because it tells the
// other nodes first; where none does, the keys are removed from the disk.

import { leave } from '../cluster/membership.ts'
import { clusterSchema } from '../daemon/api-cluster.ts'
import { type Instance, instanceOf } from '../daemon/instance.ts'
import { permitted } from '../sys/permitted.ts'
import { callDaemon } from './client.ts'
import { stateOptions } from './cluster-files.ts'
import { type CommandSpec, instanceOptions, jsonOption } from './command.ts'
import { exitCodes } from './context.ts'

export const clusterLeaveCommand: CommandSpec = {
  words: 'leave',
  summary: 'Take this machine out of its cluster: its keys are removed, and the other nodes are told',
  details: [
    'It is refused while this node is active for an address set: `tenbin maintenance on` hands them over first. Take the node',
    'out of `nodes` in the file afterwards, and have the others exchange their key (`tenbin cluster rotate`): this one knew it.',
  ].join(' '),
  options: [...instanceOptions, ...stateOptions().slice(1), jsonOption],
  examples: [['tenbin cluster leave', 'before the machine is given away, or joins another cluster']],
  exits: { no: 'it is in none, or active: the message says why', notPermitted: 'not root' },
  run: async (context, { options }) => {
    const places = instanceOf(options as Parameters<typeof instanceOf>[0])
    await leaveBy(places)
    if (options.json) context.out(JSON.stringify({ left: true }))
    else
      context.out(
        'This machine has no keys any more. On another node: take it out of `nodes`, apply, then `tenbin cluster rotate`.',
      )
    return exitCodes.done
  },
}

async function leaveBy(places: Instance): Promise<void> {
  try {
    await callDaemon(places.socket, { method: 'POST', path: '/v1/cluster/leave', reply: clusterSchema })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'DAEMON_ABSENT') throw error
    permitted('cluster leave', () => leave(places))
  }
}
