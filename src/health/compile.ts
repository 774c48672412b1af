// From a check of the file to a checker of one server: patterns compiled, files read (again when they have changed),
// addresses put in. What cannot be made now (a password's file that is gone, a user that this machine does not know)
// becomes a checker that says so and finds nothing out, so that a file that was removed takes no server down.

import { readFileSync } from 'node:fs'
import { formatIp, type Ip, isIp4, parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { Pattern } from '../base/pattern.ts'
import type { CheckSpec, Payload, SingleProbe, TlsProbe } from '../config/check-spec.ts'
import { filesOf, stampOf } from './check-files.ts'
import type { Checker, Target } from './checker.ts'
import { agent } from './checkers/agent.ts'
import { all, any } from './checkers/combined.ts'
import { dns } from './checkers/dns.ts'
import { ftp } from './checkers/ftp.ts'
import { grpc } from './checkers/grpc.ts'
import { http } from './checkers/http.ts'
import { http2 } from './checkers/http2.ts'
import { mysql } from './checkers/mysql.ts'
import { ping } from './checkers/ping.ts'
import { postgres } from './checkers/postgres.ts'
import { redis } from './checkers/redis.ts'
import { script } from './checkers/script.ts'
import { smtp } from './checkers/smtp.ts'
import { tcp } from './checkers/tcp.ts'
import { tls } from './checkers/tls.ts'
import { udp } from './checkers/udp.ts'
import type { TlsOptions } from './tls-channel.ts'
import { lookUpUser } from './user.ts'

type Asked = Omit<CheckSpec, 'rhythm' | 'observe'>

/**
 * compileCheck: `address` and `port` are the server's; the check's own come first. `through`: the service address that it goes to. Files that it names count as they are
 * at the time of each look. Never throws TenbinError.
 */
export function compileCheck(check: Asked, address: Ip, port: number, through?: Ip): Checker {
  const files = filesOf(check.probe)
  if (files.length === 0) return compiled(check, address, port, through)
  let stamp: string | undefined
  let checker: Checker
  return (look) => {
    const now = stampOf(files)
    if (now !== stamp) {
      checker = compiled(check, address, port, through)
      stamp = now
    }
    return checker(look)
  }
}

/** compiled: with its files as they are now. */
function compiled(check: Asked, address: Ip, port: number, through: Ip | undefined): Checker {
  try {
    const target: Target = {
      address: through ?? (check.address === undefined ? address : parseIp(check.address)),
      ...(through !== undefined && { server: address }),
      port: check.port ?? port,
      ...(check.source !== undefined && { source: parseIp(check.source) }),
      ...(check.mark !== undefined && { mark: check.mark }),
      ...(check.interface !== undefined && { interface: check.interface }),
    }
    const { probe } = check
    if (!('of' in probe)) return compileProbe(probe, target)
    const parts = probe.of.map((part) => ({
      label: part.probe.kind,
      checker: compileProbe(part.probe, part.port === undefined ? target : { ...target, port: part.port }),
    }))
    return probe.kind === 'all' ? all(parts) : any(parts)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    const text = error.detail ?? error.message
    return async () => ({ outcome: 'none', text })
  }
}

function compileProbe(probe: SingleProbe, target: Target): Checker {
  switch (probe.kind) {
    case 'tcp':
      return tcp(target, { ...sent(probe), ...expected(probe) })
    case 'udp':
      return udp(target, { send: bytesOf(probe.send), ...expected(probe) })
    case 'http': {
      const { kind: _, version, host = authority(target), body, digest, tls: secure, ...rest } = probe
      return (version === '2' ? http2 : http)(target, {
        ...rest,
        host,
        ...(body !== undefined && { body: Pattern.compile(body) }),
        ...(digest !== undefined && { digest }),
        ...(secure && { tls: tlsOptions(secure) }),
      })
    }
    case 'tls': {
      const { kind: _, ...options } = probe
      return tls(target, tlsOptions(options))
    }
    case 'dns':
      return dns(target, probe)
    case 'smtp':
      return smtp(target, { hello: probe.hello, ...(probe.tls && { tls: tlsOptions(probe.tls) }) })
    case 'redis':
      return redis(target, login(probe))
    case 'mysql':
      return mysql(target, login(probe))
    case 'postgres':
      return postgres(target, {
        ...login(probe),
        user: probe.user,
        ...(probe.database !== undefined && { database: probe.database }),
      })
    case 'grpc':
      return grpc(target, {
        service: probe.service,
        host: probe.host ?? authority(target),
        ...(probe.tls && { tls: tlsOptions(probe.tls) }),
      })
    case 'agent':
      return agent(target, sent(probe))
    case 'script': {
      const { command, isDynamic, user } = probe
      return script(target, { command, isDynamic, ...lookUpUser(user) })
    }
    case 'ping':
      return ping(target)
    case 'ftp':
      return ftp(target)
    default:
      return probe satisfies never
  }
}

const bytesOf = (payload: Payload): Buffer =>
  'hex' in payload ? Buffer.from(payload.hex, 'hex') : Buffer.from(payload.text)
const sent = ({ send }: { readonly send?: Payload | undefined }) => (send ? { send: bytesOf(send) } : {})
const expected = ({ expect }: { readonly expect?: string | undefined }) =>
  expect === undefined ? {} : { expect: Pattern.compile(expect) }

function login({
  user,
  passwordFile,
}: {
  readonly user?: string | undefined
  readonly passwordFile?: string | undefined
}) {
  return {
    ...(user !== undefined && { user }),
    // An editor ends a file with a newline, which is no part of a password.
    ...(passwordFile !== undefined && { password: readText(passwordFile).replace(/\r?\n$/, '') }),
  }
}

function tlsOptions({ name, verify, caFile, days }: TlsProbe): TlsOptions {
  return {
    verify,
    ...(name !== undefined && { name }),
    ...(caFile !== undefined && { ca: readText(caFile) }),
    ...(days !== undefined && { days }),
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TenbinError('CHECK_FAILED', 'read file of a check', {
      cause: error,
      detail: `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`,
    })
  }
}

const authority = ({ address, port }: Target): string =>
  `${isIp4(address) ? formatIp(address) : `[${formatIp(address)}]`}:${port}`
