/**
 * Contracts and hot-path primitives: guest memory, buses, interrupt lines, clock, saved state, the
 * vCPU contract.
 */
@SuppressWarnings("module") // lodge.cpu is compiled later
module lodge.core {
  exports lodge.core;
  exports lodge.core.host to
      lodge.cpu;
}
