// The drawing of a lab's network: clients on top, the switch, and below it the nodes with their addresses; in a pair the
// nodes stand between the front and the back network. More nodes than fit are cut in their middle. Pure text.

import type { Paint } from './terminal.ts'
import { cablesOf, type LabNetwork, type LabNode, nodesOf, type Topology } from './topology.ts'

/** Widths of a node's column: a lab's addresses are no wider, of either family; those of a back network are longer. */
const [CELL, CELL6, CELL6_BACK] = [12, 14, 15]

interface Column {
  readonly name: string
  /** addresses: its own, and below those of services, as many as are held there. */
  readonly addresses: readonly string[]
  readonly services: readonly string[]
  /** behind: those on the back network. */
  readonly behind: readonly string[]
  readonly kind: 'accent' | 'strong' | 'faint'
}

/** picture: the lines of the drawing, at most `columns` wide (54 at least, 62 with IPv6, 79 with IPv6 and a pair). */
export function picture(topology: Topology, columns: number, paint: Paint): string[] {
  const balancers = nodesOf(topology, 'balancer').map(
    (node, index): Column => ({
      name: node.name,
      addresses: of(node, 'front'),
      services:
        index === 0
          ? [...topology.serviceAddresses.slice(0, 1), ...topology.serviceAddresses6.slice(0, 1)]
          : [],
      behind: [...of(node, 'back'), ...(index === 0 && topology.router ? own(topology.router) : [])],
      kind: 'accent',
    }),
  )
  const servers = nodesOf(topology, 'server').map(
    (node): Column => ({
      name: node.name,
      addresses: of(node, 'front'),
      services: [],
      behind: of(node, 'back'),
      kind: 'strong',
    }),
  )
  const wide = topology.router ? CELL6_BACK : CELL6
  const cellWidth = topology.serviceAddresses6.length > 0 ? wide : CELL
  const room = Math.max(4, Math.floor((columns - 4) / cellWidth)) - balancers.length
  const cells = [...balancers, ...cut(servers, Math.max(3, room))]
  const width = cells.length * cellWidth
  const middle = Math.floor(width / 2)
  const ports = cells.map((cell, index) =>
    cell.kind === 'faint' ? -1 : index * cellWidth + Math.floor(cellWidth / 2),
  )
  const edge = (from: string, to: string, port: string, at: readonly number[]) =>
    from + Array.from({ length: width - 1 }, (_, i) => (at.includes(i + 1) ? port : '─')).join('') + to
  const box = (label: string) => paint.faint('│') + label.padEnd(width - 1) + paint.faint('│')
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
    box(topology.router ? ' front' : ' switch'),
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
    ...(topology.router
      ? [
          ...[0, 1, 2, 3].map((line) =>
            row(
              ({ behind }) => behind[line] ?? '',
              ({ behind }) => (line < behind.length / 2 ? (text) => text : paint.accent),
            ),
          ),
          paint.faint(edge('┌', '┐', '┴', ports)),
          box(' back'),
          paint.faint(edge('└', '┘', '┬', [])),
        ]
      : []),
  ].filter((line) => line !== '')
  return lines.map((line) => `  ${line}`)

  function padded(text: string, colour: (text: string) => string): string {
    const left = Math.floor(cellWidth / 2) - Math.floor(text.length / 2)
    return ' '.repeat(left) + colour(text) + ' '.repeat(cellWidth - left - text.length)
  }
}

const own = ({ address, address6 }: Pick<LabNode, 'address' | 'address6'>): readonly string[] =>
  address6 === undefined ? [address] : [address, address6]

/** of: a node's addresses on a network; in a lab with one they are all in front. */
const of = (node: LabNode, which: LabNetwork): readonly string[] =>
  cablesOf(node)
    .filter(({ network }) => network === which)
    .flatMap(own)

function cut(cells: readonly Column[], room: number): readonly Column[] {
  if (cells.length <= room) return cells
  return [
    ...cells.slice(0, room - 2),
    { name: '···', addresses: ['···'], services: [], behind: ['···'], kind: 'faint' },
    cells.at(-1)!,
  ]
}
