// For tests of the API that are not about changes.

import type { RevisionOperations } from './api-routes.ts'

const refuse = (): never => {
  throw new Error('not asked here')
}

export const noRevisions: RevisionOperations = {
  plan: refuse,
  apply: refuse,
  confirm: refuse,
  rollback: refuse,
  sync: refuse,
  history: refuse,
  show: refuse,
}
