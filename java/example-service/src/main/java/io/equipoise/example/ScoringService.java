package io.equipoise.example;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.equipoise.EquipoiseException;
import io.equipoise.InvalidInputException;
import io.equipoise.Policy;
import io.equipoise.Scorer;
import io.equipoise.micrometer.EquipoiseMetrics;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A service that scores: {@code POST /score} takes a {@link ScoreRequest}, {@code GET /metrics} answers in Prometheus format, {@code GET
 * /healthz} tells whether requests are welcome. The policy file is watched and swapped while requests are scored; a stop lets requests under
 * way finish.
 */
public final class ScoringService implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger("io.equipoise.example");
  /** The longest body that is read: some 20,000 candidates. */
  private static final int BODY_LIMIT = 4 << 20;

  private final Options options;
  private final Scorer scorer;
  private final Promotion promotion;
  private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final ObjectMapper json = new ObjectMapper();
  private final HttpServer server;
  private final ExecutorService threads;
  private final AtomicInteger underWay = new AtomicInteger();
  private volatile boolean stopping;

  private ScoringService(Options options) throws IOException {
    this.options = options;
    threads = Threads.start(options);
    Policy policy = Policy.load(options.policy());
    // Compiled code serves every scorer; the one that serves counts real requests only.
    try (Scorer warm = Scorer.of(policy)) {
      warm.warmUp();
    }
    scorer = Scorer.of(policy);
    promotion = new Promotion(scorer);
    scorer.watch(options.policy(), options.watch());
    new EquipoiseMetrics(scorer).bindTo(registry);
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", options.port()), 1024);
    server.createContext("/score", counted("/score", this::score));
    server.createContext("/metrics", counted("/metrics", this::metrics));
    server.createContext("/healthz", counted("/healthz", this::health));
    server.setExecutor(threads);
  }

  /**
   * Loads the policy and begins to answer.
   *
   * @param options what to serve, and how
   * @return the running service
   * @throws IOException if the port is taken
   * @throws EquipoiseException if the policy file is refused
   */
  public static ScoringService start(Options options) throws IOException {
    ScoringService service = new ScoringService(options);
    service.server.start();
    LOGGER.log(Level.INFO, "policy {0}, port {1}", service.scorer.policy().id(), String.valueOf(service.port()));
    return service;
  }

  /**
   * Where the service listens.
   *
   * @return a port
   */
  public int port() {
    return server.getAddress().getPort();
  }

  private void score(HttpExchange exchange) throws IOException {
    if (!exchange.getRequestMethod().equals("POST")) {
      exchange.getResponseHeaders().set("Allow", "POST");
      refuse(exchange, 405, "request.method", "wanted POST");
      return;
    }
    byte[] body = exchange.getRequestBody().readNBytes(BODY_LIMIT + 1);
    if (body.length > BODY_LIMIT) {
      refuse(exchange, 413, "request.too_large", "the limit is " + BODY_LIMIT + " bytes");
      return;
    }
    try {
      ScoreRequest request = json.readValue(body, ScoreRequest.class);
      if (request == null || request.campaign() == null) {
        refuse(exchange, 400, "request.json", "has no campaigns");
        return;
      }
      answer(exchange, 200, "application/json", json.writeValueAsBytes(promotion.score(request)));
    } catch (JsonProcessingException e) {
      refuse(exchange, 400, "request.json", e.getOriginalMessage());
    } catch (IllegalArgumentException e) {
      refuse(exchange, 400, "request.shape", e.getMessage());
    } catch (InvalidInputException e) {
      refuse(exchange, 400, e.code(), e.getMessage());
    } catch (EquipoiseException e) {
      LOGGER.log(Level.ERROR, "a request failed", e);
      refuse(exchange, 500, e.code(), e.getMessage());
    }
  }

  private void metrics(HttpExchange exchange) throws IOException {
    answer(exchange, 200, "text/plain; version=0.0.4", registry.scrape());
  }

  private void health(HttpExchange exchange) throws IOException {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("status", stopping ? "stopping" : "serving");
    if (!stopping) {
      state.put("policy_id", scorer.policy().id());
    }
    answer(exchange, stopping ? 503 : 200, "application/json", json.writeValueAsBytes(state));
  }

  private void refuse(HttpExchange exchange, int status, String code, String message) throws IOException {
    answer(exchange, status, "application/json", json.writeValueAsBytes(Map.of("code", code, "message", String.valueOf(message))));
  }

  private static void answer(HttpExchange exchange, int status, String type, String text) throws IOException {
    answer(exchange, status, type, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void answer(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  /** Times requests, counts those under way, and ends every exchange: this server would leave the caller of a failed one waiting. */
  private HttpHandler counted(String path, HttpHandler handler) {
    return exchange -> {
      underWay.incrementAndGet();
      long start = System.nanoTime();
      try (exchange) {
        handler.handle(exchange);
      } catch (RuntimeException | Error e) {
        LOGGER.log(Level.ERROR, "a bug", e);
        throw e;
      } finally {
        underWay.decrementAndGet();
        Timer.builder("service.requests")
            .tag("path", path)
            .tag("status", String.valueOf(exchange.getResponseCode()))
            .publishPercentileHistogram()
            .register(registry)
            .record(System.nanoTime() - start, TimeUnit.NANOSECONDS);
      }
    };
  }

  /** Tells health checks that it stops, lets requests under way finish, then ends everything. Closing twice does nothing. */
  @Override
  public synchronized void close() {
    if (stopping) {
      return;
    }
    stopping = true;
    long end = System.nanoTime() + options.grace().toNanos();
    try {
      while (underWay.get() > 0 && System.nanoTime() < end) {
        Thread.sleep(5);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    server.stop(0);
    threads.shutdownNow();
    scorer.close();
    LOGGER.log(Level.INFO, "stopped");
  }

  /**
   * Runs the service until the process is told to stop.
   *
   * @param arguments see {@link Options}
   * @throws IOException if the port is taken
   */
  public static void main(String... arguments) throws IOException {
    // Small answers are sent at once.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    Options options;
    try {
      options = Options.parse(arguments);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.exit(2);
      return;
    }
    ScoringService service = start(options);
    Runtime.getRuntime().addShutdownHook(new Thread(service::close));
    System.out.println("listening on " + service.port());
  }
}
