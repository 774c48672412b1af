// Very many connections at once, and very many one after the other from a few ports:
//
//            .-- client, client2..4: so many connections that stay open; ports that come again while TIME_WAIT lasts
//   switch --+-- lb1 10.0.0.100:80
//            '-- web01..08: nginx
//
// None may fail, and all are with the server that they began with.
//
// TENBIN_FLOWS=100000 npm test -- many-flows     holds so many (20,000 if nothing is said)

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Lab } from '../../src/lab/held-lab.ts'
import { writeSysctls } from '../../src/lab/run.ts'
import { findNode } from '../../src/lab/topology.ts'
import type { Held } from './support/connections-process.ts'
import { execute, skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { brokenOf, holdConnections, perServer } from './support/flows.ts'
import { networkCounters } from './support/network-counters.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

const FLOWS = Number(process.env.TENBIN_FLOWS ?? '20000')
const SERVERS = 8
/** connect() takes even ports first, and looks long for a free one once these 32,000 are taken. */
const CLIENTS = ['client', 'client2', 'client3', 'client4'] as const
/** Of one process: it often may have no more than 20,000 descriptors (ulimit -Hn). */
const PER_PROCESS = 10_000
const FIRST_PORT = 20_000
const PORTS = 250
const REQUESTS = 5000

let lab: Lab
let tenbin: Tenbin
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'mf', servers: SERVERS, clients: CLIENTS.length })
  await startNginx(lab, { connections: (3 * FLOWS) / (2 * SERVERS) })
  tenbin = new Tenbin(lab)
  const www = { listen: ['10.0.0.100:80'], servers: serverNames(lab.topology) }
  tenbin.write(tenbinFile(lab.topology, { www }))
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

/** timeWaits: local ports of a node's connections that wait for what may be under way (state 06, proc(5): net/tcp). */
const timeWaits = async (node: string): Promise<number[]> =>
  [...(await lab.run(node, ['cat', '/proc/net/tcp'])).matchAll(/^ *\d+: \w+:(\w+) \w+:\w+ 06 /gm)].map(
    ([, port]) => Number.parseInt(port!, 16),
  )

test(`${FLOWS} connections that are idle are all there afterwards, each with its server`, {
  skip,
}, async () => {
  // One process after the other: all at once they would overflow queues of the kernel.
  const held: Awaited<ReturnType<typeof holdConnections>>[] = []
  const all = async (word: 'report' | 'ask' | 'stop') => {
    const flows: Held[] = []
    for (const each of held) flows.push(...(await each.ask(word)))
    return flows
  }
  try {
    for (let left = FLOWS; left > 0; left -= PER_PROCESS) {
      const options = { address: '10.0.0.100', port: 80, count: Math.min(left, PER_PROCESS), everyMs: 0 }
      held.push(await holdConnections(lab, options, CLIENTS[held.length % CLIENTS.length]))
    }
    for (const word of ['report', 'ask', 'stop'] as const) {
      const flows = await all(word)
      assert.equal(flows.length, FLOWS)
      assert.deepEqual(brokenOf(flows).slice(0, 5), [], word)
      assert.ok(flows.every(({ answers }) => answers === (word === 'report' ? 1 : 2)))
      // Each has some. How many is chance: few clients with ports in a row are spread as the key will have it.
      assert.deepEqual(Object.keys(perServer(flows)).sort(), serverNames(lab.topology))
    }
  } finally {
    for (const each of held) await each[Symbol.asyncDispose]()
  }
})

test(`${REQUESTS} connections from ${PORTS} ports succeed, though each port comes again while TIME_WAIT lasts`, {
  skip,
}, async () => {
  const range = (text: string) =>
    writeSysctls(findNode(lab.topology, 'client').namespace, { 'net/ipv4/ip_local_port_range': text })
  range(`${FIRST_PORT} ${FIRST_PORT + PORTS - 1}`)
  // Of connections that the test before has closed: they wait for a minute, where their port was not taken again.
  const earlier = new Set(await timeWaits('client'))
  const before = (await networkCounters(lab, 'client')).get('Tcp.ActiveOpens')!
  // Whoever closes first has the TIME_WAIT: here always the server, and a SYN from the same port meets it there.
  const options = ['-sS', '-m', '10', '--http1.0', '-o', '/dev/null', '-w', '%{http_code} %{local_port}\n']
  const { code, out, err } = await execute(lab, 'client', [
    'curl',
    ...options,
    `http://10.0.0.100:80/until-closed?[1-${REQUESTS}]`,
  ])
  assert.deepEqual([code, err.slice(0, 500)], [0, ''])
  const lines = out.trim().split('\n')
  assert.equal(lines.length, REQUESTS)
  assert.ok(lines.every((line) => line.startsWith('200 ')))
  assert.ok(new Set(lines).size <= PORTS, `${new Set(lines).size} ports`)
  const after = await networkCounters(lab, 'client')
  assert.equal(after.get('Tcp.ActiveOpens')! - before, REQUESTS)
  assert.equal(after.get('Tcp.AttemptFails'), 0)
  const waiting = await Promise.all(serverNames(lab.topology).map(timeWaits))
  assert.ok(waiting.flat().length > 0, 'no connection was in TIME_WAIT')
  const isOurs = (port: number) => port >= FIRST_PORT && port < FIRST_PORT + PORTS && !earlier.has(port)
  const ours = (await timeWaits('client')).filter(isOurs)
  assert.deepEqual(ours, [], 'the client closed first: its ports come again too late to be used')
  const { outcomes } = await tenbin.statusNow()
  assert.equal(outcomes['no-server'], '0')
})
