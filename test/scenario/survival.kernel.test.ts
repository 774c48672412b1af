// Connections survive whatever happens to the daemon. Real nginx, wrk and curl:
//
//            .-- client: wrk, curl, connections that stay open
//   switch --+-- lb1: tenbin, reloaded and killed all the time
//            '-- web01..03: nginx; they answer the client directly (dsr)
//
// Every reload adds, changes or removes an unrelated service; every other kill hits a daemon that has just been told to
// reload. Nothing may be lost: no request, no connection, not even a SYN that the client's kernel had to send again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { startCurl, startOpenConnections, startWrk } from './support/load.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

/** Of each kind (TENBIN_SURVIVAL). */
const COUNT = Number(process.env.TENBIN_SURVIVAL ?? 10)
const [RELOADS, KILLS] = [COUNT, COUNT]
const WRK_CONNECTIONS = 16
const OPEN = { exchanges: 8, slowRequests: 8, downloads: 4 }
const CURL = { loops: 2, rate: 50 }

test(`${RELOADS} reloads and ${KILLS} kills with restart under load lose no request and break no connection`, {
  skip,
}, async () => {
  await using lab = await Lab.hold({ prefix: 'sv', servers: 3, services: 2 })
  const download = await startNginx(lab)
  const tenbin = new Tenbin(lab)
  const servers = serverNames(lab.topology)
  let edits = 0
  // The unrelated service comes, has another port and other servers every time, and now and then is not there.
  const nextFile = () => {
    const number = ++edits
    const www = { listen: ['10.0.0.100:80'], servers }
    const other = { listen: [`10.0.0.101:${1000 + number}`], servers: servers.slice(number % servers.length) }
    return tenbinFile(lab.topology, number % 5 === 0 ? { www } : { www, other })
  }
  tenbin.write(nextFile())
  await tenbin.start()

  // With its port: wrk would look up the word http in /etc/services, which a small Debian lacks.
  const url = 'http://10.0.0.100:80/'
  const target = { address: '10.0.0.100', port: 80, everyMs: 100, download, ...OPEN }
  await using open = await startOpenConnections(lab, target)
  await using wrk = startWrk(lab, url, WRK_CONNECTIONS)
  await using curl = startCurl(lab, url, CURL.loops, CURL.rate)

  let before = await tenbin.statusNow()
  for (let round = 0; round < RELOADS; round++) {
    tenbin.write(nextFile())
    const after = round % 2 === 0 ? await tenbin.reload() : await reloadByApi(tenbin)
    assert.equal(after.pid, before.pid)
    assert.equal(after.program!.generation, before.program!.generation + 1, `reload ${round}`)
    assert.ok(forwarded(after) >= forwarded(before))
    before = after
  }

  for (let round = 0; round < KILLS; round++) {
    const isReloading = round % 2 === 1
    if (isReloading) {
      tenbin.write(nextFile())
      process.kill(before.pid, 'SIGHUP')
      await delay(round * 3)
    }
    await tenbin.kill()
    const after = await tenbin.start()
    assert.notEqual(after.pid, before.pid)
    // What counted before runs on, or what was asked for, or what counted before again.
    if (isReloading) assert.ok([0, 1, 2].includes(after.program!.generation - before.program!.generation))
    // Taken over: the very program that ran, not one that was made anew.
    else assert.deepEqual(after.program, before.program, `kill ${round}`)
    assert.ok(forwarded(after) >= forwarded(before))
    before = after
  }

  // Before the load ends: ending it breaks connections by itself.
  const client = await networkCounters(lab, 'client')
  const curled = await curl.stop()
  const held = await open.stop()
  const wrked = await wrk.stop()

  assert.deepEqual(curled.failures, [])
  assert.deepEqual(
    held.filter(({ broken }) => broken !== undefined),
    [],
  )
  assert.equal(held.length, OPEN.exchanges + OPEN.slowRequests + OPEN.downloads)
  for (const { kind, steps } of held) assert.ok(steps > RELOADS, `${kind}: ${steps} steps`)
  assert.deepEqual(wrked.errors, { connect: 0, read: 0, write: 0, status: 0, timeout: 0 })
  assert.ok(wrked.requests > 1000 && curled.answered > 100, `wrk ${wrked.requests}, curl ${curled.answered}`)

  assert.deepEqual(pick(client, 'Tcp.AttemptFails', 'Tcp.EstabResets', 'TcpExt.TCPSynRetrans'), {
    'Tcp.AttemptFails': 0,
    'Tcp.EstabResets': 0,
    'TcpExt.TCPSynRetrans': 0,
  })
  // Nobody connected again in silence: curl once a request, wrk once each and once to look, the others once.
  const connections = (await networkCounters(lab, 'client')).get('Tcp.ActiveOpens')
  assert.equal(connections, curled.answered + WRK_CONNECTIONS + 1 + held.length)
  // The node's own kernel has not seen a single TCP segment: nothing slipped past the program at any time.
  assert.deepEqual(pick(await networkCounters(lab, 'lb1'), 'Tcp.InSegs', 'Tcp.OutSegs', 'Tcp.OutRsts'), {
    'Tcp.InSegs': 0,
    'Tcp.OutSegs': 0,
    'Tcp.OutRsts': 0,
  })
  const { outcomes } = await tenbin.statusNow()
  const dropped = ['fragment', 'truncated', 'bad-length', 'ttl', 'no-server', 'no-listener']
  for (const name of dropped) assert.equal(outcomes[name], '0', name)
  assert.ok(Number(outcomes.forwarded) > 3 * curled.answered + wrked.requests)
})

const forwarded = ({ outcomes }: Status): number => Number(outcomes.forwarded)

async function reloadByApi(tenbin: Tenbin) {
  const { change } = await tenbin.reloadNow()
  assert.equal(change, 'replaced')
  return tenbin.statusNow()
}
