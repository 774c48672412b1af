// What a right server of each kind of check says, turn by turn, and how it is looked at: so that a hostile one can be right
// up to any turn. Texts are latin1; a server that greets says the first of them unasked, the others once it was
// spoken to. Only kinds over TCP; those of datagrams have no turns.

import { Pattern } from '../../src/base/pattern.ts'
import type { Checker, Target } from '../../src/health/checker.ts'
import { agent } from '../../src/health/checkers/agent.ts'
import { all } from '../../src/health/checkers/combined.ts'
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
import type { TlsOptions } from '../../src/health/tls-channel.ts'
import { grpcServing, http2Answer, http2Settings, mysqlGreeting, mysqlOk } from './right-answers.ts'

/** Turn: a text; what follows from what was heard; or the server's side of a handshake of TLS. */
export type Turn = string | ((heard: Buffer) => string) | typeof HANDSHAKE
export const HANDSHAKE = Symbol('handshake')

/** Dialogue: `checker` is told what to ask of a certificate, if its kind has one. */
export interface Dialogue {
  readonly checker: (target: Target, tls: TlsOptions) => Checker
  readonly turns: readonly Turn[]
  readonly greets: boolean
}

const request: HttpOptions = { method: 'GET', path: '/', host: 'x', status: [{ from: 200, to: 200 }] }
const body = { ...request, body: Pattern.compile('^well$') }
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell'
const speaks = { greets: true }
const listens = { greets: false }

/** The question comes back with its id, and no answer to it. */
const dnsAnswer = (heard: Buffer): string => {
  const message = Buffer.from(heard)
  message.writeUInt16BE(0x8180, 4)
  return message.toString('latin1')
}

/** dialogues: by what is looked at. */
export const dialogues: Readonly<Record<string, Dialogue>> = {
  tcp: {
    checker: (target) => tcp(target, { send: Buffer.from('PING'), expect: Pattern.compile('^PONG\n') }),
    turns: ['PONG\n'],
    ...listens,
  },
  http: { checker: (target) => http(target, body), turns: [answer], ...listens },
  https: {
    checker: (target, options) => http(target, { ...body, tls: options }),
    turns: [HANDSHAKE, answer],
    ...listens,
  },
  'http by HTTP/2': {
    checker: (target) => http2(target, body),
    turns: [http2Settings, http2Answer],
    ...speaks,
  },
  'https by HTTP/2': {
    checker: (target, options) => http2(target, { ...body, tls: options }),
    turns: [HANDSHAKE, http2Settings + http2Answer],
    ...listens,
  },
  tls: { checker: (target, options) => tls(target, options), turns: [HANDSHAKE], ...listens },
  dns: {
    checker: (target) => dns(target, { transport: 'tcp', name: 'example.net', type: 'A' }),
    turns: [dnsAnswer],
    ...listens,
  },
  ftp: { checker: ftp, turns: ['220 ready\r\n', '200 ok\r\n'], ...speaks },
  smtp: {
    checker: (target) => smtp(target, { hello: 'lb1' }),
    turns: ['220 mail.example ESMTP\r\n', '250-mail.example\r\n250 SIZE\r\n'],
    ...speaks,
  },
  'smtp with STARTTLS': {
    checker: (target, options) => smtp(target, { hello: 'lb1', tls: options }),
    turns: ['220 mail.example ESMTP\r\n', '250 STARTTLS\r\n', '220 go ahead\r\n', HANDSHAKE],
    ...speaks,
  },
  redis: {
    checker: (target) => redis(target, { password: 'x' }),
    turns: ['+OK\r\n', '+PONG\r\n'],
    ...listens,
  },
  postgres: {
    checker: (target) => postgres(target, { user: 'lb', password: 'x' }),
    turns: ['R\0\0\0\x08\0\0\0\x03', 'R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I'],
    ...listens,
  },
  mysql: {
    checker: (target) => mysql(target, { user: 'lb', password: 'x' }),
    turns: [mysqlGreeting, mysqlOk],
    ...speaks,
  },
  grpc: {
    checker: (target) => grpc(target, { service: '', host: 'x' }),
    turns: [http2Settings, grpcServing],
    ...speaks,
  },
  'grpc over TLS': {
    checker: (target, options) => grpc(target, { service: '', host: 'x', tls: options }),
    turns: [HANDSHAKE, http2Settings + grpcServing],
    ...listens,
  },
  agent: { checker: (target) => agent(target), turns: ['ready\n'], ...speaks },
  all: {
    checker: (target) =>
      all([
        { label: 'tcp', checker: tcp(target) },
        { label: 'http', checker: http(target, body) },
      ]),
    turns: [answer],
    ...listens,
  },
}
