/**
 * Contracts and hot-path primitives: guest memory, buses, interrupt lines, clock, saved state, the
 * vCPU contract.
 */
module lodge.core {
  exports lodge.core;
}
