// What our own processes get of our environment, which may have secrets that they have no use for.

const PASSED = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS'] as const

/** childEnvironment: where programs are, whom to trust beside the system's authorities, how Node is to run. */
export function childEnvironment(): Readonly<Record<string, string>> {
  const passed = PASSED.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...Object.fromEntries(passed) }
}
