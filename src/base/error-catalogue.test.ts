import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorAreas, errorCatalogue } from './error-catalogue.ts'

test('a code is in one area only, so that none takes the place of another', () => {
  const codes = Object.values(errorAreas).flatMap((area) => Object.keys(area))
  assert.deepEqual(codes.toSorted(), Object.keys(errorCatalogue).toSorted())
})

test('each area is sorted by code', () => {
  for (const [area, entries] of Object.entries(errorAreas))
    assert.deepEqual(Object.keys(entries), Object.keys(entries).toSorted(), area)
})

test('meanings and remedies have no final stop: a message goes on after them', () => {
  for (const [code, { meaning, remedy }] of Object.entries(errorCatalogue))
    for (const text of [meaning, remedy]) assert.doesNotMatch(text, /[.;,]$|^$/, code)
})
