// The program that runs inside another kernel: what the kernel can do, every golden program through its verifier, every
// construct of the builder, every vector and story as that kernel runs them. It reports and does not judge; the host's test does.

import { deepStrictEqual } from 'node:assert'
import { release } from 'node:os'
import type { Built } from '../../src/bpf/xdp.ts'
import { layoutOf } from '../../src/dataplane/fill.ts'
import { fixedKeys, goldenShapes } from '../../src/dataplane/golden-shapes.ts'
import { packetProgram } from '../../src/dataplane/packet-path.ts'
import { turnOut } from '../../src/dataplane/turn-out.ts'
import { type FixtureName, fixtures } from '../../src/dataplane/vectors/fixtures.ts'
import { flowFixtures } from '../../src/dataplane/vectors/flow-fixtures.ts'
import { flowStories } from '../../src/dataplane/vectors/flow-stories.ts'
import { natFixtures } from '../../src/dataplane/vectors/nat-fixtures.ts'
import { asksRoutes, natStories } from '../../src/dataplane/vectors/nat-stories.ts'
import { expectedOf as expectedOfNat, tellNat } from '../../src/dataplane/vectors/nat-story.ts'
import { sequences } from '../../src/dataplane/vectors/sequences.ts'
import { expectedOf } from '../../src/dataplane/vectors/story.ts'
import { tell } from '../../src/dataplane/vectors/tell.ts'
import { vectors } from '../../src/dataplane/vectors/vectors.ts'
import { BpfMap } from '../../src/kernel/map.ts'
import { probeAll } from '../../src/kernel/probe.ts'
import { BPF_F_ANY_ALIGNMENT, loadProgram } from '../../src/kernel/program.ts'
import { Kernel } from '../constructs/construct.ts'
import { constructs } from '../constructs/constructs.ts'
import { KernelPath } from '../path/kernel-path.ts'
import { runSequence } from '../path/run-sequence.ts'
import type { GuestReport, Tried } from './report.ts'
import { writeResult } from './result.ts'

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Loaded with maps of the right size and nothing in them: the verifier does not look inside. */
function load([name, build]: readonly [string, () => Built]): GuestReport['golden'][number] {
  const maps = new Map<string, BpfMap>()
  try {
    const { spec } = build()
    for (const map of spec.maps) maps.set(map.name, BpfMap.create(map))
    const { program, loadMs } = loadProgram({ ...spec, flags: spec.flags | BPF_F_ANY_ALIGNMENT }, maps)
    using owned = program
    return { name, loadMs, instructions: owned.info.instructions, jitedBytes: owned.info.jitedBytes }
  } catch (error) {
    return { name, refused: words(error) }
  } finally {
    for (const map of maps.values()) map[Symbol.dispose]()
  }
}

function runVectors(): Tried {
  const paths = new Map<FixtureName, KernelPath>()
  const failed: { name: string; why: string }[] = []
  let passed = 0
  let now = 0
  for (const { name, fixture, frame, expected, modelOnly } of vectors) {
    if (modelOnly !== undefined) continue
    try {
      const path = paths.get(fixture) ?? new KernelPath(fixtures[fixture], { anyAlignment: true })
      paths.set(fixture, path)
      now += 512
      path.setJiffies(BigInt(now))
      path.forgetFragments()
      deepStrictEqual(path.run(frame), { ...expected, frame: new Uint8Array(expected.frame) })
      passed++
    } catch (error) {
      failed.push({ name, why: words(error) })
    }
  }
  for (const path of paths.values()) path[Symbol.dispose]()
  return { passed, failed }
}

/** Stories of flows and of nat, each told to the path of its fixture. */
function runStories(): Tried {
  const paths = new Map<string, KernelPath>()
  const failed: { name: string; why: string }[] = []
  let passed = 0
  const all = { ...flowFixtures, ...natFixtures }
  const told = [
    ...flowStories.map((story) => ({
      story,
      run: (path: KernelPath) => deepStrictEqual(tell(path, story), expectedOf(story)),
    })),
    ...natStories
      .filter((story) => !asksRoutes(story))
      .map((story) => ({
        story,
        run: (path: KernelPath) => deepStrictEqual(tellNat(path, story), expectedOfNat(story)),
      })),
  ]
  for (const { story, run } of told) {
    try {
      const path = paths.get(story.fixture) ?? new KernelPath(all[story.fixture], { anyAlignment: true })
      paths.set(story.fixture, path)
      run(path)
      passed++
    } catch (error) {
      failed.push({ name: story.name, why: words(error) })
    }
  }
  for (const path of paths.values()) path[Symbol.dispose]()
  return { passed, failed }
}

function runSequences(): Tried {
  const failed: { name: string; why: string }[] = []
  for (const sequence of sequences) {
    try {
      using path = new KernelPath(fixtures[sequence.fixture], { anyAlignment: true })
      runSequence(path, sequence)
    } catch (error) {
      failed.push({ name: sequence.name, why: words(error) })
    }
  }
  return { passed: sequences.length - failed.length, failed }
}

function runConstructs(): Tried {
  const failed: { name: string; why: string }[] = []
  for (const { name, run } of constructs) {
    try {
      using kernel = new Kernel({ anyAlignment: true })
      run(kernel)
    } catch (error) {
      failed.push({ name, why: words(error) })
    }
  }
  return { passed: constructs.length - failed.length, failed }
}

const golden = Object.entries(goldenShapes).map(
  ([name, shape]) => [name, () => packetProgram(shape, layoutOf(shape, fixedKeys()).memory)] as const,
)
const missing = Object.entries(probeAll()).flatMap(([feature, probe]) => (probe.ok ? [] : [feature]))
writeResult({
  kernel: release(),
  missing,
  golden: [...golden, ['turn-out', () => turnOut(9)] as const].map(load),
  constructs: runConstructs(),
  vectors: runVectors(),
  stories: runStories(),
  sequences: runSequences(),
} satisfies GuestReport)
