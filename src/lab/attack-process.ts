// The process that floods: it lives in the switch's namespace and lets frames out of the port of whichever balancer the client's
// kernel would send to, because that is where the traffic of an attack comes in (a node that takes over is followed
// within AIM_MS). Its argument is an AttackProcessOptions in JSON; it floods at once, says what it has sent by lines of
// JSON on stdout, and ends when stdin says `stop` or closes.

import { createInterface } from 'node:readline'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { type Mac, macBytes, parseIp } from '../base/addresses.ts'
import { BpfMap } from '../kernel/map.ts'
import { loadProgram } from '../kernel/program.ts'
import { runLive } from '../kernel/test-run.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { setAffinity } from '../sys/affinity.ts'
import { openNamed } from '../sys/named-namespace.ts'
import { attackInput, attackMemory, attackProgram } from './attack-program.ts'
import { attackFrame, type Shape, type Target } from './attack-shape.ts'

/** AttackProcessOptions: the argument. `perSecond`: absent = as many as go. */
export interface AttackProcessOptions {
  /** shapes: one after the other, each for a second, and from the first again. */
  readonly shapes: readonly Shape[]
  readonly target: Target
  readonly perSecond?: number
  /** client: the namespace whose neighbours say who has the target's address, and the interface there. */
  readonly client: { readonly namespace: string; readonly device: string }
  /** ports: the switch's ports to balancers, by their MAC. */
  readonly ports: Readonly<Record<string, string>>
  readonly cpu?: number
  readonly reportMs: number
}

/**
 * AttackReport: a line of stdout. `sent`: packets, or connections begun. `port`: where packets go, absent = nobody has the
 * address. `open`: connections of a slow attack. `end` comes last.
 */
export interface AttackReport {
  readonly event: 'ready' | 'tick' | 'end'
  readonly sent: number
  readonly elapsedMs: number
  readonly port?: string
  readonly open?: number
}

const options = JSON.parse(process.argv[2]!) as AttackProcessOptions
const { shapes, target, perSecond, client, ports, cpu, reportMs } = options

/** Between looks at who has the address. */
const AIM_MS = 20
const PACE_MS = 1
/** So many frames at a time where no rate is told, and no more than so much of a second is made up for. */
const [BURST, CATCH_UP_MS] = [16_384, 50]
const SHAPE_MS = 1000

if (cpu !== undefined) setAffinity([cpu])
const barrels = shapes.map((shape) => {
  const frame = attackFrame(shape, target)
  const memory = attackMemory(frame)
  const { spec } = attackProgram(frame, memory)
  const map = BpfMap.create(spec.maps[0]!)
  const { offsets } = memory.type
  const bytes = new Uint8Array(map.memory)
  bytes.set(frame.frame, offsets.frame)
  return {
    packet: attackInput(frame),
    program: loadProgram(spec, new Map([[memory.name, map]])).program,
    sent: new BigUint64Array(map.memory, offsets.sent, 1),
    template: bytes.subarray(offsets.frame),
  }
})

using clients = openNamed(client.namespace)
const [neighbours, device] = clients.run(() => {
  const network = new KernelNetwork()
  return [network, network.getLink(client.device)!.index] as const
})
const here = new KernelNetwork()
const ifindexes = new Map(Object.values(ports).map((port) => [port, here.getLink(port)!.index]))
const address = parseIp(target.address)
// The kernel resolves it, and keeps it resolved.
neighbours.manageNeighbour(device, address)

const startedAt = performance.now()
let stopped = false
let mac: Mac | undefined
let aimedAt = Number.NEGATIVE_INFINITY

/** aim: the port to whoever has the address; undefined: nobody, or no balancer. */
function aim(now: number): string | undefined {
  if (now - aimedAt >= AIM_MS) {
    aimedAt = now
    const entry = neighbours.getNeighbour(device, address)
    // Another attack that ended has taken it away.
    if (!entry) neighbours.manageNeighbour(device, address)
    if (entry?.mac !== undefined && entry.mac !== mac) {
      mac = entry.mac
      for (const { template } of barrels) template.set(macBytes(mac))
    }
  }
  return mac === undefined ? undefined : ports[mac]
}

const sent = (): number => barrels.reduce((sum, barrel) => sum + Number(barrel.sent[0]), 0)

function report(event: AttackReport['event']): void {
  const port = mac === undefined ? undefined : ports[mac]
  const elapsedMs = performance.now() - startedAt
  const line: AttackReport = { event, sent: sent(), elapsedMs, ...(port !== undefined && { port }) }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function flood(): Promise<void> {
  for (let paidUntil = startedAt; !stopped; ) {
    await (perSecond === undefined ? turn() : delay(PACE_MS))
    const now = performance.now()
    const port = aim(now)
    paidUntil = Math.max(paidUntil, now - CATCH_UP_MS)
    const due = perSecond === undefined ? BURST : Math.floor(((now - paidUntil) * perSecond) / 1000)
    if (port === undefined || due === 0) continue
    if (perSecond !== undefined) paidUntil += (due * 1000) / perSecond
    const { program, packet } = barrels[Math.floor((now - startedAt) / SHAPE_MS) % barrels.length]!
    runLive(program, { packet, repeat: due, ingressIfindex: ifindexes.get(port)! })
  }
}

process.stdout.on('error', () => process.exit(1))
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'stop') stopped = true
  })
  .on('close', () => {
    stopped = true
  })
report('ready')
const ticks = setInterval(() => report('tick'), reportMs)
await flood()
clearInterval(ticks)
neighbours.unmanageNeighbour(device, address)
report('end')
process.exit(0)
