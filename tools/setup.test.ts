import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { isMounted } from './setup/bpffs.mjs'
import { commandOf, missingPackages, parsePlan } from './setup/debian.mjs'
import { machineProblems, nodeProblem, readMachine, spaceProblem } from './setup/machine.mjs'
import { samePackages } from './setup/npm.mjs'
import { findCommand, SetupError } from './setup/process.mjs'
import { readInstalled, writeInstalled } from './setup/record.mjs'
import { removeStalePolicy, servicesOf, withoutServices } from './setup/services.mjs'
import { locked, proxyPackages, qemuPackages, testPackages } from './setup.mjs'

const good = {
  platform: 'linux',
  node: '20.19.0',
  uid: 0,
  kernel: '6.1.0-18-amd64',
  capabilities: 0x1ffffffffffn,
  bpf: true,
  freeBytes: 2 ** 40,
}

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'setup-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a machine', () => {
  test('with all that is needed has no problem', () => {
    assert.deepEqual(machineProblems(good), [])
    assert.deepEqual(machineProblems({ ...good, kernel: '7.0.1', node: '24.0.0' }), [])
  })

  const cases = [
    [{ platform: 'darwin' }, /Linux kernel, this is darwin/],
    [{ node: '18.20.4' }, /Node.js 20.19 or newer is needed, this is 18.20.4/],
    [{ node: '20.18.3' }, /20.18.3/],
    [{ kernel: '5.10.0-28-amd64' }, /Linux 6.1 or newer is needed, this is 5.10/],
    [{ kernel: '6.0.19' }, /Linux 6.1 or newer/],
    [{ bpf: false }, /no eBPF, so no XDP/],
    [{ uid: 1000 }, /root is needed.*sudo/],
    [{ capabilities: 0xa80425fbn }, /--privileged/],
  ] as const
  for (const [change, words] of cases)
    test(`with ${JSON.stringify(change, (_, value) => (typeof value === 'bigint' ? `${value}` : value))} has one, and is told what to do`, () => {
      const problems = machineProblems({ ...good, ...change })
      assert.equal(problems.length, 1)
      assert.match(problems[0] ?? '', words)
    })

  test('with several problems is told all of them at once', () => {
    assert.equal(machineProblems({ ...good, node: '18.0.0', kernel: '5.4.0', uid: 1 }).length, 3)
  })

  test('with a full disk is told how much is missing', () => {
    assert.match(spaceProblem({ ...good, freeBytes: 2 ** 20 }, 700) ?? '', /700 MiB .* there are 1$/)
    assert.equal(spaceProblem(good, 700), undefined)
  })

  test('is read: this Node is new enough, on a disk that has room', () => {
    const machine = readMachine()
    assert.equal(nodeProblem(machine.node), undefined)
    assert.ok(machine.freeBytes > 0)
  })
})

describe('npm packages', () => {
  const locked = {
    '': {},
    'node_modules/a': { version: '1.0.0', integrity: 'x' },
    'node_modules/other-platform': { version: '1.0.0', integrity: 'y', optional: true },
  }

  test('are complete without those of other platforms', () => {
    assert.ok(samePackages(locked, { 'node_modules/a': { version: '1.0.0', integrity: 'x' } }))
  })

  test('are not when one is missing, another version, or not in the lock', () => {
    const a = { version: '1.0.0', integrity: 'x' }
    assert.ok(!samePackages(locked, {}))
    assert.ok(!samePackages(locked, { 'node_modules/a': { ...a, version: '1.0.1' } }))
    assert.ok(!samePackages(locked, { 'node_modules/a': { ...a, integrity: 'z' } }))
    assert.ok(!samePackages(locked, { 'node_modules/a': a, 'node_modules/b': a }))
  })
})

describe('Debian packages', () => {
  test('have a command each by which they are known', () => {
    for (const name of [...testPackages, ...proxyPackages, ...qemuPackages]) assert.ok(commandOf[name], name)
  })

  test('are missing when their command is', () => {
    assert.deepEqual(missingPackages(['no-such-command-here', '/no/such/file']), [
      'no-such-command-here',
      '/no/such/file',
    ])
    assert.deepEqual(missingPackages(['/proc/version']), [])
    assert.deepEqual(missingPackages(['util-linux']), [])
    assert.equal(findCommand('no-such-command-here'), undefined)
  })

  test("are told from apt's plan, new ones and upgraded ones apart", () => {
    const output = `NOTE: This is only a simulation!
Inst libc6 [2.36-9] (2.36-10 Debian:12.5/stable [amd64])
Inst nginx-common (1.22.1-9 Debian:12.5/stable [all])
Inst wrk (4.1.0-3+b2 Debian:12.5/stable [amd64])
Conf wrk (4.1.0-3+b2 Debian:12.5/stable [amd64])
`
    assert.deepEqual(parsePlan(output), { added: ['nginx-common', 'wrk'], upgraded: ['libc6'] })
  })

  test('are remembered once each, and a damaged record is told', () => {
    assert.deepEqual(readInstalled(folder), { packages: [] })
    writeInstalled({ packages: ['wrk', 'kmod', 'wrk'], bpffs: 'boot' }, folder)
    assert.deepEqual(readInstalled(folder), { packages: ['kmod', 'wrk'], bpffs: 'boot' })
    writeFileSync(join(folder, 'installed'), '{"packages": ["wrk"')
    assert.throws(() => readInstalled(folder), /is damaged: delete it/)
  })
})

describe('services', () => {
  const policy = () => join(folder, 'policy-rc.d')

  test('are forbidden while packages are installed, and not afterwards', async () => {
    const seen = await withoutServices(async () => readFileSync(policy(), 'utf8'), policy())
    assert.match(seen, /^#!\/bin\/sh\n.*\nexit 101\n$/)
    assert.ok(!existsSync(policy()))
  })

  test('are allowed again when the installation fails', async () => {
    await assert.rejects(
      withoutServices(() => {
        assert.equal(statSync(policy()).mode & 0o777, 0o755)
        return Promise.reject(new SetupError('no'))
      }, policy()),
      /no/,
    )
    assert.ok(!existsSync(policy()))
  })

  test("follow the administrator's policy, which stays, where it forbids them", async () => {
    writeFileSync(policy(), '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    assert.equal(await withoutServices(async () => 7, policy()), 7)
    assert.equal(readFileSync(policy(), 'utf8'), '#!/bin/sh\nexit 101\n')
  })

  test('would start under a policy that allows them, so nothing is installed', async () => {
    writeFileSync(policy(), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    await assert.rejects(
      withoutServices(() => assert.fail('installed'), policy()),
      /lets packages start/,
    )
    assert.ok(existsSync(policy()))
  })

  test('stay as they were after a crash: our own policy file is known and removed', async () => {
    let left = ''
    await withoutServices(async () => {
      left = readFileSync(policy(), 'utf8')
    }, policy())
    writeFileSync(policy(), left)
    removeStalePolicy(policy())
    assert.ok(!existsSync(policy()))
  })

  test('are found among the files of packages', () => {
    const files = `/.
/etc/init.d/nginx
/lib/systemd/system/nginx.service
/usr/lib/systemd/system/x.timer
/lib/systemd/system/template@.service
/usr/share/doc/y.service
/etc/init.d`
    assert.deepEqual(servicesOf(files), { units: ['nginx.service', 'x.timer'], scripts: ['nginx'] })
  })
})

describe('the setups of one checkout', () => {
  test('run one after another', async () => {
    const told: string[] = []
    const one = (name: string) =>
      locked(async () => {
        told.push(`${name} begins`)
        await new Promise((resolve) => setTimeout(resolve, 20))
        told.push(`${name} ends`)
      }, folder)
    await Promise.all([one('first'), one('second')])
    assert.deepEqual(told.toSorted(), ['first begins', 'first ends', 'second begins', 'second ends'])
    assert.equal(told[0]!.split(' ')[0], told[1]!.split(' ')[0])
    assert.deepEqual(readdirSync(folder), [])
  })

  test('do not wait for one that is gone, nor for another process that has its number now', async () => {
    for (const left of ['4194305 1', `${process.pid} 1`, 'not a process', '']) {
      writeFileSync(join(folder, 'lock'), left)
      let done = false
      await locked(async () => {
        done = true
      }, folder)
      assert.ok(done, left)
    }
  })
})

test('a bpf file system counts at its usual place only', () => {
  assert.ok(isMounted('proc /proc proc rw 0 0\nbpf /sys/fs/bpf bpf rw,mode=700 0 0\n'))
  assert.ok(!isMounted('none /mnt/sys/fs/bpf bpf rw 0 0\ntmpfs /sys/fs/bpf tmpfs rw 0 0\n'))
})
