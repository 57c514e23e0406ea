import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Posts one body over kept connections of the loopback interface, and prints one JSON line of latencies.
 *
 * <p>Run from source: {@code java LoadGenerator.java PORT BODY CONNECTIONS SECONDS RATE SEED}.
 *
 * <p>RATE 0 is a closed loop: each connection asks again when it was answered; what it reaches is the capacity. Otherwise the loop is open:
 * requests fall due at RATE a second, by a Poisson process drawn beforehand, whatever the service does, and a latency counts from when a
 * request was due, so that time spent waiting for a free connection is not omitted.
 */
public final class LoadGenerator {
    private static final int WARM_UP = 2_000;

    private final int port;
    private final byte[] message;
    /** When each request is due, in nanoseconds from the start; null in a closed loop. */
    private final long[] due;
    private final long[] latencies;
    private final AtomicInteger next = new AtomicInteger();
    private volatile long start;
    private volatile long end;

    private LoadGenerator(int port, byte[] message, double seconds, double rate, Random random) {
        this.port = port;
        this.message = message;
        if (rate == 0) {
            due = null;
            latencies = new long[(int) (seconds * 1_000_000)];
        } else {
            due = new long[(int) Math.ceil(rate * seconds)];
            double at = 0;
            for (int i = 0; i < due.length; i++) {
                at -= Math.log1p(-random.nextDouble()) / rate;
                due[i] = (long) (at * 1e9);
            }
            latencies = new long[due.length];
        }
        end = (long) (seconds * 1e9);
    }

    /** One kept connection. */
    private final class Connection implements Runnable {
        private final Socket socket = new Socket();
        private final InputStream in;
        private final OutputStream out;
        private final byte[] buffer = new byte[1 << 16];

        Connection() throws IOException {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(10_000);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
            out = socket.getOutputStream();
        }

        @Override
        public void run() {
            try (socket) {
                while (true) {
                    long from = System.nanoTime();
                    if (due == null && from - start >= end) {
                        return;
                    }
                    int i = next.getAndIncrement();
                    if (i >= latencies.length) {
                        return;
                    }
                    if (due != null) {
                        from = start + due[i];
                        for (long wait = from - System.nanoTime(); wait > 0; wait = from - System.nanoTime()) {
                            LockSupport.parkNanos(wait);
                        }
                    }
                    ask();
                    latencies[i] = System.nanoTime() - from;
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        void ask() throws IOException {
            out.write(message);
            int length = -1;
            String status = line();
            if (!status.startsWith("HTTP/1.1 200")) {
                throw new IOException("answered " + status);
            }
            for (String header = line(); !header.isEmpty(); header = line()) {
                if (header.regionMatches(true, 0, "Content-length:", 0, 15)) {
                    length = Integer.parseInt(header.substring(15).trim());
                }
            }
            for (int left = length; left > 0; ) {
                int read = in.read(buffer, 0, Math.min(left, buffer.length));
                if (read < 0) {
                    throw new IOException("the answer ended early");
                }
                left -= read;
            }
        }

        private String line() throws IOException {
            StringBuilder text = new StringBuilder();
            for (int c = in.read(); c != '\n'; c = in.read()) {
                if (c < 0) {
                    throw new IOException("the service closed the connection");
                }
                if (c != '\r') {
                    text.append((char) c);
                }
            }
            return text.toString();
        }
    }

    private void run(int count) throws Exception {
        Connection[] connections = new Connection[count];
        for (int c = 0; c < count; c++) {
            connections[c] = new Connection();
            for (int i = 0; i < WARM_UP / count + 1; i++) {
                connections[c].ask();
            }
        }
        Throwable[] failed = new Throwable[1];
        Thread[] threads = new Thread[count];
        start = System.nanoTime();
        for (int c = 0; c < count; c++) {
            threads[c] = new Thread(connections[c]);
            threads[c].setUncaughtExceptionHandler((thread, e) -> failed[0] = e);
            threads[c].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (failed[0] != null) {
            throw new IllegalStateException(failed[0]);
        }
        int done = Math.min(next.get(), latencies.length);
        long[] sorted = Arrays.copyOf(latencies, done);
        if (due == null) {
            // Numbers that were drawn, but whose time had passed.
            sorted = Arrays.stream(sorted).filter(l -> l > 0).toArray();
        }
        Arrays.sort(sorted);
        System.out.printf(
                "{\"requests\": %d, \"seconds\": %.3f, \"rate\": %.1f, \"mean\": %.1f, \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}%n",
                sorted.length,
                seconds,
                sorted.length / seconds,
                Arrays.stream(sorted).average().orElse(0) / 1e3,
                quantile(sorted, 0.5),
                quantile(sorted, 0.99),
                quantile(sorted, 0.999),
                quantile(sorted, 1));
    }

    /** In microseconds. */
    private static double quantile(long[] sorted, double q) {
        return sorted[Math.min(sorted.length - 1, (int) (q * sorted.length))] / 1e3;
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        byte[] body = Files.readAllBytes(Path.of(arguments[1]));
        String head = "POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + body.length + "\r\n\r\n";
        byte[] message = Arrays.copyOf(head.getBytes(StandardCharsets.US_ASCII), head.length() + body.length);
        System.arraycopy(body, 0, message, head.length(), body.length);
        double seconds = Double.parseDouble(arguments[3]);
        Random random = new Random(Long.parseLong(arguments[5]));
        new LoadGenerator(port, message, seconds, Double.parseDouble(arguments[4]), random).run(Integer.parseInt(arguments[2]));
    }
}
