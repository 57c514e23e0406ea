package io.equipoise.jfr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.equipoise.Scorer;
import io.equipoise.Workspace;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A recording holds the scorer's numbers. */
class EquipoiseEventsTest {
  @TempDir Path folder;

  private List<RecordedEvent> record(Runnable job) throws Exception {
    try (Recording recording = new Recording()) {
      recording.enable("io.equipoise.Number").with("period", "endChunk");
      recording.start();
      job.run();
      recording.stop();
      Path file = folder.resolve("recording.jfr");
      recording.dump(file);
      return RecordingFile.readAllEvents(file).stream().filter(e -> e.getEventType().getName().equals("io.equipoise.Number")).toList();
    }
  }

  @Test
  void numbersAreRecordedUntilClosed() throws Exception {
    try (Scorer scorer = Scorer.empty()) {
      EquipoiseEvents events = EquipoiseEvents.register("main", scorer);
      List<RecordedEvent> found =
          record(
              () -> {
                try (Workspace ws = scorer.borrow()) {
                  for (int request = 0; request < 3; request++) {
                    ws.begin(scorer.policy(), 2).score();
                  }
                }
              });
      RecordedEvent requests =
          found.stream().filter(e -> e.getString("number").equals("equipoise.score.requests")).reduce((a, b) -> b).orElseThrow();
      assertEquals(3.0, requests.getDouble("value"));
      assertEquals("main", requests.getString("scorer"));
      assertTrue(found.stream().allMatch(e -> e.getDouble("value") != 0));
      events.close();
      assertEquals(List.of(), record(() -> {}));
    }
  }

  @Test
  void aClosedScorerEmitsNothing() throws Exception {
    Scorer scorer = Scorer.empty();
    try (EquipoiseEvents events = EquipoiseEvents.register("main", scorer)) {
      scorer.close();
      assertEquals(List.of(), record(() -> {}));
    }
  }
}
