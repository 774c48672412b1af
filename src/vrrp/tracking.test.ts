import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitness, noTracks, see, settle, settlesAt, type Tracked } from './tracking.ts'

const link: Tracked = { name: 'link', weight: 'fault', riseMs: 3000, fallMs: 0 }
const quorum: Tracked = { name: 'quorum', weight: -60, riseMs: 100, fallMs: 200 }
const script: Tracked = { name: 'script', weight: 20, riseMs: 0, fallMs: 0 }
const all = [link, quorum, script]

test('what is seen first counts at once, and what was never seen is down', () => {
  assert.deepEqual(fitness(100, all, noTracks), { priority: 40, faults: ['link'] })
  let tracks = see(noTracks, link, true, 0)
  tracks = see(tracks, quorum, true, 0)
  tracks = see(tracks, script, true, 0)
  assert.deepEqual(fitness(100, all, tracks), { priority: 120, faults: [] })
  assert.equal(settlesAt(tracks, all), undefined)
})

test('a change counts once it has held; what flickers moves nobody', () => {
  let tracks = see(noTracks, quorum, true, 0)
  tracks = see(tracks, quorum, false, 1000)
  assert.equal(settlesAt(tracks, all), 1200)
  tracks = see(settle(tracks, all, 1199), quorum, true, 1199)
  assert.equal(settlesAt(tracks, all), undefined)
  tracks = see(tracks, quorum, false, 1300)
  tracks = see(tracks, quorum, false, 1400)
  assert.equal(settle(tracks, all, 1499), tracks)
  tracks = settle(tracks, all, 1500)
  assert.equal(fitness(100, [quorum], tracks).priority, 40)
  tracks = see(tracks, quorum, true, 2000)
  assert.equal(fitness(100, [quorum], settle(tracks, all, 2099)).priority, 40)
  assert.equal(fitness(100, [quorum], settle(tracks, all, 2100)).priority, 100)
})

test('what is seen as before changes nothing, not even the object', () => {
  const tracks = see(noTracks, quorum, true, 0)
  assert.equal(see(tracks, quorum, true, 5), tracks)
  const doubted = see(tracks, quorum, false, 6)
  assert.equal(see(doubted, quorum, false, 7), doubted)
})

test('several are settled at once, each by its own time', () => {
  let tracks = see(see(noTracks, link, false, 0), quorum, false, 0)
  tracks = see(see(tracks, link, true, 10), quorum, true, 10)
  assert.equal(settlesAt(tracks, all), 110)
  tracks = settle(tracks, all, 110)
  assert.deepEqual(fitness(100, [link, quorum], tracks), { priority: 100, faults: ['link'] })
  assert.equal(settlesAt(tracks, all), 3010)
  tracks = settle(tracks, all, 3010)
  assert.deepEqual(fitness(100, [link, quorum], tracks).faults, [])
})

test('weights leave the priority within 1 to 254, and an owner its own', () => {
  const heavy = (weight: number): Tracked => ({ name: 'heavy', weight, riseMs: 0, fallMs: 0 })
  assert.equal(fitness(100, [heavy(-253)], noTracks).priority, 1)
  const up = see(noTracks, heavy(253), true, 0)
  assert.equal(fitness(100, [heavy(253)], up).priority, 254)
  assert.deepEqual(fitness(255, [heavy(-253), link], noTracks), { priority: 255, faults: ['link'] })
})
