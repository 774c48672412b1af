import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { features, isAtLeast, probe, probeAll, requireFeatures } from './probe.ts'

test('this kernel has all that tenbin needs, and probing leaves no program behind', () => {
  const answers = probeAll()
  assert.deepEqual(Object.keys(answers), features)
  for (const feature of features) {
    if (feature === 'jit') continue
    assert.deepEqual(answers[feature].ok ? '' : answers[feature].missing, '', feature)
  }
  requireFeatures()
})

test('a kernel without JIT is told so, with the remedy, and is good enough', () => {
  const jit = probe('jit')
  if (!jit.ok) assert.match(`${jit.missing}: ${jit.remedy}`, /interprets.*sysctl/)
  requireFeatures()
})

test('a user without privileges is told to be root, and not that the kernel lacks it', () => {
  const script = `
    import { probe, requireFeatures } from ${JSON.stringify(fileURLToPath(new URL('./probe.ts', import.meta.url)))}
    process.setuid(65534)
    const answer = probe('xdp')
    try { requireFeatures() } catch (error) { console.log(JSON.stringify([answer, error.code, error.message])) }`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { encoding: 'utf8' },
  )
  assert.notEqual(stdout, '', stderr)
  const [answer, code, message] = JSON.parse(stdout) as [ReturnType<typeof probe>, string, string]
  assert.ok(!answer.ok)
  assert.match(answer.remedy, /^run it as root/)
  assert.equal(code, 'NOT_PERMITTED')
  assert.match(message, /EPERM.*run it as root/)
})

test('releases are compared by their numbers', () => {
  for (const [found, floor, expected] of [
    ['6.1.0-18-amd64', '6.1', true],
    ['6.1', '6.1', true],
    ['6.18.44-fc-v595', '6.1', true],
    ['7.0', '6.1', true],
    ['6.0.19', '6.1', false],
    ['5.15.0-91-generic', '6.1', false],
    ['6.10.3', '6.9', true],
    ['6.9.3', '6.10', false],
    ['nonsense', '6.1', false],
  ] as const)
    assert.equal(isAtLeast(found, floor), expected, `${found} ${floor}`)
})
