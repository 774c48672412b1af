// Mutants of the builder: what it guarantees is no longer so. The first of them are the seven typical mistakes of a
// program that the builder stops, as far as it does so when it builds (type-mutants.ts: when tsc checks).

import { inFile, type Mutant } from './run-mutant.ts'

const file = (path: string, suite: Mutant['suite']) => inFile(`src/bpf/${path}`, suite)
const memoryBuilt = file('memory-builder.ts', 'builder')
const memoryRun = file('memory-builder.ts', 'constructs')
const values = file('value-builder.ts', 'builder')
const valuesRun = file('value-builder.ts', 'constructs')
const helpers = file('helper-builder.ts', 'constructs')
const packets = file('builder.ts', 'constructs')
const allocator = file('allocate.ts', 'allocate')
const simplifier = file('simplify.ts', 'simplify')

const mistakes: readonly Mutant[] = [
  valuesRun(
    'a byte swap that is asked for is not done',
    '    this.push(swap(out.reg, width === 2 ? 16 : 32), line)\n',
    '',
  ),
  memoryRun(
    'every load is of 32 bits',
    'this.push(load(KIND_BYTES[place.type] as Width, out.reg',
    'this.push(load(4, out.reg',
  ),
  file('emitter.ts', 'builder')(
    'a constant may be wider than its place',
    'invariant(imm >= 0 && imm <= maxOf(kind),',
    'invariant(true,',
  ),
  file('types.ts', 'builder')(
    'a key may have bytes that no field covers',
    '      made.offsets[field as keyof F] % alignOf(type) === 0,\n',
    '      true,\n',
  ),
  memoryRun(
    'fetchAdd gives what it added',
    'this.push(atomicFetchAdd(atomicWidth(place), reg, offset, out.reg), line)',
    'this.push(atomicAdd(atomicWidth(place), reg, offset, out.reg), line)',
  ),
  memoryRun('zeros of a struct on the stack stay unwritten', 'at < sizeOf(field.type); at++', 'at < 0; at++'),
  file('xdp.ts', 'builder')(
    'two maps may have one name',
    '!maps.has(map.name) || maps.get(map.name) === map',
    'true',
  ),
  packets(
    'the bounds check is left out',
    "    this.exitIf({ op: 'jgt', reg: last.reg, operand: { reg: end.reg }, bits: 64 }, short)\n",
    '',
  ),
  packets(
    'the bounds check covers one byte less',
    'this.advance(from, total)',
    'this.advance(from, total - 1)',
  ),
  helpers(
    'the null check is left out',
    "    this.exitIf({ op: 'jeq', reg: value.reg, operand: 0, bits: 64 }, miss)\n",
    '',
  ),
  memoryBuilt('an index may be one too large', 'index.max < count,', 'index.max <= count,'),
  memoryBuilt(
    'a constant index may be one too large',
    'index >= 0 && index < count',
    'index >= 0 && index <= count',
  ),
]

const rules: readonly Mutant[] = [
  memoryBuilt('places live on when the packet is adjusted', 'epoch !== this.epoch', 'false'),
  memoryBuilt('places live on when their pointer is set', 'last && last.count !== sets', 'last && false'),
  file('helper-builder.ts', 'builder')(
    'a function that adjusts the packet voids nothing',
    'if (target.adjustsPacket) this.adjusted(line)',
    '',
  ),
  file('emitter.ts', 'builder')(
    'what is made of a variable shares its register',
    'if (!value.mutable) return',
    'if (value.reg) return',
  ),
  file('emitter.ts', 'constructs')(
    'what is made of a variable changes with it',
    'if (!value.mutable) return',
    'if (value.reg) return',
  ),
  file('xdp.ts', 'builder')(
    'a variable may be read where it was not set',
    'invariant(unset.length === 0,',
    'invariant(true,',
  ),
  file('assigned.ts', 'builder')(
    'what is set in cold code is set behind it',
    'state = item.cold ? undefined : outside.pop()',
    'outside.pop()',
  ),
  file('exit-builder.ts', 'builder')(
    'a way out need not be counted',
    '    invariant(!this.#outcomes, `',
    '    invariant(true, `',
  ),
  file('exit-builder.ts', 'constructs')(
    'every outcome has the first one’s counter',
    'const known = codeOf(names.indexOf(outcome),',
    'const known = codeOf(0,',
  ),
  file('layout.ts', 'builder')(
    'cold code may fall through',
    'invariant(leaves(open.pop()!.at(-1)),',
    'open.pop(), invariant(true,',
  ),
  file('layout.ts', 'builder')(
    'cold code stays where it was written',
    'regions.push(region)\n      open.push(region)',
    'open.push(open[0]!)',
  ),
  values(
    'a sum is no larger than its first part',
    'add: y < 0 ? limit : a.max + y',
    'add: y < 0 ? limit : a.max',
  ),
  values(
    'a product with a negative factor is small',
    'mul: y < 0 ? limit : a.max * y',
    'mul: a.max * Math.abs(y)',
  ),
  values('a shift may lead out of the register', '!isShift || isVal(b) || (y >= 0 && y < bits),', 'true,'),
  valuesRun('scale yields an index one too large', 'n), 32)\n', 'n), 31)\n'),
  valuesRun(
    'arithmetic of 64 bits is of 32',
    "const bits = kind === 'u64' ? 64 : 32",
    'const bits = 32 as 32 | 64',
  ),
  file('values.ts', 'constructs')(
    'comparisons of 64 bits are of 32',
    'const bits = KIND_BYTES[a.kind] === 8 ? 64 : 32',
    'const bits = 32 as 32 | 64',
  ),
  memoryRun('copies to the stack need not be aligned', 'side.reg !== FP ||', 'true ||'),
  memoryRun(
    'a place is reached however far it is',
    'if (Math.abs(offset) + span <= INT16)',
    'if (Math.abs(offset) <= 70_000)',
  ),
  memoryRun(
    'increment adds to what was there last time',
    "this.aluInto('add', sum,",
    "this.aluInto('mov', sum,",
  ),
]

const machine: readonly Mutant[] = [
  allocator('a value that lives over a call may be in r1', '    if (isCall(item)) found |= live\n', ''),
  allocator(
    'arguments that change places overwrite each other',
    "    out.push(alu('mov', 0, { reg: source }, 64))\n",
    '',
  ),
  allocator(
    'a register is free before its last use',
    'if (interval) interval.last = at',
    'if (interval) interval.last = Math.max(interval.first, at - 1)',
  ),
  allocator(
    'what was there before a loop ends with its last use in it',
    'interval.last < end) interval.last = end',
    'interval.last < end) interval.last = interval.last',
  ),
  file('allocate.ts', 'loop')(
    'what only the next round of a loop reads is dropped',
    'if (born.get(reg)! < begin) read.add(reg)',
    'if (born.get(reg)! > at) read.add(reg)',
  ),
  allocator(
    'what a call answers is left in r0',
    '    if (reg(call.result) !== 0) out.push(',
    '    if (false) out.push(',
  ),
  allocator(
    'a value nobody seems to need is dropped',
    'writes.every((reg) => !read.has(reg))',
    'writes.some((reg) => reg % 3 === 0)',
  ),
]

const moves: readonly Mutant[] = [
  simplifier('a copy follows what it was made of', 'write > at && write < last', 'write < at'),
  simplifier('a copy is none in the next round of a loop', '|| isChanged || isLooped)', '|| isChanged)'),
  simplifier(
    'a lower half is as good as all',
    'reads.every((at) => readsLow(items, at, item.dst))',
    'reads.length > 0',
  ),
  simplifier(
    'a variable is computed in while it is looked at',
    'if (!isAlone || isTouched ||',
    'if (!isAlone ||',
  ),
  simplifier(
    'a value that is read again is lost to a variable',
    '&& source.reads.at(-1) === at &&',
    '&& source.reads.includes(at) &&',
  ),
  simplifier(
    'a variable is computed in on one of two ways',
    '!out.slice(first, at).every(isStraight))',
    'false)',
  ),
]

/** builderMutants: all of them. */
export const builderMutants: readonly Mutant[] = [...mistakes, ...rules, ...machine, ...moves]
