/* Deduplicates what it reads with the libbpf it is linked with, for
 * TestLibbpf. In: length and bytes of a base BTF (length 0: none), then of the
 * BTF. Out: error, length and bytes of the result. All numbers are 32 bits, native. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef unsigned int u32;
struct btf;
struct btf *btf__new(const void *, u32);
struct btf *btf__parse_raw_split(const char *, struct btf *);
int btf__dedup(struct btf *, const void *);
const void *btf__raw_data(const struct btf *, u32 *);
void btf__free(struct btf *);
void *libbpf_set_print(void *);

static void get(void *p, u32 n)
{
	while (n) {
		long k = read(0, p, n);
		if (k <= 0)
			exit(0);
		p = (char *)p + k;
		n -= k;
	}
}

static void put(const void *p, u32 n)
{
	while (n) {
		long k = write(1, p, n);
		if (k <= 0)
			exit(1);
		p = (const char *)p + k;
		n -= k;
	}
}

/* A split BTF can only be parsed from a file. */
static struct btf *split(const void *data, u32 n, struct btf *base)
{
	char path[64];
	struct btf *b;
	int fd = memfd_create("btf", 0);

	if (write(fd, data, n) != n)
		exit(1);
	sprintf(path, "/proc/self/fd/%d", fd);
	b = btf__parse_raw_split(path, base);
	close(fd);
	return b;
}

int main(void)
{
	libbpf_set_print(NULL);
	for (;;) {
		u32 nbase, nown, n = 0;
		struct btf *base = NULL, *own = NULL;
		const void *res = NULL;
		char *b, *o;
		int err = 0;

		get(&nbase, 4);
		b = malloc(nbase + 1);
		get(b, nbase);
		get(&nown, 4);
		o = malloc(nown + 1);
		get(o, nown);
		if (nbase && !(base = btf__new(b, nbase)))
			err = -1000;
		if (!err && !(own = base ? split(o, nown, base) : btf__new(o, nown)))
			err = -1001;
		if (!err)
			err = btf__dedup(own, NULL);
		if (!err)
			res = btf__raw_data(own, &n);
		put(&err, 4);
		put(&n, 4);
		put(res, n);
		btf__free(own);
		btf__free(base);
		free(b);
		free(o);
	}
}
