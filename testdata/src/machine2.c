/* The other unit of testdata/machines. */
struct task { int pid; struct task *next; char name[8]; };
struct queue { struct task *head, **tail; unsigned flags : 3, length : 29; };
int queue_length(struct queue *q, struct task *t) { return t ? t->pid : (int)q->length; }
