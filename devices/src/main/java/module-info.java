/**
 * The chips of a PC: each sees offsets, and reaches the world through what its constructor
 * receives.
 */
module lodge.devices {
  requires transitive lodge.core;

  exports lodge.devices;
  exports lodge.devices.ide;
  exports lodge.devices.virtio;
}
