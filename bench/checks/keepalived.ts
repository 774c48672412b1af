// Debian's keepalived as a checker: one virtual server with a real one for each target, each with a TCP_CHECK every second.
// A target enters IPVS's table with its first good look (`alpha`), so that the table proves that all are up.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { TARGET_PORT, type Targets, targetAddress } from './targets.ts'

const server = (at: number): string =>
  `real_server ${targetAddress(at)} ${TARGET_PORT} { weight 1\n TCP_CHECK { connect_timeout 1\n }\n }`

const configuration = (count: number): string => `
virtual_server 10.96.0.1 80 {
 delay_loop 1
 lb_algo rr
 lb_kind DR
 protocol TCP
 alpha
 ${Array.from({ length: count }, (_, at) => server(at)).join('\n ')}
}
`

/** Keepalived: at work until disposal. */
export interface Keepalived extends AsyncDisposable {
  /** Of the process that looks; the other one started it. */
  readonly pid: number
  /** up: how many targets IPVS sends to. */
  up(): number
}

/** startKeepalived: it looks at so many targets, and all are up. */
export async function startKeepalived(targets: Targets, count: number): Promise<Keepalived> {
  const [config, main, checker] = ['keepalived.conf', 'keepalived.pid', 'checkers.pid'].map((name) =>
    join(targets.folder, name),
  ) as [string, string, string]
  writeFileSync(config, configuration(count))
  const child = targets.spawn('keepalived', ['-C', '-n', '-f', config, '-p', main, '-c', checker])
  const up = () =>
    targets.run(() => execFileSync('ipvsadm', ['-Ln'], { encoding: 'latin1' })).split('-> 127.').length - 1
  for (let tries = 0; up() < count && tries < 100; tries++) await delay(200)
  return {
    pid: Number(readFileSync(checker, 'latin1')),
    up,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
