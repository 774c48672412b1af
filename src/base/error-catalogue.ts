// Every operational error code, with what it means and what to do: docs/errors.md is generated from this list,
// and a code that no test provokes fails `npm run check`. Keep it sorted by code.

interface Entry {
  readonly meaning: string
  readonly remedy: string
}

const entry = (meaning: string, remedy: string): Entry => ({ meaning, remedy })

/** errorCatalogue: code -> meaning and remedy, both full sentences without a final stop. */
export const errorCatalogue = {
  ADDRESS_ELSEWHERE: entry(
    'a service address is already on another interface of this machine',
    "remove it there, or name that interface in the address set's `on:`",
  ),
  ADDRESS_INVALID: entry('this is not a valid address', 'write IPv4 as 192.0.2.1 and IPv6 as 2001:db8::1'),
  BPF_CODE_INVALID: entry(
    'these bytes are no eBPF program that tenbin can read',
    'they were cut short or changed, or another tool made them: load a program that this version built',
  ),
  BPF_FAULT: entry(
    'an interpreted program did what the kernel would not let it do',
    'the slot named says where: see it in `tenbin debug listing`',
  ),
  BPF_OBJECT_UNEXPECTED: entry(
    'a pin holds another kind of object than it should',
    'another tool, or another version, made it: look with `bpftool`, then remove it with `tenbin down`',
  ),
  BTF_REFUSED: entry(
    "the kernel refused the program's type information",
    'the message ends with its words; report it as a bug, with the kernel version',
  ),
  CHANGED_AGAIN: entry(
    'something in the kernel that tenbin looks after is changed by somebody again and again',
    'find who does it (another instance, a script, a network manager) and end that; it is put right each time',
  ),
  CHECKER_ABSENT: entry(
    'the process that looks at servers is not there',
    'it is started again by itself; what was known of servers before goes on to count',
  ),
  CHECKER_CRASHES: entry(
    'the process that looks at servers ends again and again',
    'the message has its last words, checker.log beside its socket the rest; it is started again, ever more slowly; what was known of servers goes on to count',
  ),
  CHECKS_FRUITLESS: entry(
    'looks at servers end without a finding, for a reason of this machine',
    'mend what the message says; until then these servers are taken for what they were before, new ones get nothing',
  ),
  CHECKS_OVERDUE: entry(
    'checks stand still, or begin late',
    'look at the load of this machine, and at how many scripts have to run',
  ),
  CHECKS_UNKEPT: entry(
    'what checks found cannot be kept',
    'make room under /run/tenbin; checks go on meanwhile',
  ),
  CHECK_FAILED: entry(
    'a check found its server wanting',
    'look at the server: the message says what was asked of it and what came back',
  ),
  CHECK_PORTS_SHARED: entry(
    'this machine gives ports of checks with `via: service` to its own connections, too: one to a service address of another node may fail',
    'end net.ipv4.ip_local_port_range below 61440, or write 61440-65535 to net.ipv4.ip_local_reserved_ports',
  ),
  CHECK_WAY_MISSING: entry(
    'a check that goes through a service address (`via: service`) found no way there; nothing was found out of the server',
    'the message says what is missing: what the daemon makes for such checks comes back within seconds; an address of the node on its servers’ network has to be given to it',
  ),
  CONFIG_INVALID: entry(
    'the file has errors',
    'mend what is listed, at file:line:column; what runs is untouched',
  ),
  CONFIG_UNREADABLE: entry(
    'the file cannot be read',
    'name a regular file that is there and that this user may read',
  ),
  DAEMON_ABSENT: entry(
    'no daemon answers',
    'start it with `tenbin run -c FILE`, or name its socket with --socket or --instance',
  ),
  DAEMON_ANSWER: entry(
    "the daemon's answer cannot be used",
    "look at the daemon's log; a daemon of another version may be running",
  ),
  DAEMON_RUNNING: entry(
    'a daemon of this instance is running',
    'stop it first (systemctl stop tenbin, or the pid named), or name another instance with --instance',
  ),
  DURATION_INVALID: entry('this is not a duration', 'write a number and its unit: 100ms, 3s, 15m, 1h'),
  EVENTS_UNKEPT: entry(
    'what happens cannot be kept on the disk: it is in memory, and lost with the daemon',
    'make room in the state directory, or give the daemon another (`tenbin run --state-dir`); it is tried again by itself',
  ),
  FILE_EXISTS: entry(
    'a file of that name is there already',
    'name another one, or move it away: it was not touched',
  ),
  FILE_UNWRITABLE: entry(
    'the file cannot be made',
    'name a folder that is there and that this user may write to',
  ),
  FOLLOWERS_LIMIT: entry(
    'too many readers follow events at once',
    'end a `tenbin events -f` that nobody needs, or have one reader pass events on',
  ),
  GUARD_HOLDS: entry(
    'most of a pool failed at once, and is not believed: the last good set goes on serving',
    'look whether this node has lost sight of the servers; `tenbin disable` takes one out for certain',
  ),
  HASH_KEY_INVALID: entry(
    'the file that keeps the hash key is damaged',
    'restore it; or delete it, and every connection may move to another server once',
  ),
  IDS_EXHAUSTED: entry(
    'there are more servers, services or interfaces than can be told apart, together with those that were just removed',
    'if the file alone has too many, give some to another node; else apply it in two steps: first without those that go, then with those that come',
  ),
  INSTANCE_INVALID: entry(
    'this cannot name an instance',
    'use 1 to 32 of a-z, 0-9, - and _, the first a letter or digit',
  ),
  INTERFACE_DOWN: entry(
    'the interface that forwards is down or has no carrier',
    'switch it on (ip link set dev NAME up) and look at its cable or virtual peer',
  ),
  INTERFACE_MISSING: entry(
    'an interface that the file names is not on this machine',
    'correct its name under `interfaces`, or make it appear: tenbin run waits for it',
  ),
  INTERFACE_UNSUITABLE: entry(
    'an interface that the file names cannot carry service addresses',
    'name an Ethernet interface under `interfaces`',
  ),
  LAB_AMBIGUOUS: entry('there is more than one lab', 'say which one with --name'),
  LAB_COMMAND_FAILED: entry(
    'a command that builds or uses the lab failed',
    'read its own words above; the lab needs veth, bridge and network namespaces in the kernel',
  ),
  LAB_EXISTS: entry(
    'a lab of this name is there already',
    'choose another name, none (one is chosen then), or remove it with `tenbin lab down --name NAME`',
  ),
  LAB_INTERRUPTED: entry('ended before it was done; the lab was removed', 'run it again'),
  LAB_IN_USE: entry(
    'a command that runs holds this lab',
    'end that command (Ctrl-C, or the pid named): it removes the lab itself',
  ),
  LAB_NODE_UNKNOWN: entry('the lab has no such node', 'see `tenbin lab status` for its nodes'),
  LAB_OPTION_INVALID: entry('a lab cannot be made like this', 'see `tenbin lab up --help`'),
  LAB_PROCESS_FAILED: entry('a process of the lab failed', 'read its last words above'),
  LAB_STATE_DAMAGED: entry(
    'what is remembered of a lab cannot be read',
    'delete the file named and run `tenbin lab down --name NAME`',
  ),
  LAB_TOOL_MISSING: entry(
    'a command that the lab is built with is not installed',
    'install the packages iproute2 and ethtool',
  ),
  LAB_UNKNOWN: entry('there is no such lab', 'see `tenbin lab status`, or make one with `tenbin lab up`'),
  LINK_CHANGED: entry(
    'another program is on the link than the one to be replaced',
    'another process changed it: run one daemon for an instance, and apply again',
  ),
  LINK_SEVERED: entry(
    'the link has lost its interface',
    'the interface was removed, or the link detached by hand: attach anew, by apply or a restart',
  ),
  MEMORY_SHORT: entry(
    'the file asks for more memory than this machine has for it',
    'lower `flows` under `limits`, let services share pools, or give the machine more memory',
  ),
  MEMORY_UNREACHABLE: entry(
    'the file asks for a table that is larger than a program can reach',
    'lower `flows` under `limits` (with nat at most 6,600,000), let services share pools, or have fewer servers in a pool',
  ),
  MTU_DIFFERS: entry(
    'NICs that forward for each other have different MTUs: what is too long for the other is lost without a word',
    'give them one MTU, or have the servers announce a smaller MSS',
  ),
  METRICS_UNHEARD: entry(
    'the address of metrics cannot be had',
    'free the port, or change metrics.listen in the file; it is tried again every two seconds',
  ),
  NAME_UNKNOWN: entry('nothing of the file has this name', 'look at the names in `tenbin status --all`'),
  NAMESPACE_OTHER: entry(
    'this instance works in another network namespace',
    'run the command there (nsenter --net=/run/netns/NAME ...), or with --force if that namespace is gone',
  ),
  NETLINK_DUMP_CHANGED: entry(
    'a table of the kernel changed every time while it was read',
    'try again when the network is quieter',
  ),
  NETLINK_MALFORMED: entry(
    "the kernel's netlink message cannot be read",
    'report it with the kernel version: this kernel writes what tenbin does not know',
  ),
  NETLINK_TIMEOUT: entry(
    'the kernel did not answer about the network in time',
    'look for a driver or a process that blocks it (dmesg: hung task); then try again',
  ),
  NODE_AMBIGUOUS: entry(
    'this machine has the addresses of more than one node',
    'give each node an address that only it has',
  ),
  NODE_UNKNOWN: entry(
    "this machine has none of the nodes' addresses",
    'add this machine to `nodes` with an address of one of its interfaces',
  ),
  NOT_APPLIED: entry('nothing is applied yet', 'ask `tenbin status` what the daemon waits for'),
  NOT_HEALED: entry(
    'something in the kernel is not as it was applied, and could not be put right',
    'the message, or the problem beside it, says why; it is tried again by itself',
  ),
  NOT_PERMITTED: entry('this needs more privileges', 'run it as root'),
  NOT_SUPPORTED: entry(
    'this kernel or machine lacks what tenbin needs',
    'the message names what and the remedy; Linux 6.1 with BPF, BTF and XDP is enough',
  ),
  NOTIFY_FAILS: entry(
    'somebody of `notify` cannot be told what happens; it is tried again, and what waits is kept',
    'the message says at which step it fails; `tenbin notify test` tries it at once and says what to do',
  ),
  NOTIFY_UNKEPT: entry(
    'how far targets of `notify` were told cannot be kept on the disk: after a restart they may miss or get again what waits',
    'make room in the state directory, or give the daemon another (`tenbin run --state-dir`); it is tried again by itself',
  ),
  ORDER_REFUSED: entry(
    'a server is not in a state in which this can be done',
    'see `tenbin status`; what is said of a server is undone by the opposite command',
  ),
  OVERRIDES_DAMAGED: entry(
    'the file that keeps drains, weights and other words about servers could not be read, and was set aside',
    'say again what is to hold (drain, weight, disable), then remove the file named',
  ),
  PACKET_INVALID: entry(
    'these bytes are not the packet that they should be',
    'look at the sender: a capture shows what it really sent',
  ),
  PATTERN_INVALID: entry(
    'this regular expression cannot be used',
    'it may have classes, groups, | and repetitions; no backreferences and no looking around',
  ),
  PINS_DAMAGED: entry(
    'what is pinned is not a whole packet path',
    'run `tenbin down` and start again: forwarding stops in between',
  ),
  PINS_ELSEWHERE: entry(
    'this process sees other mounts than the machine, and no bpffs among them',
    'instead of `ip netns exec NAME` use `nsenter --net=/run/netns/NAME`; or mount one first (mount -t bpf bpf /sys/fs/bpf)',
  ),
  PINS_NEWER: entry(
    'what is pinned in the kernel was made by a newer tenbin',
    'run that newer version, or `tenbin down` first: forwarding stops until this one has started',
  ),
  QUORUM_LOST: entry(
    'fewer servers of a pool are up than its quorum asks for',
    'bring servers back; meanwhile its sorry servers answer, or, where none can, what is left of it',
  ),
  RANGE_INVALID: entry(
    'this is not a range',
    'write names as web01..10 and addresses as 192.168.8.11..20, the smaller end first',
  ),
  REQUEST_INVALID: entry(
    'the request is not one that the daemon understands',
    'see the list of requests in docs/api.md',
  ),
  REQUEST_TOO_LARGE: entry('the request is larger than the daemon reads', 'send at most 64 KiB'),
  ROUTE_UNKNOWN: entry('the daemon knows no such request', 'see the list of requests in docs/api.md'),
  RUN_STATE_UNREADABLE: entry(
    'the record of what this instance added to the machine cannot be read',
    'look at the file named; delete it if damaged, and remove the service addresses by hand',
  ),
  SCRIPT_UNUSABLE: entry(
    'a script that checks servers cannot be used',
    'put it, executable (chmod 755), where root alone can write and its user can read: /usr/local/bin',
  ),
  SECRET_UNUSABLE: entry(
    'a file that `notify` names for a secret or for authorities cannot be used',
    'make the file; one with a secret is read by its owner alone: chmod 600',
  ),
  SELF_TEST_FAILED: entry(
    'the new program does not do what it was generated for',
    'what ran before still runs; this is a bug of tenbin or of the kernel: report it with `tenbin debug listing`',
  ),
  SERVER_DOUBTFUL: entry(
    "a server's last known MAC is used on although the machine has lost its way to it",
    'give the interface its address and route back',
  ),
  SERVER_OFF_LINK: entry(
    "a server that dsr is to reach is not on the interface's link",
    'put it on the link, or remove it: a router would send its packets back',
  ),
  SERVER_UNKNOWN: entry('no such server answers for what is meant', 'name one that `tenbin status` lists'),
  SERVER_UNREACHABLE: entry(
    'this machine has no route to a server',
    "give the interface its address, or correct the server's",
  ),
  SERVICE_UNKNOWN: entry('the file that runs has no such service', 'name one that `tenbin status` lists'),
  SOCKET_PATH_INVALID: entry("this path cannot be the daemon's socket", 'name another place with --socket'),
  STATE_UNUSABLE: entry(
    "a file or folder of the daemon's own cannot be used",
    'the message names it and why: make room or mend it, or name other places with --run-dir and --state-dir',
  ),
  SYSCALL_FAILED: entry(
    'the kernel refused what tenbin asked for',
    'the message names the call and the reason; `man 2 CALL` explains it',
  ),
  SYSCTL_MISSING: entry(
    'a kernel setting that the file names does not exist here',
    'take it out of `sysctls`, or make it appear: a module, an interface, IPv6 switched on',
  ),
  SYSCTL_OTHER: entry(
    'a kernel setting has another value than the file says',
    'somebody sets it again and again, or the kernel refused: look who (/etc/sysctl.d); it is set again by itself',
  ),
  TARGET_UNKNOWN: entry(
    'nobody of that name is told what happens',
    'name an entry of `notify` of the file that runs',
  ),
  VERIFIER_REFUSED: entry(
    "the kernel's verifier refused the program",
    'the message starts with the source line; report it as a bug, with the kernel version and the log',
  ),
  WEIGHTS_SCALED: entry(
    'the weights of a pool make more turns than there is room for',
    'write smaller weights of about the same ratios: 3 and 1 for 3001 and 1000',
  ),
  XDP_OCCUPIED: entry(
    'another XDP program is attached to the interface',
    'end what put it there (`tenbin down --instance NAME`, `ip link set dev NIC xdp off`, or its own command), or use another interface',
  ),
} as const satisfies Record<string, Entry>

/** ErrorCode: one of the catalogue's codes. */
export type ErrorCode = keyof typeof errorCatalogue
