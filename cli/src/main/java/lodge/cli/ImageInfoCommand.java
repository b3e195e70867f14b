package lodge.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import lodge.disk.ImageInfo;
import lodge.disk.Snapshot;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lodge image info}. */
@Command(
    name = "info",
    description = "Prints what an image's header says.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false)
final class ImageInfoCommand implements Callable<Integer> {
  @Mixin private SourceFormat format;

  @Option(names = "--backing-chain", description = "And the images behind it.")
  private boolean chain;

  @Mixin private OutputForm output;
  @Mixin private ForceShare share;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    List<ImageInfo> images = new ArrayList<>();
    images.add(ImageInfo.read(file, format.of(file), share.access()));
    Set<Path> seen = new HashSet<>(Set.of(file.toRealPath()));
    while (chain && images.getLast().backing().isPresent()) {
      ImageInfo.Backing behind = images.getLast().backing().get();
      images.add(ImageInfo.read(behind.file(), behind.known(), share.access()));
      if (!seen.add(behind.file().toRealPath())) {
        throw new BadInput(
            images.get(images.size() - 2).file()
                + ": backing file '"
                + behind.name()
                + "' is in front of it already");
      }
    }
    PrintWriter out = spec.commandLine().getOut();
    if (output.isJson()) {
      List<Map<String, Object>> objects = images.stream().map(ImageInfoCommand::object).toList();
      out.println(Json.pretty(chain ? objects : objects.getFirst()));
    } else {
      out.println(String.join("\n\n", images.stream().map(ImageInfoCommand::text).toList()));
    }
    out.flush();
    return ExitStatus.OK;
  }

  private static String text(ImageInfo info) {
    List<String> lines = new ArrayList<>();
    lines.add("image: " + info.file());
    lines.add("file format: " + info.format().label());
    lines.add("virtual size: %s (%d bytes)".formatted(ByteSize.format(info.size()), info.size()));
    lines.add("disk size: " + ByteSize.format(info.allocated()));
    if (info.dirty()) {
      lines.add("cleanly shut down: no");
    }
    info.clusterSize().ifPresent(size -> lines.add("cluster_size: " + size));
    info.backing()
        .ifPresent(
            backing -> {
              String name = backing.name();
              String actual = backing.file().toString();
              boolean same = name.equals(actual);
              lines.add("backing file: " + name + (same ? "" : " (actual path: " + actual + ")"));
              backing.format().ifPresent(label -> lines.add("backing file format: " + label));
            });
    lines.addAll(ImageSnapshotCommand.lines(info.snapshots()));
    if (!info.details().isEmpty()) {
      lines.add("Format specific information:");
      info.details()
          .forEach((name, value) -> lines.add("    " + name.replace('-', ' ') + ": " + value));
    }
    return String.join("\n", lines);
  }

  private static Map<String, Object> object(ImageInfo info) {
    Map<String, Object> object = new LinkedHashMap<>();
    if (!info.snapshots().isEmpty()) {
      object.put(
          "snapshots", info.snapshots().stream().map(ImageInfoCommand::snapshotObject).toList());
    }
    object.put("virtual-size", info.size());
    object.put("filename", info.file().toString());
    info.clusterSize().ifPresent(size -> object.put("cluster-size", size));
    object.put("format", info.format().label());
    object.put("actual-size", info.allocated());
    if (!info.details().isEmpty()) {
      object.put("format-specific", Map.of("type", info.format().label(), "data", info.details()));
    }
    info.backing()
        .ifPresent(
            backing -> {
              object.put("full-backing-filename", backing.file().toString());
              object.put("backing-filename", backing.name());
              backing.format().ifPresent(label -> object.put("backing-filename-format", label));
            });
    object.put("dirty-flag", info.dirty());
    return object;
  }

  private static Map<String, Object> snapshotObject(Snapshot snapshot) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("id", snapshot.id());
    object.put("name", snapshot.name());
    object.put("vm-state-size", snapshot.vmStateSize());
    object.put("date-sec", snapshot.created().getEpochSecond());
    object.put("date-nsec", snapshot.created().getNano());
    object.put("vm-clock-sec", snapshot.vmClock().toSeconds());
    object.put("vm-clock-nsec", snapshot.vmClock().toNanosPart());
    return object;
  }
}
