// Mutants of the builder's types: a rule is loosened. The mistakes that must not compile (src/bpf/builder.types.test.ts)
// then do, which tsc tells: "Unused '@ts-expect-error' directive" at the mistake named.

import type { Mutant } from './run-mutant.ts'

/** TypeMutant: `allows` is the mistake's comment in builder.types.test.ts. */
export interface TypeMutant extends Omit<Mutant, 'suite'> {
  readonly allows: string
}

const file =
  (path: string) =>
  (allows: string, find: string, replace: string): TypeMutant => ({
    name: `${path} allows: ${allows}`,
    file: `src/bpf/${path}`,
    find,
    replace,
    allows,
  })
const values = file('values.ts')
const memory = file('memory-builder.ts')
const helpers = file('helper-builder.ts')

/** typeMutants: all of them; the seven typical mistakes first. */
export const typeMutants: readonly TypeMutant[] = [
  values(
    'a host-order number against a wire-order field: a missing byte swap',
    '(K extends WireKind ? never : number)',
    'number',
  ),
  values(
    'wrong width: be32 where the field is be16',
    'export interface Imm<K extends Kind = Kind> {\n  readonly [brand]?: K\n',
    'export interface Imm<K extends Kind = Kind> {\n  readonly [brand]?: Kind\n',
  ),
  memory('a key field left out', 'readonly [N in keyof F]:', 'readonly [N in keyof F]?:'),
  helpers('the wrong map for this key', 'key: Contents<K>', 'key: Contents<any>'),
  file('builder.ts')(
    'what happens to a short packet is a required argument',
    'layout: L,\n    short: Way<C>',
    'layout: L,\n    short?: Way<C>',
  ),
  helpers('what happens on a miss is a required argument', 'miss: Way<C>', 'miss?: Way<C>'),
  file('value-builder.ts')('arithmetic on a wire-order value', 'a: Val<A>, b:', 'a: Val<any>, b:'),
  values(
    'which of two wire-order values is larger: a missing byte swap',
    "export const lt = compare<HostKind>('jlt')",
    "export const lt = compare<Kind>('jlt')",
  ),
  memory(
    'storing a host-order value into a wire-order field',
    'place: Place<K>, value: Arg<NoInfer<K>>',
    'place: Place<K>, value: Arg<Kind>',
  ),
  memory(
    '6 bytes into 2',
    'copy<N extends number>(to: Place<Bytes<N>>',
    'copy<N extends number>(to: Place<any>',
  ),
  file('exit-builder.ts')('an outcome that is not counted', 'leave(way: C | Label)', 'leave(way: any)'),
  helpers('a tail call into a map of devices', "programs: ObjectMap<'prog_array'>", 'programs: ObjectMap'),
  helpers(
    'the parameters of another helper',
    'fibLookup(params: Place<typeof FibLookup>, failed',
    'fibLookup(params: Place<any>, failed',
  ),
]
