// What our pure schedulers answer to the arrivals that LVS gets: the same rules as the packet path, with a record for
// every connection and counts that are kept at its SYN, FIN and RST.

import { leastLoaded } from '../../src/schedule/least.ts'
import {
  goOn,
  placeAfter,
  type Rotation,
  type RotationKind,
  rotation,
  START,
} from '../../src/schedule/rotation.ts'
import { isPacket } from './arrivals.ts'
import type { ExactService } from './services.ts'

/** Chooser: which server gets a new connection, or -1. */
interface Chooser {
  choose(): number
  weightsChanged(): void
}

interface Member {
  weight: number
  active: number
  inactive: number
}

/** Taking turns: a cursor that only grows, and a rotation. */
class TurnChooser implements Chooser {
  readonly #kind: RotationKind
  readonly #members: readonly Member[]
  #rotation: Rotation
  #place = START
  #cursor = 0

  constructor(kind: RotationKind, members: readonly Member[]) {
    this.#kind = kind
    this.#members = members
    this.#rotation = this.#made()
  }

  choose(): number {
    const { length } = this.#rotation.turns
    if (length === 0) return -1
    const turn = this.#cursor++ % length
    this.#place = placeAfter(this.#rotation, turn)
    return this.#rotation.turns[turn]!
  }

  weightsChanged(): void {
    this.#rotation = this.#made()
    const { turn, place } = goOn(this.#place, this.#rotation)
    this.#cursor = turn
    this.#place = place
  }

  #made(): Rotation {
    return rotation(
      this.#kind,
      this.#members.map(({ weight }) => weight),
    )
  }
}

const chooserOf = (scheduler: ExactService['scheduler'], members: readonly Member[]): Chooser =>
  scheduler === 'rr' || scheduler === 'wrr'
    ? new TurnChooser(scheduler, members)
    : { choose: () => leastLoaded(scheduler, members), weightsChanged: () => {} }

/** ourAnswers: for each packet of a service the server that gets it; -1 = nobody. */
export function ourAnswers({ scheduler, weights, arrivals }: ExactService): number[] {
  const members: Member[] = weights.map(() => ({ weight: 0, active: 0, inactive: 0 }))
  const chooser = chooserOf(scheduler, members)
  const change = (member: number, weight: number) => {
    members[member]!.weight = weight
    chooser.weightsChanged()
  }
  // LVS puts a new server before the others, so the guest added the last one first
  for (const [member, weight] of [...weights.entries()].reverse()) change(member, weight)
  const servers = new Map<string, number>()
  const answers: number[] = []
  for (const arrival of arrivals) {
    if (!isPacket(arrival)) {
      change(arrival.member, arrival.weight)
      continue
    }
    const flow = `${arrival.client}:${arrival.port}`
    const server = servers.get(flow) ?? chooser.choose()
    const isNew = !servers.has(flow)
    servers.set(flow, server)
    answers.push(server)
    const member = members[server]
    if (member && isNew) member.active++
    else if (member && arrival.kind !== 'ack') {
      member.active--
      member.inactive++
    }
  }
  return answers
}
