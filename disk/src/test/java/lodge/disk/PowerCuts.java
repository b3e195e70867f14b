package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lodge.disk.MemoryChannel.Write;

/**
 * A host with files whose power can be cut between any two writes. Of what was written to a file
 * since it was flushed last, any part is there afterwards, sector by sector.
 */
final class PowerCuts {
  private static final int SECTOR = 512;

  /** What happened to a file: a write, or without one a flush. */
  private record Event(String file, Write write) {}

  private final List<Event> events = new ArrayList<>();
  private final Map<String, byte[]> before = new LinkedHashMap<>();

  /** A file that the host has for certain. */
  MemoryChannel file(String name, byte[] content) {
    before.put(name, content);
    return new MemoryChannel(content) {
      @Override
      public int write(ByteBuffer from, long position) throws IOException {
        int count = super.write(from, position);
        events.add(new Event(name, epochs.getLast().getLast()));
        return count;
      }

      @Override
      public void force(boolean metaData) throws IOException {
        super.force(metaData);
        events.add(new Event(name, null));
      }
    };
  }

  /** How many moments there were so far at which the power can be cut. */
  int moments() {
    return events.size();
  }

  /** What the files are like after a cut. */
  Map<String, byte[]> cut(int moment, RandomGenerator random) {
    Map<String, byte[]> after = new LinkedHashMap<>();
    for (String name : before.keySet()) {
      int flushed = moment;
      while (flushed > 0 && !events.get(flushed - 1).equals(new Event(name, null))) {
        flushed--;
      }
      MemoryChannel channel = new MemoryChannel(before.get(name));
      int share = random.nextInt(0, 5);
      boolean whole = random.nextBoolean();
      for (int i = 0; i < moment; i++) {
        Write write = events.get(i).write;
        if (!events.get(i).file.equals(name) || write == null) {
          continue;
        }
        if (i < flushed) {
          channel.apply(write);
        } else if (!whole) {
          sectors(write).stream().filter(_ -> random.nextInt(4) < share).forEach(channel::apply);
        } else if (random.nextInt(4) < share) {
          channel.apply(write);
        }
      }
      after.put(name, channel.content());
    }
    return after;
  }

  private static List<Write> sectors(Write write) {
    List<Write> sectors = new ArrayList<>();
    int end = write.offset() + write.bytes().length;
    for (int at = write.offset(); at < end; ) {
      int next = Math.min(end, at - at % SECTOR + SECTOR);
      sectors.add(
          new Write(
              at, Arrays.copyOfRange(write.bytes(), at - write.offset(), next - write.offset())));
      at = next;
    }
    return sectors;
  }
}
