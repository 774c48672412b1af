import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { SyscallError } from '../sys/syscall.ts'
import { textAttribute } from './attributes.ts'
import { Connection, type Transport } from './connection.ts'
import { decodeMessages, encodeMessage, type NetlinkMessage } from './message.ts'
import { NetlinkError } from './netlink.ts'
import { readBatch } from './subscription.ts'

const payload = Buffer.from('data')
const data = (sequence: number, flags = 2): Buffer =>
  encodeMessage({ type: 28, flags, sequence, port: 0, payload })
const done = (sequence: number, flags = 2): Buffer =>
  encodeMessage({ type: 3, flags, sequence, port: 0, payload: Buffer.alloc(4) })
const acknowledgement = (sequence: number, errno: number, words?: string): Buffer => {
  const body = Buffer.alloc(20)
  body.writeInt32LE(-errno, 0)
  body.writeUInt32LE(16, 4)
  const tlvs = words === undefined ? Buffer.alloc(0) : textAttribute(1, words)
  return encodeMessage({
    type: 2,
    flags: words ? 0x300 : 0x100,
    sequence,
    port: 0,
    payload: Buffer.concat([body, tlvs]),
  })
}

/** A kernel that answers each request by the next script; a script gets the request's sequence number. */
class ScriptedTransport implements Transport {
  readonly requests: NetlinkMessage[] = []
  readonly #scripts: ((sequence: number) => Buffer[])[]
  queue: Buffer[] = []
  drained = 0

  constructor(...scripts: ((sequence: number) => Buffer[])[]) {
    this.#scripts = scripts
  }
  send(datagram: Buffer): void {
    const [request] = decodeMessages(datagram)
    this.requests.push(request!)
    this.queue.push(...this.#scripts.shift()!(request!.sequence))
  }
  receive(): Buffer | undefined {
    return this.queue.shift()
  }
  drain(): void {
    this.queue = []
    this.drained++
  }
  [Symbol.dispose](): void {}
}

const code = (code: string) => (error: unknown) => error instanceof TenbinError && error.code === code

test('a request returns the answers before its acknowledgement, and asks for one', () => {
  const kernel = new ScriptedTransport((n) => [Buffer.concat([data(n), acknowledgement(n, 0)])])
  const answers = new Connection(kernel).request('ask', 30, 0x400, Buffer.from('question'))
  assert.deepEqual(
    answers.map((answer) => answer.payload.toString()),
    ['data'],
  )
  assert.equal(kernel.requests[0]!.flags, 0x405)
  assert.equal(kernel.requests[0]!.payload.toString(), 'question')
})

test('a refusal names the operation, the errno and what the kernel says', () => {
  const kernel = new ScriptedTransport(
    (n) => [acknowledgement(n, 17, 'Address already assigned')],
    (n) => [acknowledgement(n, 19)],
  )
  const connection = new Connection(kernel)
  assert.throws(
    () => connection.request('add address 192.0.2.1/24', 20, 0, payload),
    (error) =>
      error instanceof NetlinkError &&
      error.code === 'SYSCALL_FAILED' &&
      error.errno === 'EEXIST' &&
      error.kernelMessage === 'Address already assigned' &&
      error.message === 'add address 192.0.2.1/24: EEXIST: Address already assigned',
  )
  assert.throws(
    () => connection.request('look up', 18, 0, payload),
    (error) => error instanceof NetlinkError && error.errno === 'ENODEV' && error.kernelMessage === undefined,
  )
  assert.equal(kernel.drained, 0)
})

test('answers to an older request are skipped', () => {
  const kernel = new ScriptedTransport((n) => [
    data(n - 1),
    acknowledgement(n - 1, 1),
    data(n),
    acknowledgement(n, 0),
  ])
  assert.equal(new Connection(kernel).request('ask', 30, 0, payload).length, 1)
})

test('a dump is all its parts, in however many datagrams', () => {
  const kernel = new ScriptedTransport((n) => [Buffer.concat([data(n), data(n)]), data(n), done(n)])
  assert.equal(new Connection(kernel).dump('list', 30, payload).length, 3)
  assert.equal(kernel.requests[0]!.flags, 0x301)
})

test('a dump during which the table changed is read again, and only the last reading counts', () => {
  const kernel = new ScriptedTransport(
    (n) => [data(n), data(n, 0x12), done(n, 0x12)],
    (n) => [data(n), done(n, 0x12)],
    (n) => [data(n), done(n)],
  )
  assert.equal(new Connection(kernel).dump('list', 30, payload).length, 1)
  assert.equal(kernel.requests.length, 3)
})

test('a table that changes at every reading is given up', () => {
  const kernel = new ScriptedTransport(...Array(10).fill((n: number) => [data(n), done(n, 0x12)]))
  assert.throws(() => new Connection(kernel).dump('list', 30, payload), code('NETLINK_DUMP_CHANGED'))
})

test('silence is a time-out, and what comes late is thrown away before the next request', () => {
  const kernel = new ScriptedTransport(
    (n) => [data(n)],
    (n) => [data(n), done(n)],
  )
  const connection = new Connection(kernel)
  assert.throws(() => connection.dump('list', 30, payload), code('NETLINK_TIMEOUT'))
  kernel.queue.push(done(1))
  assert.equal(connection.dump('list', 30, payload).length, 1)
  assert.equal(kernel.drained, 1)
})

test('an answer that cannot be read is an error, and the rest of it is thrown away', () => {
  const kernel = new ScriptedTransport(
    () => [Buffer.alloc(7), Buffer.alloc(9)],
    (n) => [acknowledgement(n, 0)],
  )
  const connection = new Connection(kernel)
  assert.throws(() => connection.request('ask', 30, 0, payload), code('NETLINK_MALFORMED'))
  assert.deepEqual(connection.request('ask', 30, 0, payload), [])
  assert.equal(kernel.drained, 1)
})

test('lost notifications become a resync in their place in the batch', () => {
  const overflow = new SyscallError('recvfrom', 105)
  const script: (Buffer | SyscallError)[] = [data(0), overflow, data(0)]
  const events = readBatch(() => {
    const next = script.shift()
    if (next instanceof SyscallError) throw next
    return next
  })
  // The payload is no neighbour message: each data message asks for a resync as well.
  assert.deepEqual(
    events.map((event) => event.kind),
    ['resync', 'resync', 'resync'],
  )
  assert.match((events[1] as { why: string }).why, /more to tell than its queue holds/)
  assert.throws(
    () =>
      readBatch(() => {
        throw new SyscallError('recvfrom', 9)
      }),
    code('SYSCALL_FAILED'),
  )
})
