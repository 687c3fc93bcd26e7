/* What calls.c imports: linked into a library that is not kept. */
int first_import(int x) { return x; }
int second_import(int x) { return x + 1; }
int addressed_import(int x) { return x + 2; }
