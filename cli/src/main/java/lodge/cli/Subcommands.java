package lodge.cli;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/**
 * The commands of a command. Only the one that is asked for is built: picocli looks through a
 * command's class for some 20 ms, as long as a small image's conversion takes.
 */
record Subcommands(List<Class<?>> all) {
  /**
   * @param words of which the first may be a command's name
   */
  void addTo(CommandLine line, List<String> words) {
    List<Class<?>> asked =
        all.stream()
            .filter(each -> !words.isEmpty() && name(each).equals(words.getFirst()))
            .toList();
    boolean any = asked.isEmpty() || asked.contains(HelpCommand.class);
    for (Class<?> command : any ? all : asked) {
      line.addSubcommand(command);
    }
  }

  private static String name(Class<?> command) {
    return command.getAnnotation(Command.class).name();
  }
}
