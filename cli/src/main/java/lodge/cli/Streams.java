package lodge.cli;

import java.io.InputStream;
import java.io.PrintStream;

/** Standard input, output and error, so that a test can bring its own. */
record Streams(InputStream input, PrintStream output, PrintStream errors) {}
