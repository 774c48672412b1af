import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handCode, returning } from './hand-code.ts'
import { BpfMap } from './map.ts'
import { loadProgram } from './program.ts'
import { bindMap, mapsOfProgram } from './program-maps.ts'
import { describeProgram, mapById, programById, programIds } from './query.ts'

const load = () =>
  loadProgram({ name: 'tb_query', code: handCode(...returning(2)), relocations: [], maps: [], flags: 0 })
    .program
const create = () =>
  BpfMap.create({ name: 'tb_query_map', type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 })

test('a program is among all programs, found by its id, and gone after its last owner', () => {
  const program = load()
  const { id, tag } = program.info
  assert.ok([...programIds()].includes(id))
  using found = programById(id)
  assert.deepEqual(found?.info, program.info)
  assert.equal(describeProgram(id), `program ${id} ("tb_query", tag ${tag})`)
  program[Symbol.dispose]()
  found![Symbol.dispose]()
  assert.equal(programById(id), undefined)
  assert.equal(describeProgram(id), `program ${id}`)
})

test('a map is found by its id, and gone after its last owner', () => {
  const map = create()
  const { id } = map.info
  mapById(id)![Symbol.dispose]()
  map[Symbol.dispose]()
  assert.equal(mapById(id), undefined)
})

test('a map bound to a program is found from it, and lives as long', () => {
  const program = load()
  const map = create()
  bindMap(program, map)
  const { id } = map.info
  map[Symbol.dispose]()
  using again = programById(program.info.id)!
  const bound = mapsOfProgram(again).get('tb_query_map')
  assert.equal(bound?.info.id, id)
  bound?.[Symbol.dispose]()
  program[Symbol.dispose]()
  assert.equal(mapById(id)?.[Symbol.dispose](), undefined)
})
