package lodge.cli;

import picocli.CommandLine.Option;

/** The options that choose between text for people and JSON. */
final class OutputForm {
  /** By the names that the option takes. */
  enum Form {
    human,
    json
  }

  @Option(
      names = "--output",
      paramLabel = "FORM",
      description = "human or json; without this human.")
  private Form form = Form.human;

  @Option(names = "--json", description = "The same as --output json.")
  private boolean json;

  boolean isJson() {
    return json || form == Form.json;
  }
}
