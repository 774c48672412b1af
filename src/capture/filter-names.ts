// Names in a filter that no packet can have: mistyped ones, which would be answered by silence.

import { TenbinError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import type { RecordedNames } from '../engine/recorded.ts'
import type { Filter } from './filter.ts'

/** LISTED: so many names are listed where none is near. */
const LISTED = 8

/** checkNames of a filter: each is one that packets can have. Throws FILTER_INVALID with the nearest. */
export function checkNames(filter: Filter, names: RecordedNames): void {
  if ('all' in filter) for (const each of filter.all) checkNames(each, names)
  else if ('any' in filter) for (const each of filter.any) checkNames(each, names)
  else if ('not' in filter) checkNames(filter.not, names)
  else if (filter.word === 'service' || filter.word === 'server' || filter.word === 'interface') {
    const { word, name } = filter
    const known = names[word]
    if (known.includes(name)) return
    const near = nearest(name, known)
    const list = known.length > LISTED ? [...known.slice(0, LISTED), '...'] : known
    const hint = near === undefined ? `there are ${list.join(', ') || 'none'}` : `did you mean ${near}?`
    throw new TenbinError('FILTER_INVALID', 'read the filter', {
      detail: `no ${word} has the name "${name}": ${hint}`,
    })
  }
}
