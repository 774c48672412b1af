// Every operational error code, with what it means and what to do: joined here from the areas' files in error-areas/.
// docs/errors.md is generated from it, sorted by code, and a code that no test provokes fails `npm run check`. A new code
// goes into its area's file, in the order of the alphabet; a code is in one area only.

import { captureErrors } from './error-areas/capture.ts'
import { clusterErrors } from './error-areas/cluster.ts'
import { daemonErrors } from './error-areas/daemon.ts'
import { defenceErrors } from './error-areas/defence.ts'
import { fileErrors } from './error-areas/file.ts'
import { kernelErrors } from './error-areas/kernel.ts'
import { labErrors } from './error-areas/lab.ts'
import { networkErrors } from './error-areas/network.ts'
import { revisionsErrors } from './error-areas/revisions.ts'
import { rolesErrors } from './error-areas/roles.ts'
import { serversErrors } from './error-areas/servers.ts'

/** errorAreas: area -> its codes. */
export const errorAreas = {
  capture: captureErrors,
  cluster: clusterErrors,
  daemon: daemonErrors,
  defence: defenceErrors,
  file: fileErrors,
  kernel: kernelErrors,
  lab: labErrors,
  network: networkErrors,
  revisions: revisionsErrors,
  roles: rolesErrors,
  servers: serversErrors,
} as const

/** errorCatalogue: code -> meaning and remedy, both full sentences without a final stop. */
export const errorCatalogue = {
  ...captureErrors,
  ...clusterErrors,
  ...daemonErrors,
  ...defenceErrors,
  ...fileErrors,
  ...kernelErrors,
  ...labErrors,
  ...networkErrors,
  ...revisionsErrors,
  ...rolesErrors,
  ...serversErrors,
} as const

/** ErrorCode: one of the catalogue's codes. */
export type ErrorCode = keyof typeof errorCatalogue
