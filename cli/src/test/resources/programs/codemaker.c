/*
 * Makes code, runs it often enough to be worth translating, and overwrites it with other code, as a
 * just-in-time compiler does. Prints what the functions computed.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGES = 16, FUNCTIONS = 300, LOOPS = 40000 };

static uint64_t state = 88172645463325252ULL;

static uint64_t random64(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

int main(void) {
  uint8_t *memory = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int wrong = 0;
  uint64_t all = 0;
  for (uint64_t n = 0; n < FUNCTIONS; n++) {
    uint8_t *start = memory + n % PAGES * 4096;
    uint8_t *at = start;
    int count = 1 + random64() % 8;
    int kinds[8];
    int32_t operands[8];
    uint32_t loops = LOOPS;
    memcpy(at, "\x48\x89\xf8\xb9", 4); /* mov rax, rdi; mov ecx, LOOPS */
    memcpy(at + 4, &loops, 4);
    at += 8;
    uint8_t *loop = at;
    for (int i = 0; i < count; i++) {
      kinds[i] = random64() % 3;
      operands[i] = (int32_t)random64();
      *at++ = 0x48; /* add, xor or sub rax, operand */
      *at++ = "\x05\x35\x2d"[kinds[i]];
      memcpy(at, &operands[i], 4);
      at += 4;
    }
    memcpy(at, "\xff\xc9\x75", 3); /* dec ecx; jnz loop; ret */
    at += 4;
    at[-1] = (uint8_t)(loop - at);
    *at = 0xc3;
    uint64_t expected = n;
    for (int turn = 0; turn < LOOPS; turn++) {
      for (int i = 0; i < count; i++) {
        uint64_t operand = (uint64_t)(int64_t)operands[i];
        expected = kinds[i] == 0 ? expected + operand
                   : kinds[i] == 1 ? expected ^ operand
                                   : expected - operand;
      }
    }
    uint64_t result = ((uint64_t(*)(uint64_t))(void *)start)(n);
    wrong += result != expected;
    all = all * 31 + result;
  }
  printf("%d functions, %d wrong, %016llx\n", FUNCTIONS, wrong, (unsigned long long)all);
  return wrong != 0;
}
