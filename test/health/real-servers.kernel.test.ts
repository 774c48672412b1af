// Every kind of check against the server that it is for, as Debian has it: up, frozen (in time), and gone.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Pattern } from '../../src/base/pattern.ts'
import type { Checker, Target } from '../../src/health/checker.ts'
import { agent } from '../../src/health/checkers/agent.ts'
import { dns } from '../../src/health/checkers/dns.ts'
import { ftp } from '../../src/health/checkers/ftp.ts'
import { grpc } from '../../src/health/checkers/grpc.ts'
import { type HttpOptions, http } from '../../src/health/checkers/http.ts'
import { http2 } from '../../src/health/checkers/http2.ts'
import { mysql } from '../../src/health/checkers/mysql.ts'
import { postgres } from '../../src/health/checkers/postgres.ts'
import { redis } from '../../src/health/checkers/redis.ts'
import { smtp } from '../../src/health/checkers/smtp.ts'
import { tcp } from '../../src/health/checkers/tcp.ts'
import { tls } from '../../src/health/checkers/tls.ts'
import { NetworkNamespace } from '../../src/sys/namespace.ts'
import { Authority } from './certificates.ts'
import { lookAt, loopback } from './look-at.ts'
import { type RealServer, type RealServerOptions, realServer } from './real-server.ts'
import { scriptedServer } from './scripted-server.ts'

// All servers and all looks of this file are in a namespace of its own: nobody else has these ports.
NetworkNamespace.create().enter()
execFileSync('ip', ['link', 'set', 'dev', 'lo', 'up'])

const folder = mkdtempSync(join(tmpdir(), 'tenbin-real-'))
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true }))
const NOBODY = { uid: 65_534, gid: 65_534 }

/** ownFolder: a folder that a server's user may write. */
function ownFolder(name: string, { uid, gid } = { uid: 0, gid: 0 }): string {
  const path = join(folder, name)
  mkdirSync(path)
  chownSync(path, uid, gid)
  return path
}

/** look: outcome and words of one look at a port. */
async function look(checker: (target: Target) => Checker, port: number, timeoutMs = 2000): Promise<string> {
  const { outcome, text } = await lookAt(checker(loopback(port)), timeoutMs)
  return `${outcome}: ${text}`
}

/** life: a server that runs, is frozen, goes on and ends, and what a check says each time. */
async function life(
  options: Omit<RealServerOptions, 'folder'> & { readonly folder?: string },
  checker: (target: Target) => Checker,
  whileUp: (server: RealServer) => Promise<void>,
): Promise<void> {
  {
    await using server = await realServer({ folder, ...options })
    await whileUp(server)
    await server.stop()
    assert.match(await look(checker, options.port, 300), /^bad: .* timed out after 300ms$/)
    server.go()
    assert.match(await look(checker, options.port, 5000), /^good: /)
  }
  // A child that dnsmasq made for a connection outlives it by a moment.
  assert.match(await look(checker, options.port), /^bad: (connect: refused|.*reset by the server)$/)
}

test('nginx: tcp and http', async () => {
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; user root; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr;
events {}
http {
  access_log off;
  server { listen 80; location /health { return 200 "all is well"; } location /moved { return 301 /health; } }
}`,
  )
  const request: HttpOptions = { method: 'GET', path: '/health', host: 'x', status: [{ from: 200, to: 200 }] }
  const checker = (target: Target) => http(target, request)
  const command = ['nginx', '-e', 'stderr', '-p', folder, '-c', config] as const
  await life({ command, port: 80 }, checker, async () => {
    assert.equal(await look(tcp, 80), 'good: connected')
    assert.equal(await look(checker, 80), 'good: 200')
    const body = Pattern.compile('^all is well$')
    assert.equal(
      await look((target) => http(target, { ...request, body }), 80),
      'good: 200, body as expected',
    )
    assert.equal(
      await look((target) => http(target, { ...request, path: '/moved' }), 80),
      'bad: status 301, expected 200',
    )
    assert.equal(
      await look((target) => http(target, { ...request, path: '/none' }), 80),
      'bad: status 404, expected 200',
    )
  })
})

test('haproxy: https, HTTP/2 and tls', async () => {
  const authority = new Authority(ownFolder('ca'))
  const pair = authority.sign('www.example', 60)
  const pem = join(folder, 'haproxy.pem')
  writeFileSync(pem, pair.cert + pair.key)
  const config = join(folder, 'haproxy.cfg')
  writeFileSync(
    config,
    `defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend f
  bind 127.0.0.1:443 ssl crt ${pem} alpn h2,http/1.1
  http-request return status 200 content-type text/plain string well if { path /health }
  http-request return status 503
`,
  )
  const secure = { name: 'www.example', verify: true, ca: authority.ca.cert, days: 30 }
  const request: HttpOptions = {
    ...{ method: 'GET', path: '/health', host: 'www.example', status: [{ from: 200, to: 204 }] },
    ...{ body: Pattern.compile('^well$'), tls: secure },
  }
  const checker = (target: Target) => tls(target, secure)
  await life({ command: ['haproxy', '-db', '-f', config], port: 443 }, checker, async () => {
    assert.equal(await look(checker, 443), 'good: TLSv1.3')
    for (const kind of [http, http2]) {
      assert.equal(await look((target) => kind(target, request), 443), 'good: 200, body as expected')
      const other = { ...request, path: '/' }
      assert.equal(await look((target) => kind(target, other), 443), 'bad: status 503, expected 200..204')
    }
    const wrong = (target: Target) => tls(target, { ...secure, name: 'api.example' })
    assert.match(await look(wrong, 443), /^bad: the certificate is for www\.example, not for api\.example/)
  })
})

test('haproxy reads what our agent check reads, of the same agent', async () => {
  await using server = await scriptedServer({ greeting: 'up 40%\n' })
  const config = join(folder, 'agent.cfg')
  const socket = join(folder, 'haproxy.sock')
  writeFileSync(
    config,
    `global
  stats socket ${socket}
defaults
  mode tcp
  timeout client 5s
  timeout server 5s
  timeout connect 5s
listen l
  bind 127.0.0.1:8080
  server s 127.0.0.1:9 weight 100 agent-check agent-port ${server.port} agent-inter 100ms
`,
  )
  await using _ = await realServer({ folder, command: ['haproxy', '-db', '-f', config], port: 8080 })
  const finding = await lookAt(agent(loopback(server.port)))
  assert.deepEqual(finding.report, { share: 0.4 })
  const ask = `import socket,sys
s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b"get weight l/s\\n"); print(s.recv(99).decode())`
  for (let tries = 0; ; tries++) {
    const answer = execFileSync('python3', ['-c', ask, socket], { encoding: 'utf8' })
    if (answer.startsWith('40 (initial 100)')) break
    assert.ok(tries < 50, answer)
    // the agent that haproxy asks is in this process
    await delay(50)
  }
})

test('vsftpd: ftp', async () => {
  const config = join(folder, 'vsftpd.conf')
  const lines = [
    ...['listen=YES', 'listen_port=21', 'background=NO', 'anonymous_enable=YES', 'seccomp_sandbox=NO'],
    `secure_chroot_dir=${ownFolder('empty')}`,
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  await life({ command: ['vsftpd', config], port: 21 }, ftp, async () => {
    assert.match(await look(ftp, 21), /^good: \(vsFTPd/)
  })
})

test('dnsmasq: dns over UDP and TCP', async () => {
  const command = [
    ...([
      'dnsmasq',
      '-k',
      '-C',
      '/dev/null',
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
      '--no-hosts',
    ] as const),
    ...['--no-resolv', '--pid-file=', '--user=root', '--address=/www.example.net/192.0.2.1'],
  ] as const
  const asked = { name: 'www.example.net', type: 'A', rcode: 'NOERROR', answer: '192.0.2.1' } as const
  const overTcp = (target: Target) => dns(target, { ...asked, transport: 'tcp' })
  const overUdp = (target: Target) => dns(target, { ...asked, transport: 'udp' })
  await life({ command, port: 53 }, overTcp, async (server) => {
    assert.equal(await look(overUdp, 53), 'good: 192.0.2.1')
    assert.equal(await look(overTcp, 53), 'good: 192.0.2.1')
    const other = (target: Target) => dns(target, { ...asked, transport: 'udp', answer: '192.0.2.9' })
    assert.equal(await look(other, 53), 'bad: no 192.0.2.9 among 192.0.2.1')
    const refused = (target: Target) =>
      dns(target, { transport: 'udp', name: 'x.test', type: 'A', rcode: 'NOERROR' })
    assert.equal(await look(refused, 53), 'bad: REFUSED, expected NOERROR')
    await server.stop()
    assert.equal(await look(overUdp, 53, 300), 'bad: answer timed out after 300ms')
    server.go()
  })
  assert.equal(await look(overUdp, 53), 'bad: answer: refused')
})

test('opensmtpd: smtp', async () => {
  const config = join(folder, 'smtpd.conf')
  // STARTTLS of this version breaks off with OpenSSL 3 ("missing private key"), by whatever client: not asked for here.
  writeFileSync(
    config,
    `listen on 127.0.0.1 port 25 hostname mail.example
action "nowhere" maildir "/nonexistent"
match from any for domain "invalid.example" action "nowhere"
`,
  )
  const plain = (target: Target) => smtp(target, { hello: 'lb1.example' })
  await life({ command: ['smtpd', '-d', '-f', config], port: 25 }, plain, async () => {
    assert.match(await look(plain, 25), /^good: mail\.example ESMTP/)
    const secure = (target: Target) => smtp(target, { hello: 'lb1.example', tls: {} })
    assert.match(await look(secure, 25), /^bad: STARTTLS: 5\d\d /)
  })
})

test('redis: with its password, with a wrong one and without', async () => {
  const words = ['--port', '6379', '--bind', '127.0.0.1', '--save', '', '--requirepass', 'pa ss'] as const
  const right = (target: Target) => redis(target, { password: 'pa ss' })
  await life(
    { command: ['redis-server', ...words], port: 6379, folder: ownFolder('redis') },
    right,
    async () => {
      assert.equal(await look(right, 6379), 'good: PONG')
      assert.equal(await look(redis, 6379), 'good: asks for a password')
      assert.match(await look((target) => redis(target, { password: 'x' }), 6379), /^bad: AUTH: "-WRONGPASS/)
    },
  )
})

test('postgresql: every kind of password, a wrong one and none', async () => {
  const bin = '/usr/lib/postgresql/15/bin'
  const home = ownFolder('postgres', NOBODY)
  const data = join(home, 'data')
  const password = join(home, 'password')
  writeFileSync(password, 'secret\n')
  chmodSync(password, 0o644)
  const init = [
    '-D',
    data,
    '-U',
    'lb',
    '-A',
    'scram-sha-256',
    '--pwfile',
    password,
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C',
  ]
  execFileSync(`${bin}/initdb`, init, { ...NOBODY, cwd: home, stdio: 'ignore' })
  const command = [`${bin}/postgres`, '-D', data, '-k', home, '-h', '127.0.0.1', '-F'] as const
  const login = { user: 'lb', database: 'postgres' }
  const right = (target: Target) => postgres(target, { ...login, password: 'secret' })
  await life({ command, port: 5432, folder: home, ...NOBODY }, right, async () => {
    // It listens before it is ready, and says so.
    while ((await look(right, 5432)) === 'bad: 57P03: the database system is starting up') await delay(20)
    assert.equal(await look(right, 5432), 'good: logged in')
    assert.equal(await look((target) => postgres(target, login), 5432), 'good: asks for a password')
    const wrong = (target: Target) => postgres(target, { ...login, password: 'x' })
    assert.match(await look(wrong, 5432), /^bad: 28P01: password authentication failed/)
    const nowhere = (target: Target) => postgres(target, { ...login, database: 'none', password: 'secret' })
    assert.match(await look(nowhere, 5432), /^bad: 3D000: database "none" does not exist/)
  })
})

test('mariadb: a login, a wrong one and none', async () => {
  const home = ownFolder('mariadb', NOBODY)
  const data = join(home, 'data')
  mkdirSync(data)
  chownSync(data, NOBODY.uid, NOBODY.gid)
  // What mariadb-install-db does, which wants the client's package beside the server's.
  const tables = ['', '_data'].map((part) =>
    readFileSync(`/usr/share/mysql/mysql_system_tables${part}.sql`, 'utf8'),
  )
  const places = [`--datadir=${data}`, `--tmpdir=${home}`, '--innodb-log-file-size=4M']
  const bootstrap = ['--no-defaults', '--bootstrap', ...places]
  const input = ['CREATE DATABASE mysql;', 'USE mysql;', ...tables].join('\n')
  execFileSync('mariadbd', bootstrap, { ...NOBODY, cwd: home, input, stdio: ['pipe', 'ignore', 'ignore'] })
  const sql = join(home, 'init.sql')
  writeFileSync(sql, "CREATE USER 'lb'@'%' IDENTIFIED BY 'secret';\n")
  const options = [...places, `--socket=${home}/sock`, '--bind-address=127.0.0.1', `--init-file=${sql}`]
  const command = ['mariadbd', '--no-defaults', ...options, '--skip-name-resolve'] as const
  const right = (target: Target) => mysql(target, { user: 'lb', password: 'secret' })
  await life({ command, port: 3306, folder: home, ...NOBODY }, right, async () => {
    assert.match(await look(right, 3306), /^good: .*MariaDB.*, logged in$/)
    assert.match(
      await look((target) => mysql(target, { user: 'lb', password: 'x' }), 3306),
      /^bad: login: 1045 Access denied/,
    )
    // More often than max_connect_errors allows connections to break off.
    for (let count = 0; count < 150; count++) assert.match(await look(mysql, 3306), /^good: .*MariaDB/)
    assert.match(await look(right, 3306), /^good: /)
  })
})

test('etcd: grpc.health.v1', async () => {
  const home = ownFolder('etcd')
  const [client, peer] = ['http://127.0.0.1:2379', 'http://127.0.0.1:2380']
  const urls = [
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
  ]
  const command = ['etcd', `--data-dir=${home}/data`, ...urls] as const
  const whole = (target: Target) => grpc(target, { service: '', host: 'etcd' })
  await life({ command, port: 2379, folder: home }, whole, async () => {
    assert.equal(await look(whole, 2379), 'good: SERVING')
    const other = (target: Target) => grpc(target, { service: 'shop.Cart', host: 'etcd' })
    assert.match(await look(other, 2379), /^bad: grpc-status 5/)
  })
})
