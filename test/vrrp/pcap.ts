// Capture files of frames made here, for other people's dissectors (wiki.wireshark.org/Development/LibpcapFileFormat):
// little-endian, microseconds, Ethernet. The n-th frame came in the n-th second.

const MAGIC = 0xa1b2c3d4
const LINKTYPE_ETHERNET = 1
const SNAP_BYTES = 65_535

/** pcap: the file's bytes. */
export function pcap(frames: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(SNAP_BYTES, 16)
  header.writeUInt32LE(LINKTYPE_ETHERNET, 20)
  const records = frames.flatMap((frame, index) => {
    const record = Buffer.alloc(16)
    record.writeUInt32LE(index, 0)
    record.writeUInt32LE(frame.length, 8)
    record.writeUInt32LE(frame.length, 12)
    return [record, frame]
  })
  return Buffer.concat([header, ...records])
}
