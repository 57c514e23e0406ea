package io.equipoise.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The command line. */
class OptionsTest {
  @Test
  void everyOptionIsRead() {
    Options read =
        Options.parse("--policy", "p", "--port", "1", "--threads", "3", "--virtual-threads", "--watch-milliseconds", "5", "--grace-milliseconds", "6");
    assertEquals(new Options(Path.of("p"), 1, 3, true, Duration.ofMillis(5), Duration.ofMillis(6)), read);
  }

  @Test
  void whatIsWrongIsAnError() {
    for (String[] wrong : new String[][] {{}, {"--policy"}, {"--polic", "x"}, {"--policy", "p", "--port", "x"}}) {
      assertThrows(IllegalArgumentException.class, () -> Options.parse(wrong));
    }
  }
}
