package lodge.cli.guest;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.function.Supplier;
import lodge.core.BlockBackend;
import lodge.disk.ImageFormat;
import lodge.disk.Qcow2Image;
import lodge.disk.Qcow2Options;

/**
 * What is left of a machine between its runs: the folder {@code $LODGE_HOME/machines/NAME} with an
 * overlay over its guest's disk, and a line that says which build of the guest that is. While it is
 * open, no other can open it.
 */
public final class MachineFolder implements AutoCloseable {
  private static final String OVERLAY = "disk.qcow2";

  /** "GUEST FOLDER SHA-256", the folder relative to the cache. */
  private static final String BASE = "base";

  private final Path home;
  private final Path folder;
  private final FileChannel channel;

  private MachineFolder(Path home, Path folder, FileChannel channel) {
    this.home = home;
    this.folder = folder;
    this.channel = channel;
  }

  /**
   * Opens the machine of that name, which may be new.
   *
   * @throws GuestException when somebody else runs it, or the folder cannot be used
   */
  public static MachineFolder open(Path home, String name) {
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
      throw new GuestException(
          "'" + name + "' is no name for a machine: letters, digits and . _ - make one, up to 64");
    }
    Path folder = home.toAbsolutePath().resolve("machines").resolve(name);
    try {
      Files.createDirectories(folder);
      FileChannel channel =
          FileChannel.open(
              folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      if (lock == null) {
        channel.close();
        throw new GuestException(
            "machine '"
                + name
                + "' is running already; --name NAME makes another one, --ephemeral one for this"
                + " run alone");
      }
      return new MachineFolder(home.toAbsolutePath(), folder, channel);
    } catch (IOException e) {
      throw new GuestException("cannot use the machine's folder " + folder + ": " + reason(e), e);
    }
  }

  /**
   * The machine's disk, a qcow2 image, made if it has none.
   *
   * @param guest its recipe's name
   * @param newest gets the guest, which a machine that has a disk already does not need
   */
  public Path disk(String guest, Supplier<Guest.Disk> newest) {
    Path overlay = folder.resolve(OVERLAY);
    try {
      if (Files.exists(overlay)) {
        checkBase(guest);
      } else {
        make(overlay, newest.get());
      }
      return overlay;
    } catch (IOException e) {
      throw new GuestException("cannot use the machine's disk " + overlay + ": " + reason(e), e);
    }
  }

  /** Whether the machine's disk was made over the guest in that folder. */
  public boolean isOver(Path build) {
    try {
      return home.resolve(base()[1]).equals(build.toAbsolutePath());
    } catch (IOException e) {
      throw new GuestException("cannot use the machine's folder " + folder + ": " + reason(e), e);
    }
  }

  /** The disk comes last: without it the machine is a new one. */
  private void make(Path overlay, Guest.Disk guest) throws IOException {
    Path base = guest.image().getParent();
    Files.writeString(
        folder.resolve(BASE),
        guest.name()
            + " "
            + home.relativize(base)
            + " "
            + Manifest.sum(base, guest.image().getFileName().toString())
            + "\n");
    Path unfinished = folder.resolve(OVERLAY + ".new");
    Files.deleteIfExists(unfinished);
    long size;
    try (BlockBackend below = ImageFormat.QCOW2.open(guest.image(), true)) {
      size = below.size();
    }
    String relative = folder.relativize(guest.image()).toString();
    Qcow2Image.create(
        unfinished, Qcow2Options.ofSize(size).withBacking(relative, ImageFormat.QCOW2));
    Files.move(unfinished, overlay, StandardCopyOption.ATOMIC_MOVE);
  }

  /** An overlay shows rubbish over a disk that is not the one that it was made over. */
  private void checkBase(String guest) throws IOException {
    String[] base = base();
    if (!base[0].equals(guest)) {
      throw new GuestException(
          "machine '%s' was made from guest '%s', not from '%s'; --name gives it another name"
              .formatted(folder.getFileName(), base[0], guest));
    }
    Path image = home.resolve(base[1]).resolve(DiskBuilder.IMAGE);
    String found;
    try {
      found = Manifest.sum(image.getParent(), DiskBuilder.IMAGE);
    } catch (NoSuchFileException e) {
      found = "";
    }
    if (!found.equals(base[2]) || !Files.exists(image)) {
      throw new GuestException(
          "machine '%s' keeps only what differs from %s, which is %s; remove %s to begin anew"
              .formatted(
                  folder.getFileName(),
                  image,
                  found.isEmpty() ? "gone" : "another build of the guest now",
                  folder));
    }
  }

  private String[] base() throws IOException {
    String[] base = Files.readString(folder.resolve(BASE)).strip().split(" ");
    if (base.length != 3) {
      throw new IOException(folder.resolve(BASE) + " is not what Lodge has written");
    }
    return base;
  }

  private static String reason(IOException e) {
    return e instanceof AccessDeniedException ? "permission denied" : e.getMessage();
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // The process ends, and the lock with it.
    }
  }
}
