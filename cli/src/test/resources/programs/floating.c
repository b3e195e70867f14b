/* Floating point to the last bit: the same table on the host and in a guest. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC optimize("no-fast-math", "rounding-math")

static uint64_t seed = 88172645463325252ull;

static uint64_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static double any(void) {
  uint64_t bits = next();
  double d;
  memcpy(&d, &bits, sizeof d);
  return d;
}

static double moderate(void) {
  return ((int64_t)next() >> 11) / 9007199254740992.0 * 40;
}

static uint64_t mix(uint64_t hash, const void *data, size_t size) {
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ ((const unsigned char *)data)[i]) * 1099511628211ull;
  return hash;
}

static double canonical(double d) { return isnan(d) ? NAN : d; }
static long double canonicall(long double d) { return isnan(d) ? NAN : d; }

#define D(name) {#name, name}
static const struct { const char *name; double (*f)(double); } doubles[] = {
  D(sin), D(cos), D(tan), D(asin), D(acos), D(atan), D(sinh), D(cosh), D(tanh), D(asinh), D(acosh), D(atanh),
  D(exp), D(exp2), D(expm1), D(log), D(log2), D(log10), D(log1p), D(sqrt), D(cbrt), D(erf), D(erfc), D(tgamma),
  D(lgamma), D(floor), D(ceil), D(trunc), D(rint), D(nearbyint), D(round), D(j0), D(y1)};
static const struct { const char *name; double (*f)(double, double); } pairs[] = {
  D(pow), D(atan2), D(hypot), D(fmod), D(remainder), D(fdim), D(nextafter), D(copysign), D(fmax), D(fmin)};
static const struct { const char *name; long double (*f)(long double); } longs[] = {
  D(sinl), D(cosl), D(tanl), D(sqrtl), D(cbrtl), D(rintl), D(floorl), D(truncl)};
/* These rest on F2XM1, FYL2X and FPATAN, which processors round differently: SDM volume 1, section 8.3.10, allows one ulp. */
static const struct { const char *name; long double (*f)(long double); } transcendental[] = {
  D(expl), D(logl), D(log2l), D(expm1l), D(exp2l), D(log1pl), D(atanl), D(asinhl)};
static const struct { const char *name; float (*f)(float); } floats[] = {
  D(sinf), D(cosf), D(tanf), D(expf), D(logf), D(sqrtf), D(cbrtf), D(tanhf), D(rintf), D(log2f)};

static void library(void) {
  for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
    uint64_t hash = 14695981039346656037ull;
    for (int k = 0; k < 300; k++) {
      double r = canonical(doubles[i].f(k % 4 ? moderate() : any()));
      hash = mix(hash, &r, sizeof r);
    }
    printf("%s(0.7) = %a, 300 more %016llx\n", doubles[i].name, canonical(doubles[i].f(0.7)), (unsigned long long)hash);
  }
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    uint64_t hash = 14695981039346656037ull;
    for (int k = 0; k < 300; k++) {
      double r = canonical(pairs[i].f(k % 4 ? fabs(moderate()) : any(), k % 4 ? moderate() : any()));
      hash = mix(hash, &r, sizeof r);
    }
    printf("%s(2.5, 0.7) = %a, 300 more %016llx\n", pairs[i].name, pairs[i].f(2.5, 0.7), (unsigned long long)hash);
  }
  for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) {
    uint64_t hash = 14695981039346656037ull;
    for (int k = 0; k < 100; k++) {
      long double r = canonicall(longs[i].f((long double)moderate() + (long double)moderate() / (1ull << 53)));
      hash = mix(hash, &r, 10);
    }
    printf("%s(0.7) = %La, 100 more %016llx\n", longs[i].name, longs[i].f(0.7L), (unsigned long long)hash);
  }
  for (size_t i = 0; i < sizeof transcendental / sizeof *transcendental; i++) {
    printf("~%s", transcendental[i].name);
    for (int k = 0; k < 40; k++) {
      long double r = transcendental[i].f(fabsl((long double)moderate()) + 0.01L * k);
      uint64_t mantissa;
      uint16_t exponent;
      memcpy(&mantissa, &r, 8);
      memcpy(&exponent, (char *)&r + 8, 2);
      printf(" %04x:%016llx", exponent, (unsigned long long)mantissa);
    }
    printf("\n");
  }
  for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
    uint64_t hash = 14695981039346656037ull;
    for (int k = 0; k < 100; k++) {
      float r = floats[i].f((float)fabs(moderate()));
      hash = mix(hash, &r, sizeof r);
    }
    printf("%s(0.7) = %a, 100 more %016llx\n", floats[i].name, floats[i].f(0.7f), (unsigned long long)hash);
  }
}

static void printing(void) {
  static const double values[] = {0, -0.0, 1, -1, 0.1, 1.0 / 3, 2.0 / 3, 1e21, 1e22, 1e23, 123456789.125, 5e-324,
    2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0, 0.5, 1.5, 2.5, 1e-5, 12345.6789, INFINITY, NAN};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    double v = values[i];
    printf("%f|%e|%g|%a|%.0f|%.3e|%.17g|%+.12G|%020.5f|%-14.2f|%#.0e\n", v, v, v, v, v, v, v, v, v, v, v);
    printf("%Lf|%Le|%.21Lg|%La\n", (long double)v / 3, (long double)v / 3, (long double)v / 3, (long double)v / 3);
  }
  for (int k = 0; k < 500; k++) {
    double v = any();
    if (isnan(v))
      continue;
    char text[64];
    snprintf(text, sizeof text, "%.17g", v);
    double back = strtod(text, NULL);
    if (memcmp(&back, &v, sizeof v) != 0)
      printf("%s came back as %a\n", text, back);
    if (k % 25 == 0)
      printf("%s %.30e %La\n", text, v, strtold(text, NULL));
  }
}

static void rounding(void) {
  static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
  for (int m = 0; m < 4; m++) {
    fesetround(modes[m]);
    volatile double one = 1, three = 3, tiny = DBL_MIN, big = DBL_MAX;
    volatile long double lone = 1, lthree = 3;
    volatile float fone = 1, fthree = 3;
    feclearexcept(FE_ALL_EXCEPT);
    volatile double a = one / three, b = -one / three, c = tiny / three, d = big * three;
    int raised = fetestexcept(FE_ALL_EXCEPT);
    printf("mode %d: %a %a %a %a raised %x\n", m, a, b, c, d, raised);
    printf("  %La %a %ld %ld %lld\n", lone / lthree, fone / fthree, lrint(2.5 + m), lrint(-3.5), llrintl(1e15L + 0.5L));
    printf("  %.3f %.0f %a %La\n", 2.0005, 0.5, sqrt(2), sqrtl(2));
  }
  fesetround(FE_TONEAREST);
}

static void conversions(void) {
  uint64_t hash = 14695981039346656037ull;
  for (int k = 0; k < 2000; k++) {
    double v = moderate() * (1ull << (k % 58));
    int64_t i = (int64_t)v;
    int32_t s = fabs(v) < 2e9 ? (int32_t)v : 0;
    float f = (float)v;
    long double l = (long double)v * 1.000000000000000001L;
    int64_t li = fabsl(l) < 9e18L ? (int64_t)l : 0;
    uint64_t u = (uint64_t)fabs(v);
    double back = (double)u + (double)i + s + f + (double)l;
    hash = mix(mix(mix(mix(mix(hash, &i, 8), &f, 4), &u, 8), &back, 8), &li, 8);
  }
  printf("conversions %016llx\n", (unsigned long long)hash);
}

int main(void) {
  library();
  printing();
  rounding();
  conversions();
  return 0;
}
