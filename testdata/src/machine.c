/* One of two units of testdata/machines: what any machine has, the same on each. */
struct task { int pid; struct task *next; char name[8]; };
struct packed { short s; int c; long long l; } __attribute__((packed));
enum state { RUNNING, SLEEPING = 7, DEAD = -1 };
static struct task *first;
__attribute__((section(".data..percpu"))) int counter;

int task_pid(struct task *t, unsigned v) { return v + t->pid; }
int task_packed(int a, struct packed by) { return by.s + a; }
struct task *task_first(enum state s) { return s == DEAD ? first : 0; }
