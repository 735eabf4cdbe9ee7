struct c_only { long l; };
int c_function(struct c_only *p) { return p->l; }
