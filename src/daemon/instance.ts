// An instance is one daemon with its packet path: its name and the places where it keeps things. Everything that
// another process must find again (socket, lock, record of addresses, pins) follows from the name alone, so that
// `down` works with the daemon dead. Pins are the engine's: /sys/fs/bpf/tenbin/<name>/.

import { join } from 'node:path'
import { TenbinError } from '../base/errors.ts'

/** Instance: its name and absolute places. `runDir` is gone after a boot, `stateDir` stays. */
export interface Instance {
  readonly name: string
  /** runDir: lock and record of this instance. Removed by `down`. */
  readonly runDir: string
  readonly socket: string
  readonly lock: string
  /** record: what this instance added to the machine's interfaces (record.ts). */
  readonly record: string
  /** checkerSocket, checks: where the process that looks at servers listens, and keeps what it knows. */
  readonly checkerSocket: string
  readonly checks: string
  /**
   * vrrpSocket, vrrpKept, vrrpCounter: where the process that has roles listens, what it was told last, and its boot counter,
   * which stays. vrrpLog: its words, where main starts it.
   */
  readonly vrrpSocket: string
  readonly vrrpKept: string
  readonly vrrpCounter: string
  readonly vrrpLog: string
  readonly stateDir: string
  /** keys: the hash key, 64 bytes, mode 0600. */
  readonly keys: string
  /** events: folder of what has happened (events/event-files.ts); eventNumbers: how far their numbers are given away. */
  readonly events: string
  readonly eventNumbers: string
  /** notified: how far targets of `notify` were told (notify-progress.ts). */
  readonly notified: string
  /** revisions: folder of what was applied (revisions/revision-store.ts). */
  readonly revisions: string
  /** overrides: what operators said of servers (override-store.ts). */
  readonly overrides: string
  /** floods: what operators said of floods (flood-store.ts). */
  readonly floods: string
  /** captures: folder of what the recorder had around something bad (capture/evidence-files.ts); in `nodes` that of others. */
  readonly captures: string
  /** failover: what operators said of roles (failover-store.ts). */
  readonly failover: string
  /** clusterKeys: this node's part in a cluster (cluster/key-file.ts); no file: it is in none. */
  readonly clusterKeys: string
  /** clusterInvitations: a folder: who may join (cluster/invitations.ts). */
  readonly clusterInvitations: string
}

/** InstanceOptions: what the command line says; absent = the default place. */
export interface InstanceOptions {
  readonly instance?: string | undefined
  readonly socket?: string | undefined
  readonly runDir?: string | undefined
  readonly stateDir?: string | undefined
}

export const DEFAULT_INSTANCE = 'tenbin'
export const DEFAULT_RUN_DIR = '/run/tenbin'
export const DEFAULT_STATE_DIR = '/var/lib/tenbin'
/** SOCKET_PATH_MAX: bytes of a path that fit sun_path (linux/un.h, UNIX_PATH_MAX 108, with its final zero). */
const SOCKET_PATH_MAX = 107

/** instanceOf resolves the places. Throws INSTANCE_INVALID (name) and SOCKET_PATH_INVALID (too long). */
export function instanceOf(options: InstanceOptions): Instance {
  const name = options.instance ?? DEFAULT_INSTANCE
  if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(name)) {
    throw new TenbinError('INSTANCE_INVALID', 'instance', { detail: `"${name}" cannot name an instance` })
  }
  const runRoot = options.runDir ?? DEFAULT_RUN_DIR
  const runDir = join(runRoot, name)
  const stateDir = options.stateDir ?? DEFAULT_STATE_DIR
  const socket = options.socket ?? join(runRoot, `${name}.sock`)
  const checkerSocket = join(runDir, 'checker.sock')
  const vrrpSocket = join(runDir, 'vrrp.sock')
  for (const path of [socket, checkerSocket, vrrpSocket])
    if (Buffer.byteLength(path) > SOCKET_PATH_MAX) {
      throw new TenbinError('SOCKET_PATH_INVALID', 'instance', {
        detail: `${path} is longer than the ${SOCKET_PATH_MAX} bytes that a socket's path can have`,
      })
    }
  return {
    name,
    runDir,
    socket,
    lock: join(runDir, 'lock'),
    record: join(runDir, 'record.json'),
    checkerSocket,
    checks: join(runDir, 'checks.json'),
    vrrpSocket,
    vrrpKept: join(runDir, 'vrrp.json'),
    vrrpCounter: join(stateDir, `${name}.vrrp-boots`),
    vrrpLog: join(runDir, 'vrrp.log'),
    stateDir,
    keys: join(stateDir, `${name}.key`),
    events: join(stateDir, `${name}.events`),
    eventNumbers: join(runDir, 'events.seq'),
    notified: join(stateDir, `${name}.notify.json`),
    revisions: join(stateDir, `${name}.revisions`),
    overrides: join(stateDir, `${name}.overrides.json`),
    floods: join(stateDir, `${name}.floods.json`),
    captures: join(stateDir, `${name}.captures`),
    failover: join(stateDir, `${name}.roles.json`),
    clusterKeys: join(stateDir, `${name}.cluster.json`),
    clusterInvitations: join(stateDir, `${name}.invitations`),
  }
}
