package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** GraalVM's configuration names what is there: classes, the method that the library calls, and the resources that are read. */
class NativeImageTest {
  private static final String FOLDER = "/META-INF/native-image/io.equipoise/equipoise/";

  private static JsonNode read(String file) throws Exception {
    try (InputStream in = Equipoise.class.getResourceAsStream(FOLDER + file)) {
      return new ObjectMapper().readTree(in);
    }
  }

  @Test
  void everyClassAndMethodIsThere() throws Exception {
    int methods = 0;
    for (JsonNode entry : read("jni-config.json")) {
      Class<?> type = Class.forName(entry.get("name").asText());
      for (JsonNode method : entry.path("methods")) {
        List<Class<?>> parameters = new ArrayList<>();
        for (JsonNode parameter : method.get("parameterTypes")) {
          String name = parameter.asText();
          parameters.add(name.equals("long") ? long.class : Class.forName(name));
        }
        assertNotNull(type.getDeclaredMethod(method.get("name").asText(), parameters.toArray(new Class<?>[0])));
        methods++;
      }
    }
    assertEquals(3, methods);
  }

  @Test
  void everyResourceIsIncluded() throws Exception {
    List<String> patterns = new ArrayList<>();
    read("resource-config.json").get("resources").get("includes").forEach(i -> patterns.add(i.get("pattern").asText()));
    for (String resource : List.of("io/equipoise/equipoise.properties", Jvm.nativeResource())) {
      assertNotNull(getClass().getClassLoader().getResource(resource));
      assertTrue(patterns.stream().anyMatch(p -> Pattern.matches(p, resource)), resource);
    }
  }
}
