// The Debian package, as it is used: installed, upgraded under load, removed and purged by dpkg, its units run by systemd.
//
//            .-- client: wrk, curl
//   switch --+-- lb1: a Debian with systemd as process 1 (machine.ts), and the package
//            '-- web01..02: nginx; they answer the client directly (dsr)

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Status } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import type { Topology } from '../../src/lab/topology.ts'
import { deb } from '../../tools/deb.mjs'
import { skip } from '../scenario/support/execute.ts'
import { serverNames, tenbinFile } from '../scenario/support/file.ts'
import { startCurl, startWrk } from '../scenario/support/load.ts'
import { networkCounters, pick } from '../scenario/support/network-counters.ts'
import { startNginx } from '../scenario/support/nginx.ts'
import { Machine, whyNoMachine } from './machine.ts'

const NEW = '99.0.0'
/** Of 10, the less the better (systemd-analyze security); above 5 it says MEDIUM. */
const MOST_EXPOSED = 4.9
const UNITS = ['tenbin.service', 'tenbin-vrrp.service'] as const

/** install a package, without syncing each file: the machine is gone in a minute. */
const install = (machine: Machine, file: string): Promise<string> =>
  machine.run('dpkg', '--force-unsafe-io', '--install', `/mnt/${file}`)

const show = async (machine: Machine, unit: string, property: string): Promise<string> =>
  (await machine.run('systemctl', 'show', '--value', `--property=${property}`, unit)).trim()

/** hang has a unit's process hang; what is to be awaited then: systemd ends it and starts another. */
async function hang(machine: Machine, unit: string): Promise<() => Promise<void>> {
  const hanging = await show(machine, unit, 'MainPID')
  await machine.run('kill', '-STOP', hanging)
  return () =>
    machine.until(`the watchdog has started another ${unit}`, async () => {
      const isOther = (await show(machine, unit, 'MainPID')) !== hanging
      return isOther && (await show(machine, unit, 'SubState')) === 'running'
    })
}

/** isChecked: who looks at servers now has found one that is as it should be. */
async function isChecked(machine: Machine): Promise<boolean> {
  const { out } = await machine.execute('tenbin', 'status', '--json')
  const { checker }: Status = JSON.parse(out)
  return (checker?.totals ?? []).some(({ good }) => good > 0)
}

/** fileOf a lab; with a role the addresses are this node's by vrrp, without one by the daemon. */
function fileOf(topology: Topology, hasRole: boolean): string {
  const www = {
    listen: ['10.0.0.100:80'],
    servers: serverNames(topology),
    check: { tcp: {}, via: 'service', every: '1s' },
  }
  const file = JSON.parse(tenbinFile(topology, { www }))
  if (hasRole) Object.assign(file.addresses.front, { vrid: 51, advert: '100ms' })
  return JSON.stringify(file)
}

test('the package installs, upgrades and restarts under load without a lost request, and leaves nothing when purged', {
  skip: skip || (whyNoMachine() ?? false),
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-package-'))
  try {
    await deb({ into: folder, quick: true })
    await deb({ into: folder, quick: true, version: NEW })
    await using lab = await Lab.hold({ prefix: 'pk', servers: 2 })
    await startNginx(lab)
    await using machine = await Machine.boot(lab, 'lb1', folder)
    const first = (await machine.run('sh', '-c', 'ls /mnt')).split('\n').find((name) => !name.includes(NEW))!
    const second = first.replace(/_[^_]+_/, `_${NEW}_`)

    // Without a file there is nothing to run; with one, the next start is enough.
    await install(machine, first)
    assert.equal(await show(machine, 'tenbin.service', 'ActiveState'), 'inactive')
    assert.equal(await machine.run('systemctl', 'is-enabled', ...UNITS), 'enabled\nenabled\n')
    machine.write('/etc/tenbin/tenbin.yaml', fileOf(lab.topology, true))
    await machine.run('systemctl', 'start', 'tenbin')
    // Whatever its answer is: a machine inside of another one may have problems of its own.
    const version = async () => JSON.parse((await machine.execute('tenbin', 'status', '--json')).out).version
    assert.equal(
      `tenbin_${await version()}_amd64.deb`.replace('amd64', /_([^_.]+)\.deb$/.exec(first)![1]!),
      first,
    )
    for (const unit of UNITS) {
      assert.equal(await show(machine, unit, 'SubState'), 'running', unit)
      assert.match(await show(machine, unit, 'StatusText'), /^(runs by|has the roles)/)
    }

    const hasAddress = async () => /10\.0\.0\.100/.test(await machine.run('ip', 'address'))
    await machine.until('the node has the role, and its address', hasAddress)
    await machine.until('checks come back through the service', () => isChecked(machine))
    assert.equal(await machine.run('ip', 'netns', 'list'), '', 'their namespace is the unit’s own')

    await using wrk = startWrk(lab, 'http://10.0.0.100:80/', 8)
    await using curl = startCurl(lab, 'http://10.0.0.100:80/', 1, 50)
    const vrrp = await show(machine, 'tenbin-vrrp.service', 'MainPID')

    // Upgraded: the new daemon takes over what runs; who has roles is left alone.
    const impatient = '/etc/systemd/system/tenbin.service.d'
    machine.write(`${impatient}/watchdog.conf`, '[Service]\nWatchdogSec=2s\n')
    const old = await show(machine, 'tenbin.service', 'MainPID')
    assert.match(await install(machine, second), /tenbin-vrrp runs on as before/)
    assert.equal(await version(), NEW)
    assert.notEqual(await show(machine, 'tenbin.service', 'MainPID'), old)
    assert.equal(await show(machine, 'tenbin-vrrp.service', 'MainPID'), vrrp)

    await (await hang(machine, 'tenbin.service'))()
    await machine.run('rm', '-r', impatient)
    await machine.run('systemctl', 'daemon-reload')
    await machine.run('systemctl', 'reload', 'tenbin')
    await machine.run('systemctl', 'restart', 'tenbin')
    await machine.until('checks come back through the service', () => isChecked(machine))

    const counters = await networkCounters(lab, 'client')
    const curled = await curl.stop()
    const wrked = await wrk.stop()
    assert.deepEqual(curled.failures, [])
    assert.deepEqual(wrked.errors, { connect: 0, read: 0, write: 0, status: 0, timeout: 0 })
    assert.ok(wrked.requests > 500 && curled.answered > 50, `wrk ${wrked.requests}, curl ${curled.answered}`)
    assert.deepEqual(pick(counters, 'Tcp.AttemptFails', 'Tcp.EstabResets', 'TcpExt.TCPSynRetrans'), {
      'Tcp.AttemptFails': 0,
      'Tcp.EstabResets': 0,
      'TcpExt.TCPSynRetrans': 0,
    })

    // Who has roles is in memory for good; it hangs, and meanwhile:
    const status = await machine.run('cat', `/proc/${vrrp}/status`)
    assert.ok(Number(/^VmLck:\s*(\d+) kB$/m.exec(status)![1]) > 0, status)
    const isBack = await hang(machine, 'tenbin-vrrp.service')

    // Their units are right, and shut off from what they do not need.
    assert.equal(
      await machine.run(
        'systemd-analyze',
        'verify',
        '--man=no',
        ...UNITS.map((unit) => `/lib/systemd/system/${unit}`),
      ),
      '',
    )
    for (const unit of UNITS) {
      const [, exposed] = /exposure level for .*: ([\d.]+)/.exec(
        await machine.run('systemd-analyze', 'security', '--no-pager', unit),
      )!
      assert.ok(Number(exposed) <= MOST_EXPOSED, `${unit}: ${exposed}`)
    }

    await isBack()
    const other = await show(machine, 'tenbin-vrrp.service', 'MainPID')
    await machine.until('the node has the role again', hasAddress)

    // A file without roles: vrrp has nothing to do, and stays for the next one. What `down` ends stays ended.
    machine.write('/etc/tenbin/tenbin.yaml', fileOf(lab.topology, false))
    await machine.run('systemctl', 'reload', 'tenbin')
    await machine.until('the daemon has the address', async () =>
      /10\.0\.0\.100\/24[^\n]*\n *valid_lft forever/.test(await machine.run('ip', 'address')),
    )
    assert.equal(await show(machine, 'tenbin-vrrp.service', 'MainPID'), other)
    await machine.run('systemctl', 'stop', 'tenbin')
    await machine.run('tenbin', 'down')
    assert.equal(await hasAddress(), false)
    assert.equal(await show(machine, 'tenbin-vrrp.service', 'ActiveState'), 'inactive')
    await machine.run('systemctl', 'start', 'tenbin')
    await machine.until('it is back', hasAddress)

    await machine.run('dpkg', '--remove', 'tenbin')
    assert.equal(await machine.run('find', '/sys/fs/bpf', '-mindepth', '2'), '')
    assert.equal(await hasAddress(), false)
    assert.equal((await machine.execute('systemctl', 'is-active', ...UNITS)).out, 'inactive\ninactive\n')
    assert.match(await machine.run('ls', '/var/lib/tenbin'), /tenbin\.key/)

    // Installed again, it goes on with its file. Purged, nothing is left but that.
    await install(machine, second)
    assert.equal((await machine.execute('systemctl', 'is-active', ...UNITS)).out, 'active\nactive\n')
    await machine.until('it is back', hasAddress)
    await machine.run('dpkg', '--purge', 'tenbin')
    const places = ['/usr/lib/tenbin', '/var/lib/tenbin', '/run/tenbin', '/etc/systemd/system']
    assert.equal((await machine.execute('find', ...places, '-name', '*tenbin*')).out, '')
    assert.equal(await machine.run('ls', '/etc/tenbin'), 'tenbin.yaml\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
