// Mutants of edits that are words of what runs: which are, what is stored then, and what the next daemon finds.

import { inFile, type Mutant } from './run-mutant.ts'

const amend = inFile('src/engine/amend.ts', 'amendments')
const engine = inFile('src/engine/xdp.ts', 'amendments')
const generation = inFile('src/engine/generation.ts', 'amendments')
const assignment = inFile('src/engine/assignment.ts', 'amendments')
const slots = inFile('src/engine/pool-slots.ts', 'amendments')
/** What is left out is not done. */
const removed = ''

/** amendMutants: all of them. */
export const amendMutants: readonly Mutant[] = [
  amend('any edit is words of what runs', '  live.prepared.structure === prepared.structure &&\n', removed),
  amend('whose turn it is is a word like others', '  !(schedules ?? live.schedules) &&\n', removed),
  amend(
    'words are stored beside a table of before',
    ' &&\n  !(assignment.before ?? live.assignment.before)',
    removed,
  ),
  generation(
    'who is in a pool is not part of what runs',
    'fingerprint(structure, JSON.stringify(pools))',
    'fingerprint(structure)',
  ),
  generation(
    'who is in a pool is part of the programs',
    'const { pools, ...spec } = plan.spec',
    'const spec = plan.spec\n  const { pools } = spec',
  ),
  engine('what was amended is not written down', '    before.rename(fingerprint)\n', removed),
  engine(
    'the audit goes on by what was before',
    '    generation.expect(prepared, { reachOf, assignment, known, schedules, defence })\n    const failed',
    '    if (!generation.maps.images) generation.expect(prepared, { reachOf, assignment, known, schedules, defence })\n    const failed',
  ),
  engine(
    'who has failed with an edit is not marked',
    '    for (const [at, word] of failed?.entries() ?? []) Atomics.or(marks!, at, word)\n',
    removed,
  ),
  engine(
    'who is back with an edit stays marked',
    '    for (const [at, word] of failed?.entries() ?? []) Atomics.and(marks!, at, word)\n',
    removed,
  ),
  engine(
    'who drains with an edit is open to client networks',
    "    for (const [at, word] of shut?.entries() ?? []) Atomics.store(generation.maps.words('shut')!, at, word)\n",
    removed,
  ),
  engine(
    'where a server is reached stays what it was',
    '      if (reach) generation.storeServer(prepared, id, reach)\n    }\n    for (const [at, word] of failed',
    '    }\n    for (const [at, word] of failed',
  ),
  engine(
    'an apply that fails closes what runs',
    'if (before && before !== this.#live?.generation) before[Symbol.dispose]()\n      if (!this.#live)',
    'if (before) before[Symbol.dispose]()\n      if (!this.#live)',
  ),
  assignment(
    'no word is stored',
    "if (holds === 'any') written += storeOthers",
    "if (holds !== 'any') written += storeOthers",
  ),
  assignment(
    'pools that one was split into share its slots',
    'found && !taken.has(found) ? found',
    'found ? found',
  ),
  assignment(
    'what moves with an edit has no past',
    '  past?.young.add(now, changed.slots, changed.from)\n',
    removed,
  ),
  assignment(
    'words of the generation before are not taken over',
    '    slots.words.set(heir.words)\n',
    removed,
  ),
  slots('slots of another weight are the same', ' &&\n      areSame(parts, here.parts)', removed),
  slots('slots of another pool’s members are the same', '      areSame(ids, here.ids) &&\n', removed),
  slots('slots of another table are the same', '      table === here.table &&\n', removed),
]
