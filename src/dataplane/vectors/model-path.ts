// The model as a packet path that stories can be told to.

import { AWAIT } from '../awaiting.ts'
import { memoryOf } from '../memory.ts'
import { createFlows, createModel, type Model } from '../model.ts'
import { PacketMemory } from '../model-memory.ts'
import { eventNames } from '../outcomes.ts'
import type { ServerEntry, Tables } from '../shape.ts'
import type { Fixture } from './fixture.ts'
import { isForwarded } from './kept-addresses.ts'
import type { FlowPath } from './tell.ts'

/** modelPath of a fixture that tracks flows; it has tables of its own. */
export function modelPath(fixture: Fixture): FlowPath & { readonly model: Model } {
  const { shape, tables } = fixture
  const memory = memoryOf(shape)
  const flows = createFlows(shape)!
  const servers: ServerEntry[] = [...tables.servers]
  const failed = new Uint32Array(memory.tracking!.failed.type.size / 4)
  const shut = memory.tracking!.shut && new Uint32Array(memory.tracking!.shut.type.size / 4)
  const before = (tables.before ?? []).map((words) => words.slice())
  const slots = tables.slots.map((words) => words.slice())
  const own: Tables = { ...tables, servers, failed, before, slots, ...(shut && { shut }) }
  const packets = new PacketMemory()
  packets.forwards = isForwarded
  const model = createModel(shape, own, { flows, packets })
  return {
    fixture,
    memory,
    model,
    run: model,
    flows: flows.table.words,
    answers: model.nat?.table.words,
    failed,
    shut,
    slots,
    before,
    schedules: flows.schedules?.image,
    setJiffies: (jiffies) => {
      flows.jiffies = jiffies
      packets.jiffies = Number(jiffies)
    },
    setUsable: (server, usable) => {
      servers[server] = { ...servers[server]!, usable }
    },
    setAwaiting: (isAwaiting) => {
      flows.awaiting.word = isAwaiting ? AWAIT.records : AWAIT.nothing
    },
    events: () => {
      const counted = { ...flows.events }
      for (const name of eventNames) flows.events[name] = 0
      return counted
    },
    forgetFragments: () => packets.forget(),
    forgetNewFlows: () => {
      flows.newFlows = { second: 0, count: 0 }
    },
  }
}
