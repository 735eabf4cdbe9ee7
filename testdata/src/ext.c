int ext(int x) { return x + 1; }
