import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { apiPage } from './api-page.ts'

// After a change of the routes: API_PAGE=write node --import tsx --test src/daemon/api-page.test.ts
test('docs/api.md is what the route table says', () => {
  const path = new URL('../../docs/api.md', import.meta.url)
  if (process.env.API_PAGE === 'write') writeFileSync(path, apiPage())
  assert.equal(readFileSync(path, 'utf8'), apiPage())
})
