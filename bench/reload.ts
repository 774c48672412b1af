// How long a changed file of 10,000 listeners takes from the request to the answer that it is applied (parse, check,
// plan, generate, load, verify, test, swap), and how many requests are lost meanwhile. A real daemon in a lab: what is
// asked is its API. Every reload moves one listener of one service, so each is a new generation, swapped in. First
// without traffic, for the time; then with a new connection every 2 ms, for the losses.

import { Lab } from '../src/lab/held-lab.ts'
import { nodesOf } from '../src/lab/topology.ts'
import { TrafficClient } from '../src/lab/traffic-client.ts'
import { type Services, serverNames, tenbinFile } from '../test/scenario/support/file.ts'
import { Tenbin } from '../test/scenario/support/tenbin.ts'
import { summary } from './path/cost.ts'
import type { Row } from './runner/row.ts'

const SERVICES = 100
const LISTENERS = 100
const PER_ADDRESS = 10

/** servicesOf: 100 services of 100 listeners on 10 addresses; the last listener's port is another for each number. */
function servicesOf(lab: Lab, number: number): Services {
  const { serviceAddresses } = lab.topology
  const servers = serverNames(lab.topology)
  const portsOf = (service: number) => {
    const first = 1000 + (service % PER_ADDRESS) * LISTENERS
    const ports = Array.from({ length: LISTENERS }, (_, at) => first + at)
    return service === SERVICES - 1 ? [...ports.slice(1), 10_000 + number] : ports
  }
  return Object.fromEntries(
    Array.from({ length: SERVICES }, (_, service) => {
      const address = serviceAddresses[Math.floor(service / PER_ADDRESS)]
      return [`s${service}`, { listen: portsOf(service).map((port) => `${address}:${port}`), servers }]
    }),
  )
}

/** reload: `reload.10k` and `reload.lost` of bench.md. Needs root. */
export async function reload({ quick }: { readonly quick: boolean }): Promise<readonly Row[]> {
  const runs = quick ? 7 : 31
  await using lab = await Lab.hold({ prefix: 'bench', servers: 4, services: SERVICES / PER_ADDRESS })
  await lab.startWebServers(1000)
  const tenbin = new Tenbin(lab)
  let edits = 0
  const nextFile = () => tenbinFile(lab.topology, servicesOf(lab, ++edits))
  tenbin.write(nextFile())
  const started = await tenbin.start()
  const listeners = started.services.reduce((sum, service) => sum + service.listeners.length, 0)

  let replaced = 0
  const once = async (): Promise<number> => {
    tenbin.write(nextFile())
    const start = performance.now()
    const { change } = await tenbin.reloadNow()
    const ms = performance.now() - start
    if (change === 'replaced') replaced++
    return ms
  }
  const several = async (): Promise<number[]> => {
    const times: number[] = []
    for (let run = 0; run < runs; run++) times.push(await once())
    return times
  }
  // The first ones are compiled while they run.
  for (let run = 0; run < 3; run++) await once()
  replaced = 0
  const times = await several()
  const timed: Row = summary('reload.10k', 'ms', times, { listeners, replaced })

  replaced = 0
  const [client] = nodesOf(lab.topology, 'client')
  const target = { address: lab.topology.serviceAddresses[0]!, port: 1000, timeoutMs: 10_000 }
  await using traffic = await TrafficClient.start(client!.namespace, target)
  traffic.resume()
  await several()
  const { sent, answered, failed } = await traffic.stop()
  const lost: Row = summary('reload.lost', 'requests', [failed], {
    sent,
    answered,
    reloads: replaced,
    listeners,
  })
  const isWhole = listeners === SERVICES * LISTENERS
  return [
    checked(timed, isWhole && timed.checks!.replaced === runs),
    checked(lost, isWhole && replaced === runs && sent >= runs && answered + failed === sent),
  ]
}

const checked = (row: Row, isRight: boolean): Row =>
  isRight ? row : { ...row, failed: `not what was to be measured: ${JSON.stringify(row.checks)}` }
