// The packet path's side of tracking: which packets are asked about, and what follows from the answer. A packet that is
// not asked about pays for one comparison, and for leaving word of where its headers are.

import type { StashedContext } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { type Path, take } from './cell.ts'
import { awaitsRequests, flowsOf, type Memory, persists, SETTING, uniformUse } from './memory.ts'
import type { Route } from './path.ts'
import { ABOUT_POOL } from './path-asked.ts'
import { calledOf, RESET, UNTOLD } from './path-decide.ts'
import { type NatFunctions, natOf, translateRequest } from './path-nat.ts'
import { askingOf, questionFunction } from './path-question.ts'
import { resetFunction } from './path-reset.ts'
import { WHERE } from './path-where.ts'
import { type Shape, SLOT_RECORDS } from './shape.ts'

/** Tracking: functions of the program that the packet path needs for flows. */
export interface Tracking {
  readonly question: BuiltFunction
  readonly reset: BuiltFunction | undefined
  readonly nat: NatFunctions | undefined
}

/** trackingOf a shape; undefined where it tracks no flows. */
export function trackingOf(shape: Shape, memory: Memory): Tracking | undefined {
  const flows = flowsOf(shape)
  if (!flows) return undefined
  const deciding = { shape, memory, flows, called: calledOf(memory) }
  const question = questionFunction(deciding, persists(shape) ? askingOf(deciding) : undefined)
  const reset = resetFunction(shape)
  return { question, reset, nat: natOf(shape, memory, flows, question) }
}

/** aboutOf: pool and service as the question has them. */
function aboutOf(p: Path, pool: Val<'u32'> | number, service: Val<'u32'> | number): Val<'u64'> {
  if (typeof pool === 'number') {
    const upper = BigInt(pool) << BigInt(ABOUT_POOL)
    if (typeof service === 'number') return p.const64(upper | BigInt(service))
    return upper === 0n ? p.widen(service) : p.alu('or', p.const64(upper), service)
  }
  return p.alu('or', p.alu('lsh', p.widen(pool), ABOUT_POOL), service)
}

/**
 * decideServer: who gets the packet, whose slot has this word: the current server, or whom the function that decides
 * says. `reset` is a label ahead.
 */
export function decideServer(
  p: Path,
  route: Route,
  tracking: Tracking,
  context: StashedContext,
  word: Val<'u32'>,
  reset: Label,
): Val<'u32'> {
  const { shape, memory, match } = route
  const server = p.variable('u32', memory.serverCapacity - 1)
  const ask = () => {
    const [pool, service, hash] = [
      take(p, match.pool),
      take(p, match.service),
      take(p, route.hash) as Val<'u64'>,
    ]
    const about = aboutOf(p, pool, service)
    const { question } = tracking
    const kept = tracking.nat && { about: p.stash(about), hash: p.stash(p.widen(hash)) }
    const answer = p.callSub(
      question,
      p.contextOf(context),
      hash,
      word,
      about,
      take(p, route.where!) as Val<'u64'>,
    )
    if (tracking.reset) p.jumpIf(anyBits(answer, RESET), reset)
    if (awaitsRequests(shape)) p.exitIf(anyBits(answer, UNTOLD), 'untold')
    p.set(server, p.alu('and', answer, memory.serverCapacity - 1))
    if (tracking.nat && kept) translateRequest(p, route, tracking.nat, { context, answer, server, ...kept })
  }
  const use = uniformUse(shape)
  if (use?.track === 'all') {
    ask()
    return server
  }
  const [tracked, decided] = [p.label('tracked'), p.label('decided')]
  p.set(server, p.alu('and', word, memory.serverCapacity - 1))
  if (use) p.jumpIf(anyBits(word, SLOT_RECORDS), tracked)
  else {
    // bit 0 of what is compared is RECORDS, for `changes`; bit 1, for `all`, is always set
    const settings = p.load(p.element(p.memory(memory.tables).settings, take(p, match.service)))
    const when = p.alu('or', p.alu('rsh', word, 31), SETTING.all)
    p.jumpIf({ op: 'jset', reg: settings.reg, operand: { reg: when.reg }, bits: 32 }, tracked)
  }
  p.cold(tracked, () => {
    ask()
    p.goto(decided)
  })
  p.bind(decided)
  return server
}

/**
 * answerReset: the code behind a label: the client is told, where it can be; else the packet is dropped. What only belongs
 * to a flow tells nobody.
 */
export function answerReset(
  p: Path,
  { where }: Route,
  reset: BuiltFunction,
  context: StashedContext,
  label: Label,
): void {
  p.cold(label, () => {
    p.exitIf(anyBits(take(p, where!) as Val<'u64'>, WHERE.peek), 'no-server')
    const answered = p.callSub(reset, p.contextOf(context))
    p.exitIf(eq(answered, 0), 'no-server')
    p.leave('reset')
  })
}
