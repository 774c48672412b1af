// The drawing of a lab's network: clients on top, the switch, and below it the nodes with their addresses. More nodes
// than fit are cut in their middle. Pure text.

import type { Paint } from './terminal.ts'
import { type LabNode, nodesOf, type Topology } from './topology.ts'

/** Widths of a node's column: a lab's addresses are no wider, of either family. */
const [CELL, CELL6] = [12, 14]

interface Column {
  readonly name: string
  /** addresses: its own, and below those of services, as many as are held there. */
  readonly addresses: readonly string[]
  readonly services: readonly string[]
  readonly kind: 'accent' | 'strong' | 'faint'
}

/** picture: the lines of the drawing, at most `columns` wide (54 at least, 62 with IPv6). */
export function picture(topology: Topology, columns: number, paint: Paint): string[] {
  const balancers = nodesOf(topology, 'balancer').map(
    (node, index): Column => ({
      name: node.name,
      addresses: own(node),
      services:
        index === 0
          ? [...topology.serviceAddresses.slice(0, 1), ...topology.serviceAddresses6.slice(0, 1)]
          : [],
      kind: 'accent',
    }),
  )
  const servers = nodesOf(topology, 'server').map(
    (node): Column => ({ name: node.name, addresses: own(node), services: [], kind: 'strong' }),
  )
  const cellWidth = topology.serviceAddresses6.length > 0 ? CELL6 : CELL
  const room = Math.max(4, Math.floor((columns - 4) / cellWidth)) - balancers.length
  const cells = [...balancers, ...cut(servers, Math.max(3, room))]
  const width = cells.length * cellWidth
  const middle = Math.floor(width / 2)
  const ports = cells.map((cell, index) => (cell.kind === 'faint' ? -1 : index * cellWidth + cellWidth / 2))
  const edge = (from: string, to: string, port: string, at: readonly number[]) =>
    from + Array.from({ length: width - 1 }, (_, i) => (at.includes(i + 1) ? port : '─')).join('') + to
  const row = (text: (cell: Column) => string, colour: (cell: Column) => (text: string) => string) =>
    cells
      .map((cell) => padded(text(cell), colour(cell)))
      .join('')
      .trimEnd()
  const client = nodesOf(topology, 'client')[0]!
  const top = [client.name, ...own(client)].join('  ')
  const lines = [
    `${' '.repeat(Math.max(0, middle - Math.floor(top.length / 2)))}${top.replace(client.name, paint.strong)}`,
    `${' '.repeat(middle)}│`,
    paint.faint(edge('┌', '┐', '┴', [middle])),
    paint.faint('│') + ' switch'.padEnd(width - 1) + paint.faint('│'),
    paint.faint(edge('└', '┘', '┬', ports)),
    row(
      ({ name }) => name,
      ({ kind }) => paint[kind],
    ),
    ...[0, 1].map((line) =>
      row(
        ({ addresses }) => addresses[line] ?? '',
        () => (text) => text,
      ),
    ),
    ...[0, 1].map((line) =>
      row(
        ({ services }) => services[line] ?? '',
        () => paint.accent,
      ),
    ),
  ].filter((line) => line !== '')
  return lines.map((line) => `  ${line}`)

  function padded(text: string, colour: (text: string) => string): string {
    const left = cellWidth / 2 - Math.floor(text.length / 2)
    return ' '.repeat(left) + colour(text) + ' '.repeat(cellWidth - left - text.length)
  }
}

const own = ({ address, address6 }: LabNode): readonly string[] =>
  address6 === undefined ? [address] : [address, address6]

function cut(cells: readonly Column[], room: number): readonly Column[] {
  if (cells.length <= room) return cells
  return [
    ...cells.slice(0, room - 2),
    { name: '···', addresses: ['···'], services: [], kind: 'faint' },
    cells.at(-1)!,
  ]
}
