/* Members that lie in anonymous structs and unions of the kernel, but not here, and the other way round. */
#include "core.h"
struct in6_addr { union { unsigned char u6_addr8[16]; unsigned int u6_addr32[4]; } in6_u; } CORE;
struct sock_common { unsigned int skc_daddr; unsigned int skc_rcv_saddr; unsigned short skc_dport; unsigned short skc_family; struct in6_addr skc_v6_daddr; } CORE;
struct sock { struct sock_common __sk_common; int sk_rcvbuf; } CORE;
struct page { union { struct { unsigned long flags; }; }; int _refcount; } CORE;
SEC("kprobe/a") long a(struct sock *s)
{
	unsigned int d, e, f; unsigned short p; struct page *g = (void *)s; unsigned long fl;
	READ(&d, &s->__sk_common.skc_daddr); READ(&p, &s->__sk_common.skc_dport); READ(&e, &s->__sk_common.skc_v6_daddr.in6_u.u6_addr32[2]);
	READ(&f, &s->sk_rcvbuf); READ(&fl, &g->flags);
	return d + p + e + f + fl;
}
