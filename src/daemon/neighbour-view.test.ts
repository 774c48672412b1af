import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../base/addresses.ts'
import { asking, failed, offLink, type Resolution } from '../netlink/resolution.ts'
import { isDoubtful, nextView, seen } from './neighbour-view.ts'

const here = { mac: parseMac('02:00:00:00:00:0b'), on: 'eth0' }
const moved = { mac: parseMac('02:00:00:00:00:0c'), on: 'eth0' }
const across = { ...here, on: 'eth1' }
const down = { why: 'interface down' }

test('an answer is told once, and again when it changes', () => {
  assert.deepEqual(nextView(undefined, here), here)
  assert.equal(nextView(here, here), undefined)
  assert.deepEqual(nextView(here, moved), moved)
  assert.deepEqual(nextView(here, across), across)
  assert.deepEqual(nextView(failed, here), here)
})

test('only silence takes a MAC away', () => {
  assert.deepEqual(nextView(here, failed), failed)
  assert.equal(nextView(here, asking), undefined)
  assert.equal(nextView(here, down), undefined)
  assert.equal(nextView(here, { why: 'no route on the link: ENETUNREACH' }), undefined)
})

test('a server that never answered is told with its reason, not with every moment of asking', () => {
  assert.equal(nextView(undefined, asking), undefined)
  assert.deepEqual(nextView(undefined, down), down)
  assert.deepEqual(nextView(down, failed), failed)
  assert.equal(nextView(failed, failed), undefined)
})

test('of several interfaces the one that the route leads to is heard', () => {
  const on = (eth0: Resolution, eth1: Resolution) => seen(new Map(Object.entries({ eth0, eth1 })))
  const away = offLink('it is on another interface')
  const { mac } = here
  assert.deepEqual(on({ mac }, away), here)
  assert.deepEqual(on(away, { mac }), across)
  assert.deepEqual(on(away, failed), failed)
  assert.deepEqual(on(down, failed), failed, 'who is silent has been asked')
  assert.deepEqual(on(away, asking), asking)
  assert.deepEqual(on(down, asking), asking)
  assert.deepEqual(on(away, down), down)
  assert.deepEqual(on(away, away), away)
})

test('a MAC is doubtful when something but silence or asking speaks against it', () => {
  assert.equal(isDoubtful(here, down), true)
  assert.equal(isDoubtful(here, asking), false)
  assert.equal(isDoubtful(here, moved), false)
  assert.equal(isDoubtful(down, down), false)
})
