// Where datagrams go when a server drains, returns, fails, and returns again. UDP has no SYN: a flow that nothing is
// remembered of may be old or new.
//
//            .-- client: ports that ask all the time, ports that are silent past the time-out, and new ones
//   switch --+-- lb1: a service with track changes, one with track all; in another lab one with nat
//            '-- web01..03: they answer with their name
//
//                            ports that ask on    ports that were silent       new ports, after the time-out
//   web02 drains             stay                 leave web02, others stay     not to web02
//   it returns (undrain)     stay                 are where they were first    to web02 as well
//   it fails (disable)       leave it at once     -                            not to web02
//   it returns (enable)      stay                 -                            to web02 as well
//
// TENBIN_UDP_S=30 npm test -- udp-life     with that time-out in seconds (4 if nothing is said)

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { orderSchema } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { skip } from './support/execute.ts'
import { serverNames } from './support/file.ts'
import { type HeldFlows, holdUdpFlows, perServer } from './support/flows.ts'
import { Tenbin } from './support/tenbin.ts'
import { askUdp, startUdpServers } from './support/udp.ts'
import type { UdpAnswered } from './support/udp-ask-process.ts'

const TIMEOUT_S = Number(process.env.TENBIN_UDP_S ?? '4')
const [ASKING, SILENT, NEW] = [60, 60, 40]
const [SERVER, PORT] = ['web02', 53]

/** Place: a service of a lab. */
interface Place {
  readonly lab: Lab
  readonly tenbin: Tenbin
  readonly service: string
  readonly address: string
}
const [labs, places]: [Lab[], Place[]] = [[], []]

async function make(
  prefix: string,
  forward: 'dsr' | 'nat',
  tracks: readonly ('changes' | 'all')[],
): Promise<void> {
  const lab = await Lab.hold({ prefix, servers: 3, services: tracks.length, forward })
  labs.push(lab)
  const { serviceAddresses } = lab.topology
  await startUdpServers(lab, { addresses: forward === 'nat' ? ['0.0.0.0'] : serviceAddresses, port: PORT })
  const tenbin = new Tenbin(lab)
  const common = { pool: 'web', forward, timeouts: { udp: `${TIMEOUT_S}s` } }
  const services = tracks.map((track, at) => {
    const service = `${forward}-${track}`
    const address = serviceAddresses[at]!
    places.push({ lab, tenbin, service, address })
    return [service, { listen: [`${address}:${PORT}/udp`], track, ...common }]
  })
  tenbin.write(
    JSON.stringify({
      nodes: { lb1: '10.0.0.2' },
      interfaces: { lan: 'eth0' },
      addresses: { front: { on: 'lan', ips: serviceAddresses.map((address) => `${address}/24`) } },
      servers: { 'web01..03': '10.0.0.11..13' },
      defaults: { check: 'none' },
      pools: { web: { servers: serverNames(lab.topology) } },
      services: Object.fromEntries(services),
    }),
  )
  await tenbin.start()
}
before(async () => {
  if (skip) return
  await Promise.all([make('udpd', 'dsr', ['changes', 'all']), make('udpn', 'nat', ['all'])])
})
after(async () => {
  for (const lab of labs) await lab[Symbol.asyncDispose]()
})

/** Flows of a place. */
interface Flows extends Place {
  readonly asking: HeldFlows<'ask', UdpAnswered>
  readonly silent: HeldFlows<'ask', UdpAnswered>
}

const hold = async ({ lab, address, ...place }: Place): Promise<Flows> => {
  const options = { address, port: PORT }
  return {
    ...{ lab, address, ...place },
    asking: await holdUdpFlows(lab, { ...options, count: ASKING }),
    silent: await holdUdpFlows(lab, { ...options, count: SILENT }),
  }
}

/** order: once for each daemon. */
async function order(kind: 'drain' | 'undrain' | 'disable' | 'enable'): Promise<void> {
  const query = { server: SERVER }
  for (const tenbin of new Set(places.map(({ tenbin }) => tenbin)))
    await tenbin.ask({ method: 'POST', path: `/v1/${kind}`, query, reply: orderSchema })
}

/** stay: the ports that ask are with these servers, past the time-out and until all others are forgotten. */
async function stay({ asking, tenbin, service }: Flows, was: readonly UdpAnswered[]): Promise<void> {
  const startedAt = performance.now()
  for (let passed = 0; ; passed = performance.now() - startedAt) {
    assert.deepEqual(await asking.ask('ask'), was, service)
    const { services } = await tenbin.statusNow()
    const { flows } = services.find(({ name }) => name === service)!
    if (passed > 1000 * (TIMEOUT_S + 1) && flows <= ASKING) return
    assert.ok(passed < 1000 * (TIMEOUT_S + 20), `${service}: ${flows} flows are remembered`)
    await delay(200)
  }
}

/** staying: the same while something is done. */
async function staying<What>(
  flows: readonly Flows[],
  was: readonly (readonly UdpAnswered[])[],
  work: () => Promise<What>,
): Promise<What> {
  let isDone = false
  const asked = flows.map(async ({ asking, service }, at) => {
    for (; !isDone; await delay(200)) assert.deepEqual(await asking.ask('ask'), was[at], service)
  })
  try {
    return await work()
  } finally {
    isDone = true
    await Promise.all(asked)
  }
}

/** newPorts: who answers ports that never asked before, by name, for each place. */
const newPorts = (): Promise<readonly (readonly string[])[]> =>
  Promise.all(
    places.map(async ({ lab, address }) =>
      names(perServer(await askUdp(lab, { address, port: PORT, count: NEW }))),
    ),
  )

const names = (counts: object) => Object.keys(counts).sort()
const [all, others] = [
  ['web01', 'web02', 'web03'],
  ['web01', 'web03'],
]
/** each: the same expected of every place. */
const each = <What>(what: What): readonly What[] => places.map(() => what)

/** left: ports that were with web02 are with others now, all others where they were. */
function left({ service }: Place, was: readonly UdpAnswered[], now: readonly UdpAnswered[]): void {
  for (const [at, { server }] of now.entries())
    if (was[at]!.server === SERVER) assert.ok(others.includes(server!), `${service}: ${server}`)
    else assert.equal(server, was[at]!.server, service)
}

test(`datagrams stay with a server that drains or returns, and leave one that fails at once (time-out ${TIMEOUT_S} s)`, {
  skip,
}, async () => {
  const flows = await Promise.all(places.map(hold))
  try {
    const first = await Promise.all(flows.map(({ asking }) => asking.ask('ask')))
    const quiet = await Promise.all(flows.map(({ silent }) => silent.ask('ask')))
    for (const answers of [...first, ...quiet]) assert.deepEqual(names(perServer(answers)), all)

    await order('drain')
    await Promise.all(flows.map((one, at) => stay(one, first[at]!)))
    await staying(flows, first, async () => {
      for (const [at, one] of flows.entries()) left(one, quiet[at]!, await one.silent.ask('ask'))
      assert.deepEqual(await newPorts(), each(others))
    })

    await order('undrain')
    await Promise.all(flows.map((one, at) => stay(one, first[at]!)))
    await staying(flows, first, async () => {
      for (const [at, one] of flows.entries())
        assert.deepEqual(await one.silent.ask('ask'), quiet[at], one.service)
      assert.deepEqual(await newPorts(), each(all))
    })

    await order('disable')
    const moved = await Promise.all(flows.map(({ asking }) => asking.ask('ask')))
    for (const [at, one] of flows.entries()) left(one, first[at]!, moved[at]!)
    assert.deepEqual(await staying(flows, moved, newPorts), each(others))

    await order('enable')
    await Promise.all(flows.map((one, at) => stay(one, moved[at]!)))
    assert.deepEqual(await staying(flows, moved, newPorts), each(all))
  } finally {
    for (const { asking, silent } of flows) {
      await asking[Symbol.asyncDispose]()
      await silent[Symbol.asyncDispose]()
    }
  }
})
