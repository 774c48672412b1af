import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp } from '../base/addresses.ts'
import { admitReport, EVERY_MS, noReports, SENDERS } from './finding.ts'

const password = { name: 'password' } as const
const address = (index: number) => parseIp(`198.51.100.${index}`)

test('whoever sends from many addresses makes no more than a bounded number of reports, and of memory', () => {
  let reports = noReports
  let told = 0
  for (let index = 0; index < 250; index++) {
    const admitted = admitReport(reports, password, address(index), index)
    reports = admitted.reports
    if (admitted.left !== undefined) told++
  }
  assert.equal(told, SENDERS)
  assert.equal(reports.size, SENDERS)
  // another name has room of its own
  assert.equal(admitReport(reports, { name: 'conflict', priority: 1 }, address(1), 250).left, 0)
  // a minute later there is room again
  const later = admitReport(reports, password, address(200), EVERY_MS)
  assert.equal(later.left, 0)
  assert.ok(later.reports.size <= SENDERS)
})

test('one that was left out is counted, and its time does not begin anew', () => {
  let reports = admitReport(noReports, password, undefined, 0).reports
  for (const at of [1, EVERY_MS - 1]) {
    const admitted = admitReport(reports, password, undefined, at)
    assert.equal(admitted.left, undefined)
    reports = admitted.reports
  }
  assert.equal(admitReport(reports, password, undefined, EVERY_MS).left, 2)
})
