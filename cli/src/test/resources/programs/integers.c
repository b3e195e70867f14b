/* Integer arithmetic, strings and sorting in whatever mode it is compiled for. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 0x9E3779B97F4A7C15ull;

static uint64_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static int compare(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

int main(void) {
  uint64_t hash = 14695981039346656037ull;
#define MIX(v) hash = (hash ^ (uint64_t)(v)) * 1099511628211ull
  for (int i = 0; i < 20000; i++) {
    uint64_t a = next(), b = next() | 1;
    int64_t sa = (int64_t)a, sb = (int64_t)(b >> (a & 63)) | 1;
    MIX(a / b); MIX(a % b); MIX(sa / (sb == -1 ? 3 : sb)); MIX(sa % (sb == -1 ? 3 : sb)); MIX(a * b);
    MIX((uint32_t)a * (uint64_t)(uint32_t)b); MIX((int32_t)a * (int64_t)(int32_t)b);
    MIX(a << (b & 63)); MIX(a >> (b & 63)); MIX(sa >> (b & 63));
    MIX((uint32_t)a << (b & 31) | (uint32_t)a >> (-b & 31)); MIX((uint16_t)a / (uint16_t)b); MIX((int8_t)a * (int8_t)b);
    MIX(__builtin_popcountll(a)); MIX(__builtin_clzll(a | 1)); MIX(__builtin_ctzll(b)); MIX(__builtin_bswap64(a));
    MIX(__builtin_add_overflow(sa, sb, &sa)); MIX(__builtin_mul_overflow((int32_t)a, (int32_t)b, (int32_t *)&sb));
  }
  printf("arithmetic %016llx\n", (unsigned long long)hash);
  static int32_t numbers[20000];
  for (int i = 0; i < 20000; i++)
    numbers[i] = (int32_t)next();
  qsort(numbers, 20000, sizeof *numbers, compare);
  for (int i = 0; i < 20000; i++)
    MIX(numbers[i]);
  printf("sorting %016llx\n", (unsigned long long)hash);
  static char text[5000], copy[5000];
  for (int i = 0; i < 2000; i++) {
    size_t from = next() % 100, length = next() % 4000;
    memset(text + from, 'a' + i % 26, length);
    memmove(text + from, text + from / 2, length);
    memcpy(copy, text, sizeof text);
    text[4999] = 0;
    MIX(strlen(text)); MIX(memcmp(text, copy, sizeof text) > 0); MIX(strchr(text, 'q') ? strchr(text, 'q') - text : -1);
    MIX(strstr(text, "zz") ? strstr(text, "zz") - text : -1); MIX(memchr(text, 0, 5000) ? 1 : 0);
  }
  printf("strings %016llx\n", (unsigned long long)hash);
  return 0;
}
