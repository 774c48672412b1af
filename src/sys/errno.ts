// Names of Linux error numbers, as grep finds them in the kernel: include/uapi/asm-generic/errno-base.h and
// errno.h (x86-64, arm64, riscv64 and s390x share them), and ENOTSUPP, which bpf(2) lets out although it is not
// meant for user space (include/linux/errno.h). Names are what callers branch on; the words come from libc.

const names = `
  EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST
  EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM
  ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG
  EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET
  ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG
  ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE
  EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE
  EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN
  ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL
  EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD
  ENOTRECOVERABLE ERFKILL EHWPOISON`
  .trim()
  .split(/\s+/)

/** ENOTSUPP: bpf(2) answers it for operations that an object does not have; libc knows no words for it. */
const ENOTSUPP = 524

/** errnoName: 2 -> 'ENOENT'; a number that has no name becomes 'ERRNO_1234'. */
export function errnoName(errno: number): string {
  if (errno === ENOTSUPP) return 'ENOTSUPP'
  const name = names[errno - 1]
  return name === undefined || name === '-' ? `ERRNO_${errno}` : name
}

const numbers = new Map(names.map((name, index) => [name, index + 1]))

/** Other spellings of the same numbers. */
const aliases: Readonly<Record<string, string>> = {
  EWOULDBLOCK: 'EAGAIN',
  EDEADLOCK: 'EDEADLK',
  ENOTSUP: 'EOPNOTSUPP',
}

/** errnoNumber: 'ENOENT' -> 2; undefined for what is no errno's name. Aliases ('EWOULDBLOCK') are known. */
export function errnoNumber(name: string): number | undefined {
  if (name === 'ENOTSUPP') return ENOTSUPP
  return name === '-' ? undefined : numbers.get(aliases[name] ?? name)
}
