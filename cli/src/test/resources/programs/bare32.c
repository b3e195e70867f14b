/* A 32-bit program without a library, so that any gcc can build it: both ways into the kernel, segments, the stack. */
static int call(int number, int a, int b, int c) {
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}

static unsigned length(const char *text) {
  unsigned n = 0;
  while (text[n])
    n++;
  return n;
}

static void print(const char *text) { call(4, 1, (int)text, (int)length(text)); }

static void hexadecimal(unsigned value) {
  char text[10];
  for (int i = 0; i < 8; i++)
    text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  text[8] = '\n';
  text[9] = 0;
  print(text);
}

/* The kernel's own entry, from the auxiliary vector: SYSENTER or SYSCALL by way of the vDSO. */
static unsigned vsyscall;

static int fast_call(int number) {
  int result;
  __asm__ volatile("call *%1" : "=a"(result) : "m"(vsyscall), "a"(number) : "memory", "ecx", "edx");
  return result;
}

__attribute__((used)) static void run(unsigned *stack) {
  unsigned argc = *stack;
  unsigned *environment = stack + argc + 2;
  while (*environment)
    environment++;
  for (unsigned *aux = environment + 1; aux[0]; aux += 2)
    if (aux[0] == 32)
      vsyscall = aux[1];
  unsigned short cs, ss;
  __asm__("mov %%cs, %0" : "=r"(cs));
  __asm__("mov %%ss, %0" : "=r"(ss));
  print("code and stack segment ");
  hexadecimal((unsigned)cs << 16 | ss);
  unsigned sum = 0;
  for (unsigned i = 0; i < 65536; i += 7) {
    unsigned decimal = i;
    __asm__("aam $10\n  aad $7\n  add %%dl, %%al\n  daa\n  sub %%dh, %%al\n  das" : "+a"(decimal) : "d"(i * 5) : "cc");
    sum = sum * 33 + (decimal & 0xff);
  }
  for (unsigned i = 1; i < 100000; i++) {
    unsigned low, high;
    __asm__("mul %3" : "=a"(low), "=d"(high) : "a"(sum ^ i * 2654435761u), "r"(i * 40503u) : "cc");
    sum = sum * 33 + low + high;
  }
  print("sum ");
  hexadecimal(sum);
  long double x = 1;
  for (int i = 0; i < 30; i++)
    x = x / 3 + i;
  unsigned parts[3] = {0, 0, 0};
  __builtin_memcpy(parts, &x, 10);
  print("extended precision ");
  hexadecimal(parts[0]);
  hexadecimal(parts[1]);
  hexadecimal(parts[2]);
  print("process id by both ways ");
  hexadecimal(vsyscall ? fast_call(20) - call(20, 0, 0, 0) : 0xffffffff);
  call(1, 42, 0, 0);
}

__asm__(".globl _start\n_start:\n  mov %esp, %eax\n  and $-16, %esp\n  sub $12, %esp\n  push %eax\n  call run\n  hlt\n");
