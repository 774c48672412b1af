// What is wrong now, told once when it begins and once when it is over, however often it is found in between, and however
// its particulars change. What has events of its own, which say more, is not told here.

import type { EventSink } from '../events/event.ts'
import type { Problem } from './api-schema.ts'
import { problemText } from './problem.ts'

export class OpenProblems {
  readonly #events: EventSink
  #now: readonly Problem[] = []

  constructor(events: EventSink) {
    this.#events = events
  }

  get now(): readonly Problem[] {
    return this.#now
  }

  /** set: these are wrong now, and nothing else. */
  set(problems: readonly Problem[]): void {
    const before = this.#now
    this.#now = problems
    for (const each of problems.filter(isNotIn(before))) {
      this.#tell('problem', each)
    }
    for (const each of before.filter(isNotIn(problems))) {
      this.#tell('solved', each)
    }
  }

  #tell(what: 'problem' | 'solved', each: Problem): void {
    const { code, remedy } = each
    if (toldElsewhere.has(code)) return
    const text = problemText(each)
    this.#events.record(
      what === 'problem'
        ? { kind: 'node.problem', severity: 'warning', text, data: { code, remedy } }
        : { kind: 'node.solved', severity: 'notice', text: `over: ${text}`, data: { code } },
    )
  }
}

/** By service.held and service.released, by service.quorum, and by node.peer. */
const toldElsewhere: ReadonlySet<string> = new Set([
  'GUARD_HOLDS',
  'QUORUM_LOST',
  'PEER_REFUSED',
  'PEER_UNREACHABLE',
])

/** Of whom these are, or why, changes from moment to moment: that is no other problem. */
const unsteady: ReadonlySet<string> = new Set([
  'CHECKS_OVERDUE',
  'CLOCKS_DIFFER',
  'HEALTH_DIFFERS',
  'CHECKS_FRUITLESS',
  'CHECKER_CRASHES',
  'EVENTS_UNKEPT',
  'NOTIFY_UNKEPT',
])

/** Of whom the reason, behind the colon, may be another at each attempt: a server's words, with the number of a message. */
const unsteadyInReason: ReadonlySet<string> = new Set(['NOTIFY_FAILS'])

const isSame = (a: Problem, b: Problem): boolean =>
  a.code === b.code && (steadyPart(a) === steadyPart(b) || unsteady.has(a.code))

const steadyPart = ({ code, message }: Problem): string =>
  unsteadyInReason.has(code) ? message.split(':', 1)[0]! : message

const isNotIn =
  (some: readonly Problem[]) =>
  (each: Problem): boolean =>
    !some.some((other) => isSame(each, other))
