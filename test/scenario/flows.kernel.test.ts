// What scenarios rely on to tell whether a flow broke: connections, busy and idle, and UDP flows through tenbin. When
// the programs of one server are killed, exactly its flows break, each by name and reason, and no other.
//
//            .-- client: 60 busy connections, 60 idle ones, 60 UDP flows
//   switch --+-- lb1 10.0.0.100:80, 10.0.0.100:53/udp
//            '-- web01..03: nginx, and a server of datagrams; web02's are killed

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab } from '../../src/lab/held-lab.ts'
import { endProcesses, processesIn } from '../../src/lab/processes.ts'
import { findNode } from '../../src/lab/topology.ts'
import { namespacePath } from '../../src/sys/named-namespace.ts'
import type { Held } from './support/connections-process.ts'
import { skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { brokenOf, holdConnections, holdUdpFlows, perServer } from './support/flows.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'
import { startUdpServers } from './support/udp.ts'

const [COUNT, EVERY_MS] = [60, 50]
const SERVICE = '10.0.0.100'
const VICTIM = 'web02'

let lab: Lab
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'fl', servers: 3 })
  await startNginx(lab)
  await startUdpServers(lab, { addresses: [SERVICE], port: 53 })
  const tenbin = new Tenbin(lab)
  const servers = serverNames(lab.topology)
  tenbin.write(
    tenbinFile(lab.topology, {
      www: { listen: [`${SERVICE}:80`], servers },
      dns: { listen: [`${SERVICE}:53/udp`], servers },
    }),
  )
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

test('flows of a server that dies break, each by its own name, and all others go on', { skip }, async () => {
  const connections = { address: SERVICE, port: 80, count: COUNT }
  await using busy = await holdConnections(lab, { ...connections, everyMs: EVERY_MS })
  await using idle = await holdConnections(lab, { ...connections, everyMs: 0 })
  await using udp = await holdUdpFlows(lab, { address: SERVICE, port: 53, count: COUNT })
  await delay(10 * EVERY_MS)
  const before = { busy: await busy.ask('report'), idle: await idle.ask('report'), udp: await udp.ask('ask') }
  for (const flows of Object.values(before)) {
    assert.equal(flows.length, COUNT)
    assert.equal(new Set(flows.map(({ localPort }) => localPort)).size, COUNT)
    assert.deepEqual(Object.keys(perServer(flows)).sort(), serverNames(lab.topology))
  }
  assert.deepEqual([...brokenOf(before.busy), ...brokenOf(before.idle)], [])
  assert.ok(before.busy.every(({ answers }) => answers > 2))
  assert.ok(before.idle.every(({ answers }) => answers === 1))

  await endProcesses(processesIn([namespacePath(findNode(lab.topology, VICTIM).namespace)]), 0)
  await delay(2 * EVERY_MS)
  const check = (was: readonly Held[], now: readonly Held[]) => {
    for (const [at, { localPort, server, broken }] of now.entries()) {
      assert.deepEqual([localPort, server], [was[at]!.localPort, was[at]!.server])
      if (server === VICTIM) assert.match(broken ?? '', /closed by the server|ECONNRESET|EPIPE/)
      else assert.equal(broken, undefined)
    }
  }
  const after = await busy.ask('stop')
  check(before.busy, after)
  assert.ok(after.every(({ server, answers }, at) => server === VICTIM || answers > before.busy[at]!.answers))
  check(before.idle, await idle.ask('report'))
  check(before.idle, await idle.ask('stop'))
  const answered = await udp.ask('stop')
  const expected = before.udp.map(({ localPort, server }) =>
    server === VICTIM ? { localPort } : { localPort, server },
  )
  assert.deepEqual(answered, expected)
})
