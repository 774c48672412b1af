// Services in a status: a line a service with its listeners, how many of its servers are up, what goes to it, and what is
// wrong with it. Pure.

import type { Status } from '../daemon/api-schema.ts'
import type { Cell, Column } from './columns.ts'
import { type Service, type ServiceCondition, serviceConditions, TROUBLE } from './condition.ts'
import type { Paint } from './context.ts'
import { flowsText, type Listed } from './status-servers.ts'
import { bytesText, countText, rateText, wrap } from './table.ts'

/** serviceColumns: of the rows that listedServices() makes. */
export const serviceColumns: readonly Column[] = [
  { head: 'SERVICE', align: 'left', min: 12, enough: 20, cut: 'middle' },
  { head: 'LISTENERS', align: 'left', min: 10, enough: 20, cut: 'end' },
  { head: 'UP', align: 'right' },
  { head: 'FLOWS', align: 'right' },
  { head: 'PKT/S', align: 'right' },
  { head: 'BIT/S', align: 'right' },
  { head: 'PACKETS', align: 'right', isOptional: true },
  { head: 'BYTES', align: 'right', isOptional: true },
  { head: 'CLIENTS', align: 'right', isOptional: true },
  { head: '', align: 'left', min: 10, cut: 'end' },
]

/** listedServices: all services, in the file's order; `isWhole`: with all of their listeners, over several lines. */
export function listedServices(status: Status, paint: Paint, isWhole: boolean): Listed[] {
  const conditions = serviceConditions(status)
  return status.services.map((service, at) => {
    const condition = conditions[at]!
    const [first = '', ...more] = isWhole ? wrap(service.listeners, 30) : [shortListeners(service)]
    return {
      trouble: condition.trouble,
      rows: [serviceRow(service, condition, first, paint), ...more.map((listeners) => ['', listeners])],
    }
  })
}

const shortListeners = ({ listeners: [first = '', ...more] }: Service): string =>
  more.length === 0 ? first : `${first} +${more.length}`

function serviceRow(
  { name, track, flows, packets, bytes, rate, persistence }: Service,
  { up, servers, trouble, why }: ServiceCondition,
  listeners: string,
  paint: Paint,
): Cell[] {
  const colour = trouble >= TROUBLE.doubt ? paint.bad : trouble > 0 ? paint.strong : (text: string) => text
  return [
    name,
    listeners,
    { text: `${up}/${servers}`, paint: colour },
    flowsText(flows, [track]),
    rateText(rate?.packets),
    rateText(rate?.bits),
    countText(packets),
    bytesText(bytes),
    persistence ? countText(persistence.networks) : '',
    { text: why, paint: colour },
  ]
}
