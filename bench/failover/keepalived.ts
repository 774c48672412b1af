// Debian's keepalived on a node of the bench: one VRRP instance, version 3 by multicast, as its manual page has it.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '../../src/lab/held-lab.ts'
import type { Command } from '../../src/lab/run.ts'
import { ADDRESS, type Setting, VRID } from './setting.ts'

/** keepalived: the command that runs it on a node, in the foreground. */
export function keepalived({ directory }: Lab, node: string, { advertMs, priority }: Setting): Command {
  const file = join(directory, `${node}-keepalived.conf`)
  const text = `global_defs {
  vrrp_version 3
}
vrrp_instance front {
  interface eth0
  virtual_router_id ${VRID}
  priority ${priority}
  advert_int ${advertMs / 1000}
  virtual_ipaddress { ${ADDRESS} }
}
`
  writeFileSync(file, text, { mode: 0o644 })
  const pids = ['p', 'r'].flatMap((option) => {
    const pidFile = join(directory, `${node}-keepalived-${option}.pid`)
    // Of one that was killed: its number may still be that of a process that nobody has reaped.
    rmSync(pidFile, { force: true })
    return [`-${option}`, pidFile]
  })
  return ['keepalived', '-P', '-n', '-l', '-f', file, ...pids]
}
