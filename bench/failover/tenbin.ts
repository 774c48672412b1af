// tenbin's vrrp process on a node of the bench, told by a file what main would say: one address set, version 3 by multicast.
// The packet path is not looked at, for there is none.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Lab } from '../../src/lab/held-lab.ts'
import type { Command } from '../../src/lab/run.ts'
import type { VrrpSpec } from '../../src/vrrp/spec.ts'
import { vrrpCommand } from '../../src/vrrp/vrrp-command.ts'
import { ADDRESS, type Setting, VRID } from './setting.ts'

/** tenbin: the command that runs it on a node. */
export function tenbin({ directory }: Lab, node: string, { advertMs, priority }: Setting): Command {
  const place = (name: string) => join(directory, `${node}-${name}`)
  const spec: VrrpSpec = {
    sets: [
      {
        ...{ name: 'front', vrid: VRID, version: 3, priority, advertMs },
        ...{ preempt: true, preemptDelayMs: 0, accept: true, checksum: 'rfc5798', mac: 'interface' },
        announce: { repeatMs: 5000, refreshMs: 60_000 },
        networks: [{ name: 'lan', nic: 'eth0', addresses: [ADDRESS] }],
        track: [],
      },
    ],
  }
  writeFileSync(place('spec.json'), JSON.stringify(spec))
  const source = vrrpCommand({
    socket: place('vrrp.sock'),
    kept: place('vrrp.json'),
    counter: place('boots'),
    spec: place('spec.json'),
  })
  return built(source)
}

const BUILT = fileURLToPath(new URL('../../dist/vrrp-process.js', import.meta.url))

/** built: the same command of what was built, which starts in a fraction of the time. */
function built(source: readonly [string, ...string[]]): Command {
  const [node, ...words] = source
  const loader = words.indexOf('--import')
  return [node, ...words.toSpliced(loader, 3, '--enable-source-maps', BUILT)]
}
