// Captures of one node kept by the others as they happen: a node without a disk may lose its own at the next boot. Each message
// is a piece of a pcapng file that can be read alone, so that one that is lost or comes twice leaves a file that can be read.
// Who receives writes by its own bounds, and may refuse; what a node has sent that has left the cluster since stays until
// another one begins a capture.
//
//   message: length of the head (16 bits, big-endian) | head, JSON: { name } | bytes

import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import type { Peers } from '../cluster/peers.ts'
import { CaptureFile, isCaptureName } from './evidence-files.ts'

/** PATH: where messages go. */
export const EVIDENCE_PATH = 'evidence'
/** MESSAGE_MAX: bytes of one. */
export const MESSAGE_MAX = 320 * 1024
const HEAD_MAX = 512
const TIMEOUT_MS = 5_000
const headSchema = z.strictObject({ name: z.string().refine(isCaptureName) })

/** sendEvidence: a piece of a capture to another node. Throws what requests to it throw. */
export async function sendEvidence(
  peers: Peers,
  node: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const head = Buffer.from(JSON.stringify({ name }))
  const length = Buffer.alloc(2)
  length.writeUInt16BE(head.length)
  await peers.request(node, EVIDENCE_PATH, Buffer.concat([length, head, bytes]), TIMEOUT_MS)
}

/** Receiving: where what other nodes send is kept: `folderBytes` 0: nowhere. */
export interface Receiving {
  readonly peers: Peers
  readonly folder: string
  readonly folderBytes: () => number
}

/** receiveEvidence of other nodes, each in a folder of its own, until disposed. */
export function receiveEvidence({ peers, folder, folderBytes }: Receiving): Disposable {
  const isNode = (wanted: string) => peers.nodes().some(({ name }) => name === wanted)
  const files = new Map<string, { readonly name: string; readonly file: CaptureFile }>()
  return peers.handle(
    EVIDENCE_PATH,
    async (from, body) => {
      const { name, bytes } = readMessage(from, body)
      const each = folderBytes() / Math.max(1, peers.nodes().length)
      if (each === 0) throw refused(from, 'captures are not kept here')
      const known = files.get(from)
      const isNew = known?.name !== name
      const file = isNew ? new CaptureFile(join(folder, from), name, each) : known.file
      files.set(from, { name, file })
      const isKept = await file.append(bytes).catch((cause: NodeJS.ErrnoException) => {
        throw refused(from, cause.code ?? cause.message)
      })
      if (isNew)
        for (const node of await forgetOthers(folder, (name) => name === from || isNode(name)))
          files.delete(node)
      if (!isKept) throw refused(from, 'it has had its part of the disk')
      return new Uint8Array()
    },
    { maxBytes: MESSAGE_MAX + HEAD_MAX },
  )
}

/** forgetOthers than nodes, and say who they were: the room that theirs take is shared out among these. */
async function forgetOthers(folder: string, isNode: (name: string) => boolean): Promise<readonly string[]> {
  const left = (await readdir(folder).catch(() => [])).filter((name) => !isNode(name))
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true }).catch(() => undefined)))
  return left
}

const refused = (from: string, detail: string): TenbinError =>
  new TenbinError('EVIDENCE_UNWRITABLE', `keep a capture of ${from}`, { detail })

function readMessage(from: string, body: Uint8Array): { readonly name: string; readonly bytes: Buffer } {
  const message = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  try {
    const length = message.readUInt16BE(0)
    if (2 + length > message.length) throw new RangeError('its head is longer than it')
    const { name } = headSchema.parse(JSON.parse(message.subarray(2, 2 + length).toString('utf8')))
    return { name, bytes: message.subarray(2 + length) }
  } catch (cause) {
    throw new TenbinError('PEER_REQUEST', `${EVIDENCE_PATH} from ${from}`, {
      detail: 'it is no piece of a capture',
      cause,
    })
  }
}
