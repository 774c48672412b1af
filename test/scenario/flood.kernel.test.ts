// A night: services are attacked, each in another way, tenbin says of each what it is, and with which command it stops; the
// command is given as it stands. Many customers at the same time are called no attack. Then the same node drops an address by
// hand, and takes that back.
//
//   client --+-- lb1: tenbin, dsr, proof of source off: www, shop (slow connections), dns (UDP), api (ACKs)
//            '-- web01, web02; floods come in at lb1's port

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventsSchema } from '../../src/daemon/api-events.ts'
import { floodOrderSchema, floodSchema } from '../../src/daemon/api-flood.ts'
import { statusSchema } from '../../src/daemon/api-schema.ts'
import { Attack } from '../../src/lab/attack.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { labFile } from '../../src/lab/lab-file.ts'
import { findNode, type LabNode, nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import type { WebHand } from '../../src/lab/web-hand.ts'
import { execute, skip } from './support/execute.ts'
import { Tenbin } from './support/tenbin.ts'

/** Of attacks, a half of which is still one, and a third of the SYNs. */
const PER_S = { syn: 3_000, slow: 500, udp: 20_000, ack: 20_000, carpet: 3_000 }
/** New connections a second of customers: 500 are much where nothing is known. */
const CUSTOMERS_PER_S = 900
/** MORE: services beside www, whose servers need not answer, but those of shop. */
const MORE = (address: string) => `  shop: { listen: ${address}:81, servers: web01, check: none }
  dns: { listen: ${address}:53/udp, servers: web01..02, check: none }
  api: { listen: ${address}:82, servers: web01..02, check: none }
`
/** SHOP: accepts connections and waits for requests. */
const SHOP = "require('node:net').createServer((s) => s.on('error', () => 0).resume()).listen(81, '::')"
const PATIENCE_MS = 40_000

let lab: Lab
let tenbin: Tenbin
let web: WebHand
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'flood', servers: 2 })
  web = (await lab.startWebServers()).hand
  lab.spawn('web01', [process.execPath, '-e', SHOP], { stdio: 'ignore', detached: true }).unref()
  tenbin = new Tenbin(lab)
  const services = MORE(lab.topology.serviceAddresses[0]!)
  tenbin.write(
    `${labFile(lab.topology)}${services}\ndefence: { proof: off, rules: { bare-syn: off }, recorder: { memory: 64MiB } }\n`,
  )
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const asked = () => tenbin.ask({ path: '/v1/flood', reply: floodSchema })
const events = async (kind: string) =>
  (await tenbin.ask({ path: '/v1/events', reply: eventsSchema })).events.filter((each) => each.kind === kind)

/** eventually: what is looked for, as soon as it is there. */
async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await delay(200)) {
    const found = await look()
    if (found !== undefined) return found
  }
  return assert.fail(`not within ${PATIENCE_MS / 1000} s: ${what}`)
}

/** began: what was told of a service when it was attacked. */
const began = (service: string) =>
  eventually(`${service} is attacked`, async () =>
    (await events('flood.began')).find(({ text }) => text.startsWith(`${service}: `)),
  )

/** given: the command in what was told, as it stands. */
async function given(text: string): Promise<string> {
  const command = /tenbin (flood .*)$/.exec(text)?.[1]
  assert.ok(command, text)
  const { code, err } = await tenbin.cli(...command.split(' '))
  assert.equal(code, 0, err)
  return command
}

/** hits of a rule. */
const hits = (name: string) =>
  eventually(`hits of ${name}`, async () => {
    const mine = (await asked()).rules.find((rule) => rule.name === name)
    return mine && BigInt(mine.opening) + BigInt(mine.others) > 1000n ? mine : undefined
  })

/** request of the client: whether it was answered. */
async function request(): Promise<boolean> {
  const url = `http://${lab.topology.serviceAddresses[0]!}/`
  return (await execute(lab, 'client', ['curl', '-sf', '-m', '3', '-o', '/dev/null', url])).code === 0
}

test('a flood and slow connections are told with the commands that stop them, and these stop no client', {
  skip,
}, async (t) => {
  assert.ok(await request())
  await using slow = await Attack.start(lab, { shapes: 'slow', perSecond: PER_S.slow, port: 81 })
  const shapes = [{ flood: 'syn', window: 0, noOptions: true, spoof: true } as const]
  await using attack = await Attack.start(lab, { shapes, perSecond: PER_S.syn })
  const { text } = await began('www')
  t.diagnostic(text)
  assert.match(
    text,
    /^www: SYN flood, [\d,]+\/s, .* % never completed, (100|99\.\d) % have window 0, no options and length 40, /,
  )
  const command = await given(text)
  assert.equal(
    command,
    'flood add www-flood --tcp syn --window 0 --options none --length 40 --ttl 64 --service www --action drop --for 1h',
  )
  const { flood } = await tenbin.ask({ path: '/v1/status', reply: statusSchema })
  assert.ok(flood!.incidents.some(({ service, verdict }) => service === 'www' && verdict === 'syn-flood'))
  const rule = await hits('www-flood')
  assert.deepEqual([rule.action, rule.from, rule.others, rule.services], ['drop', 'hand', '0', ['www']])
  const before = attack.counts.sent
  for (let i = 0; i < 5; i++) assert.ok(await request())
  await eventually('the flood goes on', async () => attack.counts.sent > before || undefined)
  const held = await began('shop')
  t.diagnostic(held.text)
  assert.match(
    held.text,
    /^shop: slow connections, at least [\d,]+ open and sending next to nothing, .* 16 sources; suggested ban: /,
  )
  assert.equal(await given(held.text), 'flood ban 198.19.0.0/24 --for 1h')
  await eventually('they are banned', async () => ((await asked()).rates.banned ?? 0) > 0 || undefined)
  assert.ok(await request())
  assert.ok((slow.counts.open ?? 0) > 0)
})

test('a carpet is told, and customers beside it whom servers do not keep up with are an overload', {
  skip,
}, async (t) => {
  await using customers = await TrafficClient.start(nodesOf(lab.topology, 'client')[0]!.namespace, {
    ...{ address: lab.topology.serviceAddresses[0]!, port: 80 },
    ...{ ratePerSecond: CUSTOMERS_PER_S, concurrency: CUSTOMERS_PER_S },
  })
  await web.tell('stop', 'web02')
  try {
    customers.resume()
    await using _ = await Attack.start(lab, { shapes: [{ flood: 'carpet' }], perSecond: PER_S.carpet })
    const carpet = await began('no service')
    assert.match(
      carpet.text,
      /^no service: carpet, [\d,]+\/s, to addresses and UDP ports that nobody has here, .* have the router send only /,
    )
    const overload = await eventually('www is overloaded', async () => {
      const { services } = await asked()
      // its checks may all be late for a moment, and say another number
      return services.find(
        ({ name, verdict, text }) =>
          name === 'www' && verdict === 'overload' && / 1 of 2 servers are down$/.test(text),
      )
    })
    for (const { text } of [carpet, overload]) t.diagnostic(text)
    assert.match(
      overload.text,
      /^www: overload, not an attack: new connections, [\d,]+\/s, .* 1 of 2 servers are down$/,
    )
  } finally {
    await web.tell('begin', 'web02')
  }
})

test('floods of UDP and of ACKs are told apart, with rules that match them and nothing that has happened before', {
  skip,
}, async (t) => {
  const attack = (flood: 'udp' | 'ack', port: number) =>
    Attack.start(lab, {
      ...{ shapes: [{ flood, noOptions: true, spoof: true }], perSecond: PER_S[flood], port },
    })
  await using _udp = await attack('udp', 53)
  await using _ack = await attack('ack', 82)
  const [udp, ack] = await Promise.all([began('dns'), began('api')])
  for (const { text } of [udp, ack]) t.diagnostic(text)
  assert.match(
    udp.text,
    /^dns: UDP flood, [\d,]+\/s, .* have length 92, payload 0{16} and TTL 64, [\d,]+ sources /,
  )
  assert.match(
    ack.text,
    /^api: ACK flood of packets that belong to no connection, [\d,]+\/s, .* have window 64240, no options, length 40 and TTL 64, /,
  )
  assert.equal(
    await given(udp.text),
    'flood add dns-udp --udp any --length 92 --ttl 64 --payload 0:0000000000000000 --service dns --action drop --for 1h',
  )
  assert.equal(
    await given(ack.text),
    'flood add api-packets --tcp ack --window 64240 --options none --length 40 --ttl 64 --service api --action drop --for 1h',
  )
  for (const name of ['dns-udp', 'api-packets']) assert.equal((await hits(name)).opening, '0')
  const told = (await events('flood.began')).map(({ text, data }) => `${text.split(':')[0]} ${data?.verdict}`)
  assert.deepEqual(told.sort(), [
    'api packet-flood',
    'dns udp-flood',
    'no service carpet',
    'shop slow',
    'www syn-flood',
  ])
})

test('what a client sends is dropped while it is banned by hand, and no longer', { skip }, async () => {
  const { address } = findNode(lab.topology, 'client') as LabNode
  const order = (path: string, query: Record<string, string>) =>
    tenbin.ask({ method: 'POST', path: `/v1/flood/${path}`, query, reply: floodOrderSchema })
  assert.ok((await order('ban', { source: address, for: '1h' })).changed)
  try {
    assert.ok(!(await request()))
    assert.ok((await asked()).bans.some(({ source }) => source === address))
  } finally {
    assert.ok((await order('unban', { source: address })).changed)
  }
  assert.ok(await request())
})
