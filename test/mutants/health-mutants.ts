// Mutants of what decides about servers: the rise/fall machine, the guard, ramps, quorum, the rota of looks, what of a
// server's answer counts, and the slots of pools with sorry servers. All of it is pure, so each is noticed by a test file.

import { inFile, type Mutant } from './run-mutant.ts'

const machine = inFile('src/health/machine.ts', 'machine')
const guard = inFile('src/health/guard.ts', 'pool')
const slowStart = inFile('src/health/slow-start.ts', 'pool')
const pool = inFile('src/health/pool.ts', 'pool')
const rota = inFile('src/health/rota.ts', 'rota')
const rhythm = inFile('src/health/rhythm.ts', 'machine')
const expectation = inFile('src/health/expect.ts', 'expect')
const orders = inFile('src/health/orders.ts', 'orders')
const sorry = inFile('src/engine/sorry.ts', 'sorrySlots')
const slots = inFile('src/engine/pool-slots.ts', 'sorrySlots')

/** healthMutants: all of them. */
export const healthMutants: readonly Mutant[] = [
  machine('a first bad look is not believed', "from === 'unknown' ? 1 :", "from === 'unknown' ? fall :"),
  machine('rise and fall are taken for each other', "to === 'up' ? rise : fall", "to === 'up' ? fall : rise"),
  machine('one look too few decides', 'if (count < needed)', 'if (count < needed - 1)'),
  machine(
    'a good look between bad ones does not start the count anew',
    '{ ...health, streak: 0 } }',
    'health }',
  ),
  machine('a look that found nothing counts as bad', "if (outcome === 'none') return { health }\n", ''),
  machine(
    'a standing is as old as the one before',
    'streak: 0, since: now }, tr',
    'streak: 0, since: health.since }, tr',
  ),
  machine('in doubt a check may wait longer', 'Math.min(everyMs, inDoubtMs)', 'inDoubtMs'),

  guard('half of a pool is most of it', 'count > rules.share', 'count >= rules.share'),
  guard('falls of any age count as one event', ' && at > now - rules.windowMs', ''),
  guard('falls count though the server is up again', 'if (down.has(name) && at', 'if (at'),
  guard('who fell is held with a sorry server there', 'up.size === 0 && hasSubstitute', 'false'),
  guard('a guard never ends by its time', ' || (up.size > 0 && now >= state.since + rules.holdMs)', ''),
  guard('a guard ends though nobody is left', '(up.size > 0 && now >=', '(now >='),
  guard(
    'a guard does not end when enough are back',
    '    !isMost(held.size) || isAnswered',
    '    isAnswered',
  ),
  guard('who fails while a guard holds is not held', '[...state.held, ...fell]', '[...state.held]'),
  guard('who is up again is held on', '.filter((name) => down.has(name)))', ')'),

  slowStart('a ramp begins with nothing', '/ overMs) + 1) / RAMP_STEPS', '/ overMs)) / RAMP_STEPS'),
  slowStart('a ramp never ends', ' || now >= since + overMs', ''),
  slowStart(
    'a small part of a weight is none',
    'Math.max(1, Math.round(weight * share))',
    'Math.floor(weight * share)',
  ),
  slowStart('weight 0 ramps to 1', 'weight === 0 ? 0 : ', ''),

  pool('a quorum is lost at its bound', 'present < down', 'present <= down'),
  pool('a quorum is back with less', 'if (present >= up)', 'if (present >= down)'),
  pool('at the start nobody is waited for', "before === 'unknown' && isAwaited", 'false'),
  pool('first looks are waited for without end', ' && now < begun + rules.roundMs', ''),
  pool(
    'a pool is not asked again when a round is over',
    "quorum === 'unknown' ? begun + rules.roundMs : Infinity",
    'Infinity',
  ),
  pool(
    'what an operator leaves does not count',
    'Math.min(reported(weight, report), left ?? Number.POSITIVE_INFINITY)',
    'reported(weight, report)',
  ),
  pool(
    'who is held does not count for the quorum',
    'up.has(each.name) || guard.held.has(each.name) ?',
    'up.has(each.name) ?',
  ),
  pool(
    'a sorry server that is down is a substitute',
    "each.standing === 'up' && weightOf(each) > 0",
    'weightOf(each) > 0',
  ),
  pool('a sorry server that is drained is a substitute', ' && weightOf(each) > 0)', ')'),
  pool(
    'sorry servers that are down have a weight',
    "weight: standing === 'up' ? reported(weight, report) : 0",
    'weight: reported(weight, report)',
  ),
  pool('all ramp when all begin', 'isRamped: isBack && isJoining', 'isRamped: isBack'),
  pool('who was held ramps up', ' && !state.guard.held.has(name)\n', '\n'),
  pool('a server that drains by itself gets more', 'if (report.isDraining) return 0\n', ''),

  rota('looks at different servers begin together', '(this.#serial++ * GOLDEN) % 1', '0'),
  rota('a delay before the first look is forgotten', 'due: now + delayMs + phase', 'due: now + phase'),
  rota('beats that were missed are made up for', 'Math.max(1, Math.ceil((now - entry.due) / afterMs))', '1'),
  rota('a beat is lost when a look is late', 'entry.due += beats * afterMs', 'entry.due = now + afterMs'),
  rota('more begin than there is room for', 'begun.length < room', 'true'),
  rota('who was removed begins again', "this.#heap[0]?.state === 'gone'", 'false'),
  rota('the heap is not in order when one is taken', 'if (heap[child]!.due >= last.due) break', 'break'),
  rota(
    'a look that does not end is nobody’s matter',
    "state === 'runs' ? limit : due",
    "state === 'runs' ? now : due",
  ),

  rhythm('refused is found a look sooner', 'everyMs + (fall - 1) * inDoubtMs', '(fall - 1) * inDoubtMs'),
  rhythm('a silent server’s last look takes no time', ' + timeoutMs,\n', ',\n'),
  rhythm('doubt is as slow as its looks are not', 'Math.max(inDoubtMs, timeoutMs)', 'inDoubtMs'),

  expectation('more of an answer counts than is looked at', 'bytes.subarray(0, rest)', 'bytes'),
  expectation(
    'an answer without end is waited for',
    'this.#count >= ANSWER_LIMIT ? this.#missed',
    'false ? this.#missed',
  ),
  expectation('a pattern at the end is missed', "this.#matcher.end() ? good('as expected') : ", ''),

  orders(
    'sorry servers are not looked at',
    '    if (sorry) look(service, sorry.check ?? service.check, sorry.members)\n',
    '',
  ),
  orders('a sorry server’s own check is forgotten', 'sorry.check ?? service.check', 'service.check'),
  orders('looks are not told apart by what they ask', 'update(canonical(asked))', 'update(asked.address)'),

  sorry('a sorry server that cannot is used', 'isAny(members, counts.length) && ', ''),
  sorry('a lost quorum changes nothing', '(isLost || !isAny(0, members))', '!isAny(0, members)'),
  sorry('sorry servers are for a lost quorum alone', '(isLost || !isAny(0, members))', 'isLost'),
  slots(
    'a pool that turns keeps counting its members',
    'if (before[slot] !== NOBODY) this.#held[first + before[slot]!]!--',
    '',
  ),
  slots(
    'sorry servers have the ids of members',
    'this.#options.ids[this.#inUse.first + member]!',
    'this.#options.ids[member]!',
  ),
  slots('a lost quorum is no planned change', ': this.#turn(now, false)', ': this.#turn(now, true)'),
]
