import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Content, decodeContent, encodeContent, isAt, loadContent, readContent } from './content.ts'

const main = (port: number, more = '') => `
nodes: { lb1: 192.168.8.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [192.168.8.100/24] } }
servers: { web01..3: 192.168.8.11..13 }
${more}
services: { www: { listen: ["192.168.8.100:${port}"], servers: web01..3 } }
`

function within(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'content-'))
  try {
    use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const again = (content: Content): Content => decodeContent(encodeContent(content))

test('what a content means is worked out once, also where it comes again from a disk or another node', () => {
  within((folder) => {
    const path = join(folder, 'tenbin.yaml')
    writeFileSync(path, main(80))
    const { content, desired } = readContent(path)
    assert.equal(loadContent(again(content)), desired)
    writeFileSync(path, main(81))
    const other = readContent(path)
    assert.notEqual(other.desired, desired)
    assert.equal(loadContent(again(other.content)), other.desired)
    assert.equal(loadContent(again(content)), desired)
    // messages name the folder
    assert.notEqual(loadContent({ ...again(content), folder: '/elsewhere' }), desired)
  })
})

test('a file is told by its bytes to be a content, unless it includes whatever matches a pattern', () => {
  within((folder) => {
    const [path, part] = [join(folder, 'tenbin.yaml'), join(folder, 'more.yaml')]
    writeFileSync(part, 'limits: { flows: 8192 }\n')
    for (const [include, isTold] of [
      ['', true],
      ['include: more.yaml', true],
      ['include: m*.yaml', false],
    ] as const) {
      writeFileSync(path, main(80, include))
      const { content } = readContent(path)
      assert.equal(isAt(path, content), isTold, include)
      assert.equal(isAt(path, again(content)), isTold, include)
      writeFileSync(path, `${main(80, include)}\n`)
      assert.equal(isAt(path, content), false)
    }
    writeFileSync(path, main(80, 'include: more.yaml'))
    const { content } = readContent(path)
    rmSync(part)
    assert.equal(isAt(path, content), false)
  })
})
