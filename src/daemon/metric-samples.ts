// What families of metrics are made of, for those that make them from a status.

import type { MetricName } from './metric-catalogue.ts'
import type { Histogram, Sample } from './open-metrics.ts'

/** Samples: by the name of the metric; one without is not given. */
export type Samples = Partial<Readonly<Record<MetricName, readonly Sample[] | readonly Histogram[]>>>

/** one sample, without labels. */
export const one = (value: number | string): Sample[] => [{ labels: {}, value }]
export const bit = (is: boolean): number => (is ? 1 : 0)
