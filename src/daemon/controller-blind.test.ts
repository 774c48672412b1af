// A daemon that comes, and nobody who can say how servers are: what is found of the packet path decides, and what operators
// have said.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { fileText, World } from './fake-world.ts'

let world: World
beforeEach(() => {
  world = new World()
  world.text = fileText({ servers: 3, check: 'tcp' })
})
afterEach(() => world.kill())

const viewOf = (server: string, pool = 'www') => world.packetPath.views.get(pool)?.get(server) ?? { up: true }
/** restart: the daemon is killed, and so is the checker with all that it knew. */
const restart = async (text: string) => {
  world.kill()
  world.checker.known.clear()
  world.text = text
  await world.start()
}

test('a server that is drained keeps its flows when another daemon comes with a changed check', async () => {
  const controller = await world.start()
  world.checker.see('10.0.0.11', 'up')
  world.checker.see('10.0.0.12', 'up')
  world.checker.see('10.0.0.13', 'down')
  await controller.order({ kind: 'drain' }, 'web2', undefined)
  await controller.order({ kind: 'drain' }, 'web3', undefined)
  await restart(fileText({ servers: 3, check: '{ http: /health }' }))
  assert.deepEqual(viewOf('web1'), { up: true })
  assert.deepEqual(viewOf('web2'), { up: true, weight: 0 }, 'drained, not failed')
  assert.deepEqual(viewOf('web3'), { up: false }, 'it had failed')
  await world.controller.order({ kind: 'undrain' }, 'web2', undefined)
  assert.deepEqual(viewOf('web2'), { up: true })
})

test('without a checker nobody who had failed is taken for up, nor told to be by the one that comes', async () => {
  await world.start()
  world.checker.see('10.0.0.11', 'up')
  world.checker.see('10.0.0.12', 'down')
  world.checker.isThere = false
  await restart(fileText({ servers: 3, check: 'tcp' }))
  assert.deepEqual(
    ['web1', 'web2', 'web3'].map((name) => viewOf(name).up),
    [true, false, false],
  )
  assert.deepEqual(
    world.checker.orders.map(({ seed }) => seed),
    ['up', undefined, undefined],
  )
})

test('without a checker servers of which nothing is known at all are taken for up', async () => {
  world.checker.isThere = false
  await world.start()
  assert.ok(['web1', 'web2', 'web3'].every((name) => viewOf(name).up))
  assert.deepEqual(await world.problemCodes(), ['CHECKER_ABSENT'])
})
