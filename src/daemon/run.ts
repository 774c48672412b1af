// The daemon as a process: lock, key, network, packet path, API, then the controller until a signal ends it. It
// stays in the foreground, as systemd wants it. SIGHUP applies a changed file; SIGTERM and SIGINT end the process
// and nothing else: what is in the kernel goes on forwarding with the last view, and only `tenbin down` removes it.

import { randomFillSync } from 'node:crypto'
import { resolve } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import { load } from '../config/load.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import type { Network } from '../netlink/network.ts'
import { apiApp } from './api-app.ts'
import { serveApi } from './api-server.ts'
import type { CheckerPaths, OpenChecker } from './checker.ts'
import { Cleanup } from './cleanup.ts'
import { Controller } from './controller.ts'
import type { Found } from './controller-options.ts'
import { keepHashKeys, readHashKeys } from './hash-keys.ts'
import type { Instance } from './instance.ts'
import { openEvents } from './keep-events.ts'
import { openNotifications } from './keep-notifications.ts'
import { lockInstance } from './lock.ts'
import type { Log } from './log.ts'
import type { MachineMemory } from './memory.ts'
import { openMetrics } from './metrics-endpoint.ts'
import { NotifyProgress } from './notify-progress.ts'
import { overrideStore } from './override-store.ts'
import type { OpenPacketPath } from './ports.ts'
import { recordedElsewhere, recordStore } from './record.ts'
import { version } from './version.ts'

/** RunOptions: `file` is resolved against the working directory once, at the start. */
export interface RunOptions {
  readonly instance: Instance
  readonly file: string
  readonly log: Log
}

/** RunPorts: the machine. `signals` emits SIGHUP, SIGTERM and SIGINT: the process itself, or a test's emitter. */
export interface RunPorts {
  readonly openNetwork: () => Network
  readonly openPacketPath: OpenPacketPath
  /** isAttached: whether what an instance pinned still sees packets, in whatever network namespace. */
  readonly isAttached: (instance: string) => boolean
  /** openChecker: the process that looks at servers. */
  readonly openChecker: (paths: CheckerPaths) => OpenChecker
  /** found: what an instance pinned; nothing where nothing is. */
  readonly found: (instance: string) => Found
  /** memory: the machine's, and what an instance holds of it. */
  readonly memory: (instance: string) => MachineMemory
  readonly signals: NodeJS.EventEmitter
}

const TICK_MS = 2_000
const SWEEP_MS = 100
const SETTLE_MS = 1_000
/** NOTIFY_MS: how long the end of the daemon waits for notifications; what waits longer goes out after the next start. */
const NOTIFY_MS = 2_000
/** Longer than a process takes to start. */
const CHECKER_PATIENCE_MS = 5_000

/**
 * runDaemon runs until SIGTERM or SIGINT. Throws what keeps it from starting: ConfigError, DAEMON_RUNNING,
 * NAMESPACE_OTHER, NOT_PERMITTED, HASH_KEY_INVALID, and what the packet path throws; what forwarded before still does then.
 */
export async function runDaemon({ instance, file, log }: RunOptions, ports: RunPorts): Promise<void> {
  await using cleanup = new Cleanup()
  cleanup.use(lockInstance(instance))
  refuseElsewhere(instance, ports)
  const store = recordStore(instance.record)
  store.write(store.read())
  const keys = openKeys(instance, log)
  const network = cleanup.use(ports.openNetwork())
  const packetPath = cleanup.use(ports.openPacketPath({ instance: instance.name, keys }))
  const progress = new NotifyProgress(instance.notified)
  const kept = openEvents(instance, log, progress.highest)
  cleanup.defer(() => kept.close())
  const { events } = kept
  const { notifications, ...told } = openNotifications(instance, events, progress)
  cleanup.defer(() => told.close())
  const metrics = openMetrics(() => controller.status(), events, log)
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
      keepKeys: (used) => keepKeys(instance, used, log),
      log,
      events,
      notifications,
      elsewhere: () => [...kept.problems(), ...notifications.problems(), ...metrics.problems()],
      adopted: (desired) => metrics.listen(desired.metrics),
      now: () => new Date(),
      monotonic: () => performance.now(),
      settleMs: SETTLE_MS,
      checkerPatienceMs: CHECKER_PATIENCE_MS,
      found: ports.found(instance.name),
    }),
  )
  cleanup.use(metrics)
  const api = await serveApi(instance.socket, apiApp(controller, log))
  cleanup.defer(() => api.close())

  const { signals } = ports
  const stopped = new Promise<string>((stop) => {
    for (const name of ['SIGTERM', 'SIGINT']) {
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
    if (!isEnding) await controller.reload('SIGHUP').catch(ignoreTold)
  })
  signals.on('SIGHUP', reload)
  cleanup.defer(() => void signals.off('SIGHUP', reload))
  await controller.start()
  const timer = setInterval(() => void controller.tick(), TICK_MS)
  cleanup.defer(() => clearInterval(timer))
  const sweeper = setInterval(() => controller.sweep(), SWEEP_MS)
  cleanup.defer(() => clearInterval(sweeper))

  const signal = await stopped
  isEnding = true
  events.record({
    kind: 'node.stopped',
    severity: 'notice',
    text: 'tenbin stops: forwarding goes on with the last view',
    data: { cause: signal },
  })
  await controller.idle()
  controller.endChecks()
  await notifications.finish(NOTIFY_MS)
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
