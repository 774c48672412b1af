// Mutants of the recorder: what is kept of a packet, of which, how often, and by whom a record is completed.

import { inFile, type Mutant } from './run-mutant.ts'

const record = inFile('src/dataplane/path-record.ts', 'recorder')
const path = inFile('src/dataplane/packet-path.ts', 'recorder')
const forward = inFile('src/dataplane/path-forward.ts', 'recorder')
const layout = inFile('src/dataplane/record.ts', 'recorder')
const read = inFile('src/dataplane/record-read.ts', 'recorder')
/** What is left out is not done. */
const removed = ''

/** recorderMutants: all of them. */
export const recorderMutants: readonly Mutant[] = [
  record(
    'what a rule matches is recorded without end',
    "    p.jumpIf(ge(next, p.alu('add', now, p.unstash(kept))), none)\n",
    removed,
  ),
  record(
    'a window counts nothing',
    "p.store(p.unstashPlace(spent), p.alu('add', next, 1))",
    'p.store(p.unstashPlace(spent), next)',
  ),
  record('a window counts on from the one before', '    p.set(next, now)\n', removed),
  record('a window begins anew with each packet', '    p.jumpIf(gt(next, now), same)\n', removed),
  record(
    'a SYN with ACK is new',
    "p.jumpIf(eq(p.alu('and', p.load(flags), TCP_SYN | TCP_ACK), TCP_SYN), syn)",
    "p.jumpIf(eq(p.alu('and', p.load(flags), TCP_SYN), TCP_SYN), syn)",
  ),
  record(
    'a datagram has flags',
    '  if (isMixed(shape)) p.jumpIf(eq(protocol(), IPPROTO_UDP), datagram)\n',
    removed,
  ),
  record('what belongs to a flow has flags', 'operand: WHERE.peek | WHERE.udp', 'operand: WHERE.udp'),
  record(
    'a SYN that finds no room is taken for one',
    "  put(p, where!, p.alu('or', take(p, where!) as Val<'u64'>, WHERE.unkept))\n",
    removed,
  ),
  record(
    'a challenge is a packet that goes on',
    "    if (recording.memory.defence?.proven) p.jumpIf(eq(left.index, outcomeNames.indexOf('challenged')), done)\n",
    removed,
  ),
  record('what is passed is recorded', '  p.jumpIf(eq(verdict, VERDICT.pass), done)\n', removed),
  record('what is sent is dropped', '  p.jumpIf(ne(verdict, VERDICT.drop), sent)\n', removed),
  record('a record stays pending', '    p.store(state.pending, 0)\n', removed),
  record('the next record is the last one', '    p.store(written, number)\n', removed),
  record('a record has no number', '    p.storeLow(record.sequence, number)\n', removed),
  record('a record has no outcome', '    p.storeLow(record.outcome, p.unstash(kept.outcome))\n', removed),
  record('a record has no server', '    p.storeLow(record.server, p.unstash(kept.server))\n', removed),
  record('a record has no length', '    p.storeLow(rest.length, p.unstash(length))\n', removed),
  record('a record has no kind', '    p.storeLow(rest.kind, p.unstash(kind))\n', removed),
  record('a record has no interface', '    p.store(rest.interface, shape.own)\n', removed),
  record('short frames are kept whole', '    p.set(captured, part)\n', removed),
  record(
    'length is that of the first buffer',
    "const all = shape.jumbo ? p.call('xdp_get_buff_len', p.ctx) : undefined",
    "const all = undefined as Val<'u64'> | undefined",
  ),
  path(
    'SYNs of the slow path are not recorded before they are changed',
    '    if (recording && kept) recordSlow(p, recording, behind, kept)\n',
    removed,
  ),
  path(
    'nothing is recorded of other ways out',
    '    if (recording && leaving) recordLeft(p, recording, counters, leaving, { index, code })\n',
    removed,
  ),
  path(
    'bytes are lost while a SYN is recorded',
    '    move(p, straight.bytes, behind.bytes)\n    move(p, straight.hash, behind.hash)\n    p.bind(syns.stack)',
    '    move(p, straight.hash, behind.hash)\n    p.bind(syns.stack)',
  ),
  forward(
    'nothing is recorded of what is forwarded',
    '  if (!recording || !full || !context) return\n',
    '  if (full !== undefined || !recording || !full || !context) return\n',
  ),
  layout(
    'windows have half of what a ring holds in a minute',
    'const eighth = (perJiffy * 2 ** shift) / 8',
    'const eighth = (perJiffy * 2 ** shift) / 4',
  ),
  read('a SYN’s TTL is what it was after it had been counted', '  if (isCounted) countHop(frame)\n', removed),
  read('its checksum is not', '  frame[ip + 10] = sum >> 8\n', removed),
]
