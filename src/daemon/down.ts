// Everything of an instance removed from this machine, with its daemon dead: roles first, which another node takes, then
// addresses, so that no client reaches this machine any more when its packets are no longer handled; then the packet path,
// the neighbour entries, kernel settings, the record and the socket. What remains is the hash key, so that the same file
// forwards as before, what operators said, and the history of what was applied; but no revision counts any more: the next
// start runs the file. Safe to repeat, and after a crash in its middle.

import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import type { Network } from '../netlink/network.ts'
import { JOURNAL } from '../revisions/journal.ts'
import { permitted, permittedLater } from '../sys/permitted.ts'
import { clearMacvlansOf } from '../vrrp/virtual-macs.ts'
import { endVrrp } from './end-vrrp.ts'
import { DEFAULT_RUN_DIR, type Instance } from './instance.ts'
import { lockInstance } from './lock.ts'
import { leaveOtherLinks } from './managed-links.ts'
import { Problems } from './problem.ts'
import { recordedElsewhere, recordStore } from './record.ts'
import { ownedText, type PromoteSecondaries, ServiceAddresses } from './service-addresses.ts'
import { Sysctls } from './sysctls.ts'
import { whoAnswers } from './who-answers.ts'

/** DownOptions: `force`: also when the instance's record is of another network namespace. */
export interface DownOptions {
  readonly instance: Instance
  readonly network: Network
  /** downPacketPath removes all pins of an instance and says what was there. */
  readonly downPacketPath: (instance: string) => readonly string[]
  readonly force?: boolean
  readonly promote?: PromoteSecondaries
  /** Stands in for /proc/sys. */
  readonly sysctlRoot?: string
}

/** takeDown removes an instance and says what it removed. Throws DAEMON_RUNNING, NAMESPACE_OTHER, NOT_PERMITTED. */
export async function takeDown(options: DownOptions): Promise<string[]> {
  const { instance, network, downPacketPath, force = false } = options
  const who = await permittedLater('down', () => whoAnswers(instance.socket))
  if (who) {
    throw new TenbinError('DAEMON_RUNNING', `down ${instance.name}`, {
      detail: `${who} has ${instance.socket}`,
    })
  }
  using _ = lockInstance(instance)
  const namespace = recordedElsewhere(instance.record)
  if (namespace && !force) {
    const detail = `it added addresses in network namespace ${namespace}, not in this one`
    throw new TenbinError('NAMESPACE_OTHER', `down ${instance.name}`, { detail })
  }
  const hadVrrp = await endVrrp(instance)
  const store = recordStore(instance.record)
  const addresses = new ServiceAddresses(network, store, options.promote)
  const done = hadVrrp ? ['roles, and the process that had them'] : []
  done.push(...permitted('down', () => clearMacvlansOf(instance.vrrpKept)).map((name) => `interface ${name}`))
  done.push(...addresses.remove(addresses.own()).map((owned) => `address ${ownedText(owned)}`))
  done.push(...downPacketPath(instance.name))
  const released = leaveOtherLinks(store, network)
  if (released > 0) done.push(`${released} neighbour ${released === 1 ? 'entry' : 'entries'}`)
  const { restored, problems } = new Sysctls(store, options.sysctlRoot).restore()
  if (problems.length > 0) throw new Problems(`down ${instance.name}`, problems)
  for (const { name, value, isOurs } of restored)
    done.push(
      isOurs
        ? `setting of ${name}: ${value} again`
        : `setting of ${name}: ${value} stays, set by somebody else`,
    )
  permitted('down', () => {
    rmSync(instance.runDir, { recursive: true, force: true })
    rmSync(instance.socket, { force: true })
    rmSync(join(instance.revisions, JOURNAL), { force: true })
    if (existsSync(DEFAULT_RUN_DIR) && readdirSync(DEFAULT_RUN_DIR).length === 0) rmdirSync(DEFAULT_RUN_DIR)
  })
  return done
}
