// An initramfs: the "newc" form of cpio, as the kernel unpacks it. Files and folders of root, nothing else.
// Reference: Documentation/driver-api/early-userspace/buffer-format.rst.

/** CpioEntry: `path` without a leading slash; without `content` it is a folder. */
export interface CpioEntry {
  readonly path: string
  readonly content?: Uint8Array
  readonly executable?: boolean
}

const FOLDER = 0o040755
const FILE = 0o100644
const EXECUTABLE = 0o100755

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])

function record(inode: number, path: string, mode: number, content: Uint8Array): Buffer {
  const name = Buffer.from(`${path}\0`)
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0]
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(Buffer.from(content))])
}

/** cpio: the archive's bytes; folders that entries are in come first, by themselves. */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const all = new Map<string, CpioEntry>()
  for (const entry of entries) {
    const parts = entry.path.split('/')
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/')
      if (!all.has(path)) all.set(path, { path })
    }
    all.set(entry.path, entry)
  }
  const records = [...all.values()].map(({ path, content, executable }, index) =>
    record(index + 1, path, content ? (executable ? EXECUTABLE : FILE) : FOLDER, content ?? Buffer.alloc(0)),
  )
  return Buffer.concat([...records, record(0, 'TRAILER!!!', 0, Buffer.alloc(0))])
}
