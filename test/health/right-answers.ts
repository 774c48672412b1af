// What right servers of binary protocols say, as latin1 texts: for servers of tests that say it, or half of it, or it again
// and again. References: MySQL internals, "Connection Phase"; RFC 9113 4.1 and 6; RFC 7541.

const packet = (number: number, payload: string): string =>
  String.fromCharCode(payload.length, 0, 0, number) + payload

const salt = 'abcdefghijklmnopqrst'

/** mysqlGreeting: HandshakeV10. */
export const mysqlGreeting = packet(
  0,
  `\x0a8.0.36\0\x01\0\0\0${salt.slice(0, 8)}\0\xff\xff\x2d\x02\0\xff\xdf\x15${'\0'.repeat(10)}${salt.slice(8)}\0mysql_native_password\0`,
)

/** mysqlSwitch: AuthSwitchRequest. */
export const mysqlSwitch = packet(2, `\xfemysql_native_password\0${salt}\0`)

/** mysqlOk: OK_Packet. */
export const mysqlOk = packet(2, '\0\0\0\x02\0\0\0')

const frame = (type: number, flags: number, stream: number, payload: string): string =>
  String.fromCharCode(0, 0, payload.length, type, flags, 0, 0, 0, stream) + payload

/** http2Settings: the first thing that a server says. */
export const http2Settings = frame(4, 0, 0, '')

/** http2Answer: status 200, a body. */
export const http2Answer = frame(1, 4, 1, '\x88') + frame(0, 1, 1, 'well')

/** grpcServing: 200, HealthCheckResponse { status: SERVING }, grpc-status 0. */
export const grpcServing =
  frame(1, 4, 1, '\x88') + frame(0, 0, 1, '\0\0\0\0\x02\x08\x01') + frame(1, 5, 1, '\0\x0bgrpc-status\x010')
