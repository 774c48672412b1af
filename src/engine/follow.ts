// A pool's slots on a node that another one leads: what the other has is to this node what the generation before is to a
// new one (inherit.ts). Current is who this node's own view says; settled is whom the other's flows are with. Where both
// differ, the slot is a change of just now, whose flows are looked up; so a node that takes over has nothing to do: its
// words say already who of the other's flows goes where, whether its daemon runs or not.
//
//   lb1, active   slot 7: A              slot 8: B, settled A, 20 s young
//   lb2 sees A down
//   lb2, backup   slot 7: C, settled A   slot 8: B, settled A, 20 s young

import { ASK_BEFORE, SLOT_LEARN, SLOT_RECORDS, slotWord } from '../dataplane/shape.ts'
import type { Member } from '../schedule/members.ts'
import { assign, buildTable, NOBODY, type Table } from '../schedule/ranks.ts'
import { isTableSize } from '../schedule/table-size.ts'
import type { OldPool } from './inherit.ts'
import type { PlannedPool } from './plan.ts'
import { digestOf, type PoolShare } from './pool-share.ts'
import type { Lives, Past, PoolSlots } from './pool-slots.ts'
import { Young } from './young.ts'

/** Followed: another node's pool, in the ids of this one. `at`: when the share came, by this node's clock. */
export interface Followed {
  readonly share: PoolShare
  readonly at: number
}

/** IdOf: the id of a server here; 0: it is not here. */
export type IdOf = (name: string, address: string) => number

/** isAsHere: the other node has in every slot whom this one has, and no flow of either is to be looked up: as nearly always. */
export function isAsHere(share: PoolShare, planned: PlannedPool, slots: PoolSlots, idOf: IdOf): boolean {
  const { servers, members, sorry } = share
  if (share.slots !== slots.slots || share.marked.length > 0 || slots.records > 0) return false
  const { ids } = planned
  if (members + sorry !== ids.length) return false
  if (!ids.every((id, i) => idOf(servers[i]!.name, servers[i]!.address) === id)) return false
  const { current, first } = slots.left()
  return digestOf(current, first) === share.digest
}

/**
 * oldPoolOf a share: the words that the other node has, with ids of this one. undefined: this version makes another table
 * of the same members, and nothing of it can be followed.
 */
export function oldPoolOf(share: PoolShare, planned: PlannedPool, idOf: IdOf): OldPool | undefined {
  const { slots, members, sorry, isSorry, parts } = share
  if (!isTableSize(slots)) return undefined
  const [from, to] = isSorry ? [members, members + sorry] : [0, members]
  const table = tableOf(share, from, to, isSorry ? planned.sorry : planned.table)
  const current = assign(table, (member) => parts[from + member]!)
  if (digestOf(current, from) !== share.digest) return undefined
  const ids = idsOf(share, idOf)
  const words = new Uint32Array(slots)
  for (let slot = 0; slot < slots; slot++) {
    const member = current[slot]!
    const id = member === NOBODY ? 0 : ids(from + member + 1)
    words[slot] = slotWord(id, id)
  }
  for (const [i, slot] of share.marked.entries()) {
    const flags = SLOT_RECORDS | (share.learns[i] === 1 ? SLOT_LEARN : 0)
    words[slot] = slotWord(words[slot]! & 0x7fff, ids(share.settled[i]!), flags)
  }
  const before =
    share.before && Uint32Array.from(share.before, (number) => slotWord(ids(number), ids(number)))
  return { words, before, idOf: (id) => id }
}

/** pastOf a share, whose changes and what is learned have gone on since it came. */
export function pastOf({ share, at }: Followed, { young: life }: Lives, idOf: IdOf): Past {
  const ids = idsOf(share, idOf)
  return {
    young: new Young(
      life,
      share.young.map(({ openedAgoMs, agoMs, slots, from }) => ({
        opened: at - openedAgoMs,
        at: at - agoMs,
        slots,
        from: from.map(ids),
      })),
    ),
    learning: share.learning.map(({ leftMs, slots }) => ({ until: at + leftMs, slots })),
  }
}

/** idsOf: ids by the numbers of a share. */
function idsOf({ servers }: PoolShare, idOf: IdOf): (number: number) => number {
  const ids = Uint16Array.from(servers, ({ name, address }) => idOf(name, address))
  return (number) => (number === ASK_BEFORE ? ASK_BEFORE : (ids[number - 1] ?? 0))
}

/** tableOf the share's members from..to: this node's own where it is the same. */
function tableOf({ servers, weights, slots }: PoolShare, from: number, to: number, own?: Table): Table {
  const members: Member[] = servers
    .slice(from, to)
    .map(({ name }, i) => ({ name, weight: weights[from + i]! }))
  const isOwn =
    own?.slots === slots &&
    own.members.length === members.length &&
    own.members.every(({ name, weight }, i) => name === members[i]!.name && weight === members[i]!.weight)
  return isOwn ? own : buildTable(members, slots)
}
