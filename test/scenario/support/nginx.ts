// Real nginx in every server of a lab, in the foreground, with a configuration of its own. `/` answers the server's
// name; `/until-closed` does, too, without a length, so that a client of HTTP/1.0 reads until the server has closed; `/file`
// is the same FILE_BYTES everywhere. It ends with the lab. Port 81 is as 80: with `forward: nat` listeners that
// have a server port each never meet there (outcome `clash`), whichever ports a client takes again.

import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../../../src/lab/held-lab.ts'
import { nodesOf } from '../../../src/lab/topology.ts'

export const FILE_BYTES = 16 << 20

/** Served: what /file is. */
export interface Served {
  readonly path: '/file'
  readonly bytes: number
  readonly sha256: string
}

/** startNginx resolves when every server listens on port 80. `connections`: how many one server may have. */
export async function startNginx(lab: Lab, { connections = 4096 } = {}): Promise<Served> {
  const { directory, topology } = lab
  const content = randomBytes(FILE_BYTES)
  writeFileSync(join(directory, 'file'), content)
  await Promise.all(
    nodesOf(topology, 'server').map(async ({ name }) => {
      const file = join(directory, `nginx-${name}.conf`)
      writeFileSync(file, configuration(directory, name, connections, topology.serviceAddresses6.length > 0))
      const log = openSync(join(directory, `nginx-${name}.log`), 'a')
      const child = lab.spawn(name, ['nginx', '-e', 'stderr', '-p', directory, '-c', file], {
        stdio: ['ignore', log, log],
        detached: true,
      })
      closeSync(log)
      let failure: Error | undefined
      child.once('error', (error) => {
        failure = error
      })
      while (!failure && child.exitCode === null && !listens(child.pid)) await delay(5)
      if (failure || child.exitCode !== null)
        throw failure ?? new Error(readFileSync(join(directory, `nginx-${name}.log`), 'utf8'))
      child.unref()
    }),
  )
  return { path: '/file', bytes: FILE_BYTES, sha256: createHash('sha256').update(content).digest('hex') }
}

/** listens: a socket of the process's namespace is in state LISTEN (0A) on port 80 (proc(5): net/tcp). */
const listens = (pid: number | undefined): boolean =>
  / 00000000:0050 00000000:0000 0A /.test(readFileSync(`/proc/${pid}/net/tcp`, 'latin1'))

const configuration = (directory: string, name: string, connections: number, ipv6: boolean): string => `
user root;
daemon off;
worker_processes 1;
pid ${directory}/nginx-${name}.pid;
error_log stderr warn;
events { worker_connections ${connections}; }
http {
  access_log off;
  client_body_temp_path ${directory}/nginx-${name};
  proxy_temp_path ${directory}/nginx-${name};
  fastcgi_temp_path ${directory}/nginx-${name};
  uwsgi_temp_path ${directory}/nginx-${name};
  scgi_temp_path ${directory}/nginx-${name};
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_header_timeout 300s;
  send_timeout 300s;
  server {
    listen 80 backlog=4096;
    listen 81;
    ${ipv6 ? 'listen [::]:80 backlog=4096;' : ''}
    default_type text/plain;
    location = / { return 200 "${name}\\n"; }
    location = /until-closed { ssi on; ssi_types text/plain; return 200 "${name}\\n"; }
    location = /file { root ${directory}; }
  }
}
`
