// The mark that tenbin leaves in the kernel on what it added there, in the fields that say who did: IFA_PROTO of addresses
// (linux/if_addr.h, Linux 5.18), NDA_PROTOCOL of neighbours (linux/neighbour.h), rtm_protocol of routes. `ip` prints it as
// "proto 116". It is not one of the numbers in use (linux/rtnetlink.h RTPROT_, iproute2's rt_protos, rt_addrprotos).

/** TENBIN_PROTOCOL: 0x74, a "t". */
export const TENBIN_PROTOCOL = 116
