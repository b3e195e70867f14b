/* Sleeps for a second by the guest's clock; who watches compares with another one. */
#include <stdio.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(void) {
  struct timespec second = {1, 0};
  printf("begin\n");
  fflush(stdout);
  double before = now();
  nanosleep(&second, NULL);
  double after = now();
  printf("end %.4f\n", after - before);
  double last = now();
  for (int i = 0; i < 100000; i++) {
    double t = now();
    if (t < last)
      printf("time went back by %g\n", last - t);
    last = t;
  }
  return 0;
}
