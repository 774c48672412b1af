import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exposition, type Family } from './open-metrics.ts'

const families: readonly Family[] = [
  {
    ...{ name: 'tenbin_service_bytes', type: 'counter', unit: 'bytes', help: 'IP bytes.' },
    samples: [
      { labels: { service: 'www' }, value: '18446744073709551615' },
      { labels: { service: 'a "b"\\\n' }, value: 0 },
    ],
  },
  {
    ...{ name: 'tenbin_build', type: 'info', help: 'Which.' },
    samples: [{ labels: { version: '1' }, value: 1 }],
  },
  { ...{ name: 'tenbin_up', type: 'gauge', help: 'Up.' }, samples: [{ labels: {}, value: 0.5 }] },
  { ...{ name: 'tenbin_none', type: 'gauge', help: 'No samples.' }, samples: [] },
  {
    ...{ name: 'tenbin_check_seconds', type: 'histogram', unit: 'seconds', help: 'How long.' },
    samples: [{ labels: { kind: 'tcp' }, bounds: [0.0025, 1], counts: [3, 2, 1], sum: 4.5 }],
  },
]

test('OpenMetrics 1.0: families by their names, samples with endings, units, cumulative buckets, an end', () => {
  assert.deepEqual(exposition(families, 'openmetrics').split('\n'), [
    '# TYPE tenbin_service_bytes counter',
    '# UNIT tenbin_service_bytes bytes',
    '# HELP tenbin_service_bytes IP bytes.',
    'tenbin_service_bytes_total{service="www"} 18446744073709551615',
    'tenbin_service_bytes_total{service="a \\"b\\"\\\\\\n"} 0',
    '# TYPE tenbin_build info',
    '# HELP tenbin_build Which.',
    'tenbin_build_info{version="1"} 1',
    '# TYPE tenbin_up gauge',
    '# HELP tenbin_up Up.',
    'tenbin_up 0.5',
    '# TYPE tenbin_check_seconds histogram',
    '# UNIT tenbin_check_seconds seconds',
    '# HELP tenbin_check_seconds How long.',
    'tenbin_check_seconds_bucket{kind="tcp",le="0.0025"} 3',
    'tenbin_check_seconds_bucket{kind="tcp",le="1.0"} 5',
    'tenbin_check_seconds_bucket{kind="tcp",le="+Inf"} 6',
    'tenbin_check_seconds_count{kind="tcp"} 6',
    'tenbin_check_seconds_sum{kind="tcp"} 4.5',
    '# EOF',
    '',
  ])
})

test('the text format before it: counters and infos by the names of their samples, no units, no end', () => {
  const lines = exposition(families, 'text').split('\n')
  assert.deepEqual(lines.slice(0, 3), [
    '# TYPE tenbin_service_bytes_total counter',
    '# HELP tenbin_service_bytes_total IP bytes.',
    'tenbin_service_bytes_total{service="www"} 18446744073709551615',
  ])
  assert.ok(lines.includes('# TYPE tenbin_build_info gauge'))
  assert.ok(!lines.some((line) => line.startsWith('# UNIT') || line === '# EOF'))
})
