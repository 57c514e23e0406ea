package io.equipoise.example;

import io.equipoise.EquipoiseException;
import io.equipoise.Policy;
import io.equipoise.Scorer;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;

/** Looks at the policy file now and then, and installs it when it has changed. A file that is refused changes nothing. */
final class PolicyFile {
  private static final System.Logger LOGGER = System.getLogger("io.equipoise.example");

  private final Path path;
  private final Scorer scorer;
  private final MeterRegistry registry;
  private List<Object> seen;

  PolicyFile(Path path, Scorer scorer, MeterRegistry registry) throws IOException {
    this.path = path;
    this.scorer = scorer;
    this.registry = registry;
    this.seen = stamp();
  }

  /** Size, time and identity: a file published by renaming has another identity. */
  private List<Object> stamp() throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
    return List.of(attributes.size(), attributes.lastModifiedTime(), String.valueOf(attributes.fileKey()));
  }

  /** One look; called by one thread at a time. */
  void look() {
    String result = "refused";
    try {
      List<Object> now = stamp();
      if (now.equals(seen)) {
        return;
      }
      seen = now;
      Policy next = Policy.load(path);
      if (next.id().equals(scorer.policy().id())) {
        return;
      }
      scorer.install(next);
      result = "installed";
      LOGGER.log(Level.INFO, "policy {0} installed", next.id());
    } catch (EquipoiseException | IOException e) {
      LOGGER.log(Level.WARNING, "policy file not installed: {0}", e.getMessage());
    }
    registry.counter("service.policy.installs", "result", result).increment();
  }
}
