package io.equipoise.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.equipoise.Policy;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The service as its callers see it: over HTTP. */
class ScoringServiceTest {
  private static final String BODY =
      "{\"market\": \"SE\", \"surface\": \"radio\", \"time\": 0, \"slots\": 2, \"key\": 7, \"reference\": 0.5,"
          + " \"organic\": [0.75, 0.25, 0.5], \"campaign\": [\"campaign-17\", \"only-sweden\", null],"
          + " \"measures\": {\"stream\": [0.5, 0.25, 1], \"save\": [0, 0.125, 1], \"nobody\": [1, 1, 1]}%s}";

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  private Path policy;
  private ScoringService service;

  private static Path policyFile(String name) {
    return Path.of(System.getProperty("equipoise.policies"), name + ".safetensors");
  }

  @BeforeEach
  void start() throws IOException {
    policy = folder.resolve("policy.safetensors");
    Files.copy(policyFile("example"), policy);
    Options o = Options.of(policy);
    service = ScoringService.start(new Options(policy, 0, 4, o.virtual(), Duration.ofMillis(20), o.grace()));
  }

  @AfterEach
  void stop() {
    service.close();
  }

  private HttpResponse<String> get(String path) throws Exception {
    return client.send(HttpRequest.newBuilder(uri(path)).timeout(PATIENCE).build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> post(String body) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(uri("/score")).timeout(PATIENCE).POST(HttpRequest.BodyPublishers.ofString(body)).build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + service.port() + path);
  }

  /** As a deployment does it: written beside, then renamed. */
  private void publish(Path file) throws IOException {
    Path beside = Files.copy(file, folder.resolve("next"), StandardCopyOption.REPLACE_EXISTING);
    Files.move(beside, policy, StandardCopyOption.ATOMIC_MOVE);
  }

  private String counter(String line) throws Exception {
    String text = get("/metrics").body();
    return text.lines().filter(l -> l.startsWith(line)).findFirst().orElse(line + " is not there");
  }

  @Test
  void aRequestIsScored() throws Exception {
    HttpResponse<String> response = post(String.format(BODY, ""));
    assertEquals(200, response.statusCode(), response.body());
    JsonNode answer = json.readTree(response.body());
    // stream - price; stream + 2.5 save - 0.5 (reference - organic); organic
    assertEquals(0.5 - 0.0625, answer.get("scores").get(0).asDouble());
    assertEquals(0.25 + 2.5 * 0.125 - 0.5 * 0.25, answer.get("scores").get(1).asDouble());
    assertEquals(0.0, answer.get("scores").get(2).asDouble());
    assertEquals("[{\"candidate\":0,\"place\":1},{\"candidate\":1,\"place\":3}]", answer.get("picks").toString());
    assertEquals(Policy.load(policy).id(), answer.get("policy_id").asText());
  }

  @Test
  void picksAreExplainedOnRequest() throws Exception {
    JsonNode why = json.readTree(post(String.format(BODY, ", \"explain\": true")).body()).get("picks").get(0).get("why");
    double sum = 0;
    for (JsonNode term : why.get("terms")) {
      sum += term.get("amount").asDouble();
    }
    assertEquals(0.5 - 0.0625, sum);
    assertEquals("picked", why.get("reason").asText());
  }

  @Test
  void wrongRequestsAreToldWhatIsWrong() throws Exception {
    assertEquals(405, get("/score").statusCode());
    assertEquals(404, get("/nothing").statusCode());
    for (String[] wrong :
        new String[][] {
          {"", "request.json"},
          {"{", "request.json"},
          {"null", "request.json"},
          {"{\"campaign\": null}", "request.json"},
          {"{\"campaigns\": []}", "request.json"},
          {"{\"campaign\": [\"a\"], \"organic\": [1, 2]}", "request.shape"},
          {"{\"campaign\": [\"a\"], \"measures\": {\"stream\": null}}", "request.shape"},
          {"{\"campaign\": [\"a\"], \"measures\": {\"nobody\": [1, 2]}}", "request.shape"},
          {"{\"campaign\": [\"campaign-17\"], \"measures\": {\"stream\": [-1], \"displacement\": [0]}}", "invalid_input.range"},
          {"{\"campaign\": [\"\\ud800\"]}", "invalid_input.unicode"},
        }) {
      HttpResponse<String> response = post(wrong[0]);
      assertEquals(400, response.statusCode(), wrong[0]);
      assertEquals(wrong[1], json.readTree(response.body()).get("code").asText(), wrong[0]);
    }
    assertEquals(413, post(" ".repeat((4 << 20) + 1)).statusCode());
    assertEquals(200, post("{\"campaign\": []}").statusCode());
  }

  @Test
  void theFileIsSwappedWhileRequestsAreScored() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    AtomicInteger answers = new AtomicInteger();
    CompletableFuture<Void> load =
        CompletableFuture.runAsync(
            () -> {
              try {
                while (!stop.get()) {
                  assertEquals(200, post(String.format(BODY, "")).statusCode());
                  answers.incrementAndGet();
                }
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });
    for (String name : List.of("permuted-0", "permuted-1", "example", "permuted-2")) {
      publish(policyFile(name));
      String id = Policy.load(policy).id();
      long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
      while (!get("/healthz").body().contains(id)) {
        assertTrue(System.nanoTime() < end, name + " is not installed");
      }
    }
    stop.set(true);
    load.get();
    assertTrue(answers.get() > 0);
    assertEquals("equipoise_policy_installs_total{result=\"installed\"} 4.0", counter("equipoise_policy_installs_total{result=\"installed\"}"));
  }

  @Test
  void aFileThatIsRefusedChangesNothing() throws Exception {
    String before = get("/healthz").body();
    publish(Files.writeString(folder.resolve("broken"), "not a policy"));
    String refused = "equipoise_policy_installs_total{result=\"corrupt\"}";
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (!counter(refused).endsWith(" 1.0")) {
      assertTrue(System.nanoTime() < end, "nothing was refused");
    }
    assertEquals(before, get("/healthz").body());
    assertEquals(200, post(String.format(BODY, "")).statusCode());
  }

  @Test
  void requestsAreCounted() throws Exception {
    post(String.format(BODY, ""));
    post("{");
    // The scorer's numbers are asked for anew after a hundredth of a second.
    Thread.sleep(50);
    String text = get("/metrics").body();
    assertTrue(text.contains("service_requests_seconds_count{path=\"/score\",status=\"200\"} 1"), text);
    assertTrue(text.contains("service_requests_seconds_count{path=\"/score\",status=\"400\"} 1"), text);
    assertTrue(text.contains("equipoise_score_requests_total 1.0"), text);
    assertTrue(text.contains("service_requests_seconds_bucket{path=\"/score\",status=\"200\",le=\"+Inf\"} 1"), text);
  }

  @Test
  void aStopLetsRequestsUnderWayFinish() throws Exception {
    byte[] body = String.format(BODY, "").getBytes(StandardCharsets.UTF_8);
    try (Socket socket = new Socket("127.0.0.1", service.port())) {
      String head = "POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: " + body.length + "\r\n\r\n";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      socket.getOutputStream().write(body, 0, 10);
      // The answer to this shows that the service is at work on that.
      assertEquals(200, get("/healthz").statusCode());
      Thread.sleep(100);
      CompletableFuture<Void> stopped = CompletableFuture.runAsync(service::close);
      long end = System.nanoTime() + Duration.ofSeconds(3).toNanos();
      while (get("/healthz").statusCode() != 503) {
        assertTrue(System.nanoTime() < end, "the stop is not told");
      }
      socket.getOutputStream().write(body, 10, body.length - 10);
      byte[] start = socket.getInputStream().readNBytes(12);
      assertEquals("HTTP/1.1 200", new String(start, StandardCharsets.US_ASCII));
      stopped.get();
    }
    assertThrows(IOException.class, () -> get("/healthz"));
  }

  @Test
  void virtualThreadsAreAnOptionWhereThereAreSome() throws Exception {
    Options virtual = new Options(policy, 0, 1, true, Duration.ofSeconds(1), Duration.ofSeconds(1));
    if (Runtime.version().feature() < 21) {
      assertThrows(IllegalArgumentException.class, () -> ScoringService.start(virtual));
      return;
    }
    service.close();
    service = ScoringService.start(virtual);
    assertEquals(200, post(String.format(BODY, "")).statusCode());
  }
}
