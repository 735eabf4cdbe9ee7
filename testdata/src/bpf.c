/* A BPF program: nothing in its object is relocated, so that of its variables only those are found whose address is in place. */
struct task { int pid; struct task *next; char comm[16]; };
enum mode { A, B = 5 };
struct { int type; long *key; struct task *value; } map __attribute__((section(".maps")));
int counter __attribute__((section(".data")));
static const volatile int config = 3;
long total;
char _license[] __attribute__((section("license"))) = "GPL";
static __attribute__((noinline)) int helper(struct task *t, enum mode m) { return t->pid + m + config; }
__attribute__((section("tp/sched"))) int prog(struct task *t) { counter++; total += helper(t, B); return helper(t->next, A); }
int plain(int x) { return x * 3 + counter; }
