/* Members through pointers, by value, in anonymous unions; the address of an array's element. */
#include "core.h"
struct list_head { struct list_head *next; } CORE;
struct mm_struct { unsigned long start_code; unsigned long total_vm; } CORE;
struct task_struct { int pid; int tgid; char comm[16]; struct mm_struct *mm; struct list_head tasks; struct task_struct *real_parent; } CORE;
SEC("kprobe/a") int a(struct task_struct *t)
{
	struct task_struct *p; struct mm_struct *mm; unsigned long v; int pid; char c; struct list_head *n;
	READ(&pid, &t->pid); READ(&p, &t->real_parent); READ(&mm, &p->mm); READ(&v, &mm->total_vm); READ(&c, &t->comm[3]); READ(&n, &t->tasks.next);
	return pid + v + c + (n == 0);
}
