// The daemon as a process: lock, key, network, packet path, API, then the controller until a signal ends it. It
// stays in the foreground, as systemd wants it. SIGHUP applies a changed file; SIGTERM and SIGINT end the process
// and nothing else: what is in the kernel goes on forwarding with the last view, and only `tenbin down` removes it.

import { randomFillSync } from 'node:crypto'
import { resolve } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import { load } from '../config/load.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import type { Network } from '../netlink/network.ts'
import type { ServiceManager } from '../sys/service-manager.ts'
import { apiApp } from './api-app.ts'
import type { Operations } from './api-routes.ts'
import { serveApi } from './api-server.ts'
import type { CheckerPaths, OpenChecker } from './checker.ts'
import { Cleanup } from './cleanup.ts'
import { Controller } from './controller.ts'
import type { Found } from './controller-options.ts'
import { Failover } from './failover.ts'
import { FailoverOrders } from './failover-orders.ts'
import { failoverStore } from './failover-store.ts'
import { Flood } from './flood.ts'
import { floodStore } from './flood-store.ts'
import { clusterHashKeysOf, keepHashKeys, readHashKeys } from './hash-keys.ts'
import type { Instance } from './instance.ts'
import { type KeptCluster, openCluster } from './keep-cluster.ts'
import { openEvents } from './keep-events.ts'
import { keepEvidence } from './keep-evidence.ts'
import { openNotifications } from './keep-notifications.ts'
import { lockInstance } from './lock.ts'
import type { Log } from './log.ts'
import type { MachineMemory } from './memory.ts'
import { openMetrics } from './metrics-endpoint.ts'
import { NotifyProgress } from './notify-progress.ts'
import { overrideStore } from './override-store.ts'
import { PeerHealth } from './peer-health.ts'
import type { OpenPacketPath } from './ports.ts'
import { bootId, recordedElsewhere, recordStore } from './record.ts'
import { Revisions } from './revisions.ts'
import { shareFloods } from './shared-floods.ts'
import { shareOrders } from './shared-orders.ts'
import { Sharing } from './sharing.ts'
import { strayPackets } from './stray-packets.ts'
import { version } from './version.ts'
import type { OpenVrrp, VrrpPaths } from './vrrp.ts'

/** RunOptions: `file` is resolved against the working directory once, at the start. */
export interface RunOptions {
  readonly instance: Instance
  readonly file: string
  readonly log: Log
  /** startsVrrp: whether the process that has roles is started from here when it is not there, or by somebody else. */
  readonly startsVrrp?: boolean
}

/** RunPorts: the machine. `signals` emits SIGHUP, SIGTERM and SIGINT: the process itself, or a test's emitter. */
export interface RunPorts {
  readonly openNetwork: () => Network
  readonly openPacketPath: OpenPacketPath
  /** isAttached: whether what an instance pinned still sees packets, in whatever network namespace. */
  readonly isAttached: (instance: string) => boolean
  /** openChecker: the process that looks at servers. */
  readonly openChecker: (paths: CheckerPaths) => OpenChecker
  /** openVrrp: the process that has roles; `isStarted`: from here. */
  readonly openVrrp: (paths: VrrpPaths, isStarted: boolean) => OpenVrrp
  /** found: what an instance pinned; nothing where nothing is. */
  readonly found: (instance: string) => Found
  /** memory: the machine's, and what an instance holds of it. */
  readonly memory: (instance: string) => MachineMemory
  readonly signals: NodeJS.EventEmitter
  /** manager: who started the daemon, and is told. */
  readonly manager: Pick<ServiceManager, 'ready' | 'stopping'>
}

/** RESTART: the signal that ends a daemon which is started again at once: it hands nothing over. */
const RESTART = 'SIGUSR2'

const TICK_MS = 2_000
const SWEEP_MS = 100
/** REVISIONS_MS: how late a change that nobody confirmed may be taken back. */
const REVISIONS_MS = 500
const SETTLE_MS = 1_000
/** GAP_MS: who changes the network all the time is answered ten times a second at most. */
const GAP_MS = 100
/** COMPARE_MS: how often what operators said is compared with other nodes. */
const COMPARE_MS = 1_000
/** NOTIFY_MS: how long the end of the daemon waits for notifications; what waits longer goes out after the next start. */
const NOTIFY_MS = 2_000
/** Longer than a process takes to start. */
const CHECKER_PATIENCE_MS = 5_000

/**
 * runDaemon runs until SIGTERM or SIGINT, which hand roles over if another node can take them, or SIGUSR2, which does not.
 * Throws what keeps it from starting: ConfigError, DAEMON_RUNNING, NAMESPACE_OTHER, NOT_PERMITTED, HASH_KEY_INVALID, and
 * what the packet path throws; what forwarded before still does then.
 */
export async function runDaemon(
  { instance, file, log, startsVrrp = true }: RunOptions,
  ports: RunPorts,
): Promise<void> {
  await using cleanup = new Cleanup()
  cleanup.use(lockInstance(instance))
  refuseElsewhere(instance, ports)
  const store = recordStore(instance.record)
  store.write(store.read())
  const clusterKeys = clusterHashKeysOf(instance, () => performance.now())
  const keys = clusterKeys() ?? openKeys(instance, log)
  const network = cleanup.use(ports.openNetwork())
  const packetPath = cleanup.use(ports.openPacketPath({ instance: instance.name, keys }))
  const progress = new NotifyProgress(instance.notified)
  const kept = openEvents(instance, log, progress.highest)
  cleanup.defer(() => kept.close())
  const { events } = kept
  const { notifications, ...told } = openNotifications(instance, events, progress)
  cleanup.defer(() => told.close())
  const cluster: KeptCluster = cleanup.use(openCluster(instance, events, () => failover.roles.isActive()))
  const evidence = cleanup.use(keepEvidence(instance, { events, packetPath, peers: cluster.peers }))
  const metrics = openMetrics(() => controller.status(), events, log)
  const { peers } = cluster
  const failover = cleanup.use(
    new Failover({
      ...{
        instance: instance.name,
        peers,
        events,
        network,
        now: () => new Date(),
        monotonic: () => performance.now(),
      },
      open: ports.openVrrp(instance, startsVrrp),
      store: failoverStore(instance.failover),
      hasQuorum: (service) => controller.health.hasQuorum(service),
    }),
  )
  const roles = cleanup.use(
    new FailoverOrders({ failover, peers, events, tellFlows: (advertMs) => sharing.prepareChange(advertMs) }),
  )
  const peerHealth = new PeerHealth({
    peers,
    down: () => controller.health.down(),
    standingOf: (...of) => controller.health.standingOf(...of),
    monotonic: () => performance.now(),
  })
  const sharing = cleanup.use(
    new Sharing({
      ...{ peers, packetPath, clusterKeys },
      roles: failover.roles,
      hold: (...of) => failover.hold(...of),
      monotonic: () => performance.now(),
    }),
  )
  const flood = new Flood({
    ...{ packetPath, events, store: floodStore(instance.floods) },
    now: () => new Date(),
    self: () => peers.self ?? '',
    strays: () => strayPackets(),
    controller: () => controller,
  })
  const controller: Controller = cleanup.use(
    new Controller({
      instance: instance.name,
      file: resolve(file),
      load,
      network,
      packetPath,
      store,
      overrides: overrideStore(instance.overrides),
      memory: () => ports.memory(instance.name),
      openChecker: ports.openChecker(instance),
      ...{ failover, flood, sharing },
      self: () => peers.self ?? '',
      keepKeys: (used) => keepKeys(instance, used, log),
      log,
      events,
      notifications,
      elsewhere: () => [
        ...kept.problems(),
        ...notifications.problems(),
        ...metrics.problems(),
        ...cluster.problems(),
        ...evidence.problems(),
        ...peerHealth.problems(),
        ...revisions.problems(),
      ],
      beside: () => ({ revision: revisions.status, peers: cluster.status(), ...flood.status }),
      adopted: (desired) => {
        evidence.follow(desired)
        metrics.listen(desired.metrics)
        cluster.follow(desired)
      },
      now: () => new Date(),
      monotonic: () => performance.now(),
      gapMs: GAP_MS,
      settleMs: SETTLE_MS,
      checkerPatienceMs: CHECKER_PATIENCE_MS,
      found: ports.found(instance.name),
    }),
  )
  cleanup.use(metrics)
  const revisions: Revisions = new Revisions({
    ...{ folder: instance.revisions, file: resolve(file), controller, events },
    now: () => new Date(),
    boot: bootId(),
    peers,
    isActive: () => failover.roles.isActive(),
  })
  cleanup.use(revisions)
  const sharedOrders = cleanup.use(
    shareOrders({
      peers,
      said: () => controller.said,
      hear: (...of) => controller.hear(...of),
      now: () => new Date(),
      monotonic: () => performance.now(),
    }),
  )
  const sharedFloods = cleanup.use(
    shareFloods({
      ...{ peers, orders: flood.orders },
      now: () => new Date(),
      monotonic: () => performance.now(),
    }),
  )
  const operations: Operations = {
    ...{ events, notifications, revisions, cluster: cluster.operations },
    recorder: () => packetPath.recorder,
    captures: () => evidence.captures(),
    status: () => controller.status(),
    trace: (...of) => controller.trace(...of),
    listing: () => controller.listing(),
    checks: (filter) => controller.checks(filter),
    order: async (...of) => sharedOrders.told(await controller.order(...of)),
    flood: {
      answer: () => flood.answer(),
      order: async (command) => sharedFloods.told(await flood.order(command)),
    },
    failover: (order) => roles.failover(order),
    maintain: (...of) => roles.maintain(...of),
    reload: (cause, who) => revisions.reload(cause, who),
  }
  const api = await serveApi(instance.socket, apiApp(operations, log))
  cleanup.defer(() => api.close())

  const { signals } = ports
  const stopped = new Promise<string>((stop) => {
    for (const name of ['SIGTERM', 'SIGINT', RESTART]) {
      const listener = () => stop(name)
      signals.on(name, listener)
      cleanup.defer(() => void signals.off(name, listener))
    }
  })
  events.record({
    kind: 'node.started',
    severity: 'notice',
    text: 'tenbin starts',
    data: { version, instance: instance.name, pid: process.pid },
  })
  let isEnding = false
  const reload = oneMore(async () => {
    if (!isEnding) await revisions.reload('SIGHUP', 'SIGHUP').catch(ignoreTold)
  })
  signals.on('SIGHUP', reload)
  cleanup.defer(() => void signals.off('SIGHUP', reload))
  await revisions.start()
  const timer = setInterval(() => void controller.tick(), TICK_MS)
  cleanup.defer(() => clearInterval(timer))
  const ticker = setInterval(() => void revisions.tick(), REVISIONS_MS)
  cleanup.defer(() => clearInterval(ticker))
  const comparer = setInterval(() => {
    sharedOrders.sweep()
    sharedFloods.sweep()
  }, COMPARE_MS)
  cleanup.defer(() => clearInterval(comparer))
  const sweeper = setInterval(() => controller.sweep(), SWEEP_MS)
  cleanup.defer(() => clearInterval(sweeper))
  let teller: NodeJS.Timeout
  const tell = () => {
    teller = setTimeout(tell, sharing.tellFresh())
  }
  tell()
  cleanup.defer(() => clearTimeout(teller))

  ports.manager.ready(`runs by ${file}`)
  const signal = await stopped
  ports.manager.stopping()
  isEnding = true
  events.record({
    kind: 'node.stopped',
    severity: 'notice',
    text: 'tenbin stops: forwarding goes on with the last view',
    data: { cause: signal },
  })
  await controller.idle()
  if (signal !== RESTART) await roles.handOver()
  await sharing.flush()
  controller.endChecks()
  await notifications.finish(NOTIFY_MS)
  if (signal !== RESTART) sharing.end()
  if (signal !== RESTART) await cluster.leave()
}

/** A record of another network namespace may be replaced when nothing of it is left. */
function refuseElsewhere({ name, record }: Instance, { isAttached }: RunPorts): void {
  const namespace = recordedElsewhere(record)
  if (!namespace || !isAttached(name)) return
  const detail = `it forwards in network namespace ${namespace}, not in this one`
  throw new TenbinError('NAMESPACE_OTHER', `run ${name}`, { detail })
}

function openKeys(instance: Instance, log: Log): BigUint64Array {
  try {
    return readHashKeys(instance.keys)
  } catch (error) {
    if (error instanceof TenbinError) throw error
    log.warn(
      { file: instance.keys, why: (error as Error).message },
      'the hash key cannot be kept: a boot will change it',
    )
    return randomFillSync(new BigUint64Array(HASH_KEYS))
  }
}

function keepKeys(instance: Instance, keys: BigUint64Array, log: Log): void {
  try {
    keepHashKeys(instance.keys, keys)
  } catch (error) {
    log.debug({ file: instance.keys, why: (error as Error).message }, 'the hash key cannot be kept')
  }
}

/** oneMore: calls while `job` runs make it run once more afterwards, however many they are. */
function oneMore(job: () => Promise<unknown>): () => void {
  let state: 'idle' | 'runs' | 'runs and is asked' = 'idle'
  const run = async () => {
    state = 'runs'
    await job()
    const isAsked = (state as string) === 'runs and is asked'
    state = 'idle'
    if (isAsked) await run()
  }
  return () => {
    if (state === 'idle') void run()
    else state = 'runs and is asked'
  }
}

// The controller has told of it, with every finding.
function ignoreTold(error: unknown): void {
  if (!(error instanceof TenbinError)) throw error
}
