// The drawing of a lab's network: clients on top, the switch, and below it the nodes with their addresses. More nodes
// than fit are cut in their middle. Pure text.

import type { Paint } from './terminal.ts'
import { nodesOf, type Topology } from './topology.ts'

const CELL = 12

interface Column {
  readonly name: string
  readonly lines: readonly string[]
  readonly kind: 'accent' | 'strong' | 'faint'
}

/** picture: the lines of the drawing, at most `columns` wide (54 at least). */
export function picture(topology: Topology, columns: number, paint: Paint): string[] {
  const balancers = nodesOf(topology, 'balancer').map(
    (node, index): Column => ({
      name: node.name,
      lines: [node.address, ...(index === 0 ? topology.serviceAddresses.slice(0, 1) : [])],
      kind: 'accent',
    }),
  )
  const servers = nodesOf(topology, 'server').map(
    (node): Column => ({ name: node.name, lines: [node.address], kind: 'strong' }),
  )
  const room = Math.max(4, Math.floor((columns - 4) / CELL)) - balancers.length
  const cells = [...balancers, ...cut(servers, Math.max(3, room))]
  const width = cells.length * CELL
  const middle = Math.floor(width / 2)
  const ports = cells.map((cell, index) => (cell.kind === 'faint' ? -1 : index * CELL + CELL / 2))
  const edge = (from: string, to: string, port: string, at: readonly number[]) =>
    from + Array.from({ length: width - 1 }, (_, i) => (at.includes(i + 1) ? port : '─')).join('') + to
  const row = (text: (cell: Column) => string, colour: (cell: Column) => (text: string) => string) =>
    cells
      .map((cell) => padded(text(cell), colour(cell)))
      .join('')
      .trimEnd()
  const client = nodesOf(topology, 'client')[0]!
  const top = `${client.name}  ${client.address}`
  const lines = [
    `${' '.repeat(middle - Math.floor(top.length / 2))}${top.replace(client.name, paint.strong)}`,
    `${' '.repeat(middle)}│`,
    paint.faint(edge('┌', '┐', '┴', [middle])),
    paint.faint('│') + ' switch'.padEnd(width - 1) + paint.faint('│'),
    paint.faint(edge('└', '┘', '┬', ports)),
    row(
      ({ name }) => name,
      ({ kind }) => paint[kind],
    ),
    row(
      ({ lines }) => lines[0] ?? '',
      () => (text) => text,
    ),
    row(
      ({ lines }) => lines[1] ?? '',
      () => paint.accent,
    ),
  ]
  return lines.map((line) => `  ${line}`)

  function padded(text: string, colour: (text: string) => string): string {
    const left = CELL / 2 - Math.floor(text.length / 2)
    return ' '.repeat(left) + colour(text) + ' '.repeat(CELL - left - text.length)
  }
}

function cut(cells: readonly Column[], room: number): readonly Column[] {
  if (cells.length <= room) return cells
  return [...cells.slice(0, room - 2), { name: '···', lines: ['···'], kind: 'faint' }, cells.at(-1)!]
}
