package io.equipoise.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** What {@code equipoise-bench-scoring-files} wrote: campaigns for the peers, requests, and the right answers. */
final class Instance {
  static final int MARKET = 3;
  static final int SURFACE = 5;
  static final long TIME = 1_000;
  static final float REFERENCE = 0.5f;

  /** One request and its answer. */
  static final class Turn {
    /** Numbers of campaigns, -1 for organic candidates. */
    final int[] promoted;
    final float[] organic;
    /** One column after the other; the last, displacement, is unwritten. */
    final float[] measures;
    final float[] scores;
    final int[] picks;

    private Turn(ByteBuffer in, int n, float[] organic, float[] measures) {
      promoted = ints(in, n);
      this.organic = organic;
      this.measures = measures;
      scores = floats(in, n);
      picks = ints(in, in.getInt());
    }
  }

  final int n;
  final int campaigns;
  /** Measures, {@code exposure} among them. */
  final int measures;
  /** The most picks that can be placed. */
  final int places;
  /** Value of each measure in the requests' segment. */
  final float[] values;
  /** Sets of markets and surfaces as bits, flights, and prices of all measures, per campaign. */
  final int[] markets;
  final int[] surfaces;
  final long[] start;
  final long[] end;
  final float[] prices;
  final Turn[] turns;
  /** Turn {@code t} has the organic scores and measures of turn {@code t % shared}. */
  final int shared;

  Instance(Path folder, int n) throws IOException {
    this.n = n;
    ByteBuffer in = read(folder.resolve("campaigns.bin"));
    campaigns = in.getInt();
    measures = in.getInt();
    places = in.getInt();
    values = floats(in, measures);
    markets = new int[campaigns];
    surfaces = new int[campaigns];
    start = new long[campaigns];
    end = new long[campaigns];
    prices = new float[campaigns * measures];
    for (int c = 0; c < campaigns; c++) {
      markets[c] = in.getInt();
      surfaces[c] = in.getInt();
      start[c] = in.getLong();
      end[c] = in.getLong();
      in.asFloatBuffer().get(prices, c * measures, measures);
      in.position(in.position() + measures * Float.BYTES);
    }
    in = read(folder.resolve("requests-" + n + ".bin"));
    turns = new Turn[in.getInt()];
    shared = in.getInt();
    float[][] organic = new float[shared][];
    float[][] amounts = new float[shared][];
    for (int s = 0; s < shared; s++) {
      organic[s] = floats(in, n);
      amounts[s] = floats(in, n * (measures - 1));
    }
    for (int t = 0; t < turns.length; t++) {
      turns[t] = new Turn(in, n, organic[t % shared], amounts[t % shared]);
    }
  }

  /** The id of a campaign. */
  static String id(int campaign) {
    return String.format("campaign-%07d", campaign);
  }

  private static ByteBuffer read(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, Files.size(file)).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  private static int[] ints(ByteBuffer in, int count) {
    int[] out = new int[count];
    in.asIntBuffer().get(out);
    in.position(in.position() + count * Integer.BYTES);
    return out;
  }

  private static float[] floats(ByteBuffer in, int count) {
    float[] out = new float[count];
    in.asFloatBuffer().get(out);
    in.position(in.position() + count * Float.BYTES);
    return out;
  }
}
