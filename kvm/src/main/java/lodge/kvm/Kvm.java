package lodge.kvm;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** {@code /dev/kvm}, found to be what is needed here. */
final class Kvm implements AutoCloseable {
  static final String DEVICE = "/dev/kvm";

  private final Fd fd;
  private final Set<Capability> capabilities;

  private Kvm(String device, Fd fd) {
    this.fd = fd;
    int version = fd.attempt(Ioctl.GET_API_VERSION, 0);
    if (version < 0) {
      throw Obstacles.notKvm(device);
    }
    Obstacles.checkVersion(version);
    capabilities = Capability.negotiate(number -> fd.attempt(Ioctl.CHECK_EXTENSION, number) > 0);
  }

  /**
   * Opens it.
   *
   * @throws lodge.cpu.x86.EngineException when it is not there, not allowed or not enough
   */
  static Kvm open() {
    return open(DEVICE);
  }

  /** See {@link #open()}. */
  static Kvm open(String device) {
    // Most hosts that have none are told so here: to call the C library costs 100 ms at first.
    Path path = Path.of(device);
    if (!Files.exists(path)) {
      throw Obstacles.opening(device, SystemCalls.ENOENT);
    }
    if (!Files.isReadable(path) || !Files.isWritable(path)) {
      throw Obstacles.opening(device, SystemCalls.EACCES);
    }
    Fd fd = Fd.open(device);
    try {
      return new Kvm(device, fd);
    } catch (Throwable e) {
      fd.close();
      throw e;
    }
  }

  boolean has(Capability capability) {
    return capabilities.contains(capability);
  }

  /** How many there are of what a capability counts. */
  int count(Capability capability) {
    return fd.call(Ioctl.CHECK_EXTENSION, capability.number());
  }

  /** Asks for something that belongs to no VM. */
  Fd fd() {
    return fd;
  }

  @Override
  public void close() {
    fd.close();
  }
}
