import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lookAt } from '../../../test/health/look-at.ts'
import { bad, type Checker, good } from '../checker.ts'
import { failed } from '../failure.ts'
import { all, any, type Named } from './combined.ts'

const yes: Named = { label: 'tcp', checker: async () => good('connected') }
const no: Named = { label: 'http', checker: async () => bad('status 500') }
const throws: Named = { label: 'ftp', checker: async () => Promise.reject(failed('cut')) }
const nothing: Named = { label: 'ping', checker: async () => ({ outcome: 'none', text: 'no descriptors' }) }
const hanging = (label: string, closed: string[] = []): Named => ({
  label,
  checker: (look) => {
    look.doing = `${label} answer`
    look.own({ [Symbol.dispose]: () => void closed.push(label) })
    return new Promise(() => {})
  },
})
const see = async (checker: Checker) => {
  const { outcome, text } = await lookAt(checker, 200)
  return `${outcome}: ${text}`
}

test('all is good when each is, and says which one is not', async () => {
  assert.equal(await see(all([yes, { ...yes, label: 'tls' }])), 'good: tcp: connected; tls: connected')
  assert.equal(await see(all([yes, no])), 'bad: http: status 500')
  assert.equal(await see(all([yes, throws])), 'bad: ftp: cut')
  assert.equal(await see(all([yes, nothing])), 'none: tcp: connected; ping: no descriptors')
  assert.equal(await see(all([nothing, no])), 'bad: http: status 500')
})

test('any is good when one is, and says of each why it is not', async () => {
  assert.equal(await see(any([no, yes])), 'good: tcp: connected')
  assert.equal(await see(any([no, throws])), 'bad: http: status 500; ftp: cut')
  assert.equal(await see(any([no, nothing])), 'none: http: status 500; ping: no descriptors')
})

test('the one that decides ends the others, and those that hang are named when the time is over', async () => {
  const closed: string[] = []
  assert.equal(await see(any([hanging('dns', closed), yes])), 'good: tcp: connected')
  assert.deepEqual(closed, ['dns'])
  assert.equal(
    await see(all([yes, hanging('dns'), hanging('tls')])),
    'bad: dns answer, tls answer timed out after 200ms',
  )
  assert.equal(
    await see(
      any(
        [all([yes, hanging('dns')]), no].map((each) =>
          'checker' in each ? each : { label: 'both', checker: each },
        ),
      ),
    ),
    'bad: dns answer timed out after 200ms',
  )
})

test('what one of them reports or warns of is kept', async () => {
  const reports: Named = {
    label: 'agent',
    checker: async () => ({ ...good('says "50%"', { share: 0.5 }), warning: 'soon' }),
  }
  const { report, warning } = await lookAt(all([yes, reports]))
  assert.deepEqual([report, warning], [{ share: 0.5 }, 'soon'])
})
