// What passes an interface of a node, by tcpdump. It starts when tcpdump says that it listens, and ends with a frame of
// its own (an EtherType for experiments), so that everything that passed before is in it and nothing is waited for.
// A capture from which the kernel dropped a frame is an error.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../../../src/lab/held-lab.ts'
import { SWITCH } from '../../../src/lab/topology.ts'
import { ether, packet } from '../../../src/wire/packet.ts'
import { type Read, read, send } from './frames.ts'

/** IEEE 802: "Local Experimental EtherType 1". */
const EXPERIMENTAL = 0x88b5
const DEADLINE_MS = 20_000
/** Above any frame of a lab, and small, because tcpdump's buffer has so much room for each. */
const SNAP_BYTES = 2048
/** The file's header and each record's (wiki.wireshark.org/Development/LibpcapFileFormat). */
const [FILE_HEADER, RECORD_HEADER] = [24, 16]
let captures = 0

export class Capture implements AsyncDisposable {
  readonly #lab: Lab
  readonly #endFrom: string
  readonly #child: ChildProcess
  readonly #mark: string
  /** file: a capture file, complete after stop. */
  readonly file: string
  #err = ''

  private constructor(lab: Lab, node: string, device: string, endFrom: string, words: readonly string[]) {
    this.#lab = lab
    this.#endFrom = endFrom
    const number = ++captures
    this.#mark = `end of capture ${number}, which is number ${number};`
    this.file = join(lab.directory, `${number}-${node}-${device}.pcap`)
    const options = [
      '--immediate-mode',
      '-B',
      '8192',
      '-s',
      String(SNAP_BYTES),
      '-U',
      '-w',
      this.file,
      '-Z',
      'root',
    ]
    this.#child = lab.spawn(node, ['tcpdump', '-nn', '-i', device, ...options, ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#err += text))
  }

  /** of: what passes eth0 of a node, in both directions, until a frame that `endFrom` sends to all when stopped. */
  static of(lab: Lab, node: string, endFrom = node): Promise<Capture> {
    return new Capture(lab, node, 'eth0', endFrom, []).#started()
  }

  /** into: what a node sends into the switch, as the switch sees it: with what XDP sends, which the node cannot see. */
  static into(lab: Lab, node: string): Promise<Capture> {
    return new Capture(lab, SWITCH, node, node, ['-Q', 'in']).#started()
  }

  /** soFar: the frames that tcpdump has written until now. */
  soFar(): readonly Read[] {
    return this.#frames().map(read)
  }

  /** stop: the frames that passed until now, in order, without those that end captures. */
  async stop(): Promise<readonly Read[]> {
    // From nobody's MAC, but from one: a bridge drops frames without.
    const link = { destination: 'ff:ff:ff:ff:ff:ff', source: '02:00:00:00:00:ff', type: EXPERIMENTAL }
    const end = packet(ether(link), this.#mark)
    send(this.#lab, this.#endFrom, [end])
    await this.#until(() => readFileSync(this.file).includes(this.#mark), 'the last frame')
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGINT')
    await closed
    if (!/^0 packets dropped by kernel$/m.test(this.#err)) throw new Error(this.#err)
    return this.#frames()
      .map(read)
      .filter((frame) => frame.ether.type !== EXPERIMENTAL)
  }

  /** Dispose: tcpdump is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }

  async #started(): Promise<Capture> {
    await this.#until(() => this.#err.includes('listening on'), 'the start')
    return this
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    for (const deadline = Date.now() + DEADLINE_MS; !condition(); await delay(5)) {
      if (Date.now() < deadline && this.#child.exitCode === null) continue
      throw new Error(`tcpdump: no sign of ${what}: ${this.#err}`)
    }
  }

  #frames(): Uint8Array[] {
    const bytes = readFileSync(this.file)
    const frames: Uint8Array[] = []
    // While it is written the last one may not be whole.
    for (let at = FILE_HEADER; at + RECORD_HEADER <= bytes.length; ) {
      const start = at + RECORD_HEADER
      at = start + bytes.readUInt32LE(at + 8)
      if (at <= bytes.length) frames.push(bytes.subarray(start, at))
    }
    return frames
  }
}
