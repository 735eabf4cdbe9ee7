/* Structs known by a typedef alone, const and volatile on the way. */
#include "core.h"
typedef struct { unsigned long val; } CORE kernel_cap_t;
typedef struct { long counter; } CORE atomic64_t;
typedef const volatile struct { unsigned int sequence; } CORE seqcount_t;
struct cred { const kernel_cap_t cap_effective; volatile int uid; } CORE;
SEC("kprobe/a") long a(struct cred *c)
{
	unsigned long v; long n; unsigned int q; int u;
	READ(&v, &c->cap_effective.val); READ(&n, &((atomic64_t *)c)->counter); READ(&q, &((seqcount_t *)c)->sequence);
	return v + n + q + HAS_FIELD(c->uid) + FIELD_SIZE(c->cap_effective);
}
