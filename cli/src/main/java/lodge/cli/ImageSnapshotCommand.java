package lodge.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import lodge.disk.Qcow2Image;
import lodge.disk.Snapshot;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lodge image snapshot}. */
@Command(
    name = "snapshot",
    description = "Lists, makes, applies or deletes the snapshots inside of a qcow2 image.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false)
final class ImageSnapshotCommand implements Callable<Integer> {
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault());

  /** One of them; without any the snapshots are listed. */
  static final class Action {
    @Option(names = "-l", description = "List the snapshots.")
    private boolean list;

    @Option(names = "-c", paramLabel = "NAME", description = "Keep the disk as it is now.")
    private String create;

    @Option(
        names = "-a",
        paramLabel = "SNAPSHOT",
        description = "Make the disk what it was; what it is now is lost.")
    private String apply;

    @Option(names = "-d", paramLabel = "SNAPSHOT", description = "Delete a snapshot.")
    private String delete;
  }

  @ArgGroup private Action action = new Action();

  @Mixin private Quiet quiet;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    boolean list = action.create == null && action.apply == null && action.delete == null;
    try (Qcow2Image image = Qcow2Image.open(file, list)) {
      if (list) {
        PrintWriter out = spec.commandLine().getOut();
        lines(image.snapshots()).forEach(out::println);
        out.flush();
      } else if (action.create != null) {
        image.createSnapshot(action.create);
      } else if (action.apply != null) {
        image.applySnapshot(action.apply);
      } else {
        image.deleteSnapshot(action.delete);
      }
    }
    return ExitStatus.OK;
  }

  /** A table as qemu-img prints it. */
  static List<String> lines(List<Snapshot> snapshots) {
    if (snapshots.isEmpty()) {
      return List.of();
    }
    List<String> lines = new ArrayList<>();
    lines.add("Snapshot list:");
    lines.add(row("ID", "TAG", "VM SIZE", "DATE", "VM CLOCK", ""));
    for (Snapshot snapshot : snapshots) {
      Duration clock = snapshot.vmClock();
      lines.add(
          row(
              snapshot.id(),
              snapshot.name(),
              ByteSize.format(snapshot.vmStateSize()),
              DATE.format(snapshot.created()),
              "%02d:%02d:%02d.%03d"
                  .formatted(
                      clock.toHours(),
                      clock.toMinutesPart(),
                      clock.toSecondsPart(),
                      clock.toMillisPart()),
              ""));
    }
    return lines;
  }

  private static String row(
      String id, String tag, String size, String date, String clock, String count) {
    return "%-10s%-17s%8s%20s%13s%11s".formatted(id, tag, size, date, clock, count);
  }
}
