import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BpfMap } from '../kernel/map.ts'
import { ensureBpffs, PinDirectory } from '../kernel/pin.ts'
import { capture } from './captured.ts'

const skip = process.geteuid?.() !== 0 && 'giving up capabilities needs root'
// util-linux: without any capability, root is nobody special to the kernel.
const WITHOUT_CAPABILITIES = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']

let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'main-kernel-'))
  writeFileSync(join(dir, 'bad.yaml'), 'services: 1\n')
})
after(() => rmSync(dir, { recursive: true }))

/** tenbin runs the command, through another one if told. */
function tenbin(
  words: string,
  through: readonly string[] = [],
): Promise<{ code: number | null; err: string }> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), main, ...words.split(' ')]
  const [file, ...args] = [...through, ...node]
  return new Promise((resolve, reject) => {
    const child = spawn(file!, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let err = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, err }))
  })
}

test('who lacks capabilities ends with 4 and reads what is missing, before anything is touched', {
  skip,
}, async () => {
  for (const command of [`run -c ${dir}/bad.yaml`, 'down']) {
    const { code, err } = await tenbin(
      `${command} --instance main-kernel --run-dir ${dir}`,
      WITHOUT_CAPABILITIES,
    )
    assert.equal(code, 4, err)
    assert.match(
      err,
      /^tenbin: (run|down): this process lacks CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON\n {2}remedy: /,
    )
  }
})

test('where the pins cannot be seen, as under ip netns exec, run and down are refused (PINS_ELSEWHERE)', {
  skip,
}, async () => {
  ensureBpffs()
  const bareSys = 'umount --lazy /sys && mount -t sysfs sysfs /sys && exec "$@"'
  const hidden = ['unshare', '--mount', 'sh', '-c', bareSys, 'sh']
  const remedy = 'instead of `ip netns exec NAME` use `nsenter --net='
  const places = `--instance main-kernel --run-dir ${dir}/hidden`
  for (const command of [`run -c ${dir}/bad.yaml --state-dir ${dir}/hidden`, 'down']) {
    const { code, err } = await tenbin(`${command} ${places}`, hidden)
    assert.equal(code, 1)
    assert.match(err, /\/sys\/fs\/bpf is not mounted here/)
    assert.ok(err.includes(`\n  remedy: ${remedy}`), err)
  }
  assert.equal((await tenbin(`down --force ${places}`, hidden)).code, 0)
})

test('run with a file that has errors ends with 1, all findings and no stack trace', { skip }, async () => {
  const places = `--instance main-kernel --run-dir ${dir}/run --state-dir ${dir}/state`
  const { code, err } = await tenbin(`run -c ${dir}/bad.yaml ${places}`)
  assert.equal(code, 1)
  assert.match(err, /bad\.yaml:1:\d+: /)
  assert.doesNotMatch(err, /\n\s+at /)
})

test('status with the daemon dead and pins that nobody can read ends with 3 and says both', {
  skip,
}, async () => {
  const instance = `main-kernel-${process.pid}`
  ensureBpffs()
  const pins = PinDirectory.open(instance)
  try {
    using map = BpfMap.create({ name: 'other', type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 })
    pins.pin('link-eth0', map.fd)
    const { code, err } = await capture([
      'status',
      '--instance',
      instance,
      '--socket',
      join(dir, 'nobody.sock'),
    ])
    assert.equal(code, 3)
    assert.match(err, /^tenbin: ask the daemon: nobody answers/)
    assert.equal(err.match(/^tenbin: /gm)?.length, 2)
  } finally {
    pins.remove()
  }
})
