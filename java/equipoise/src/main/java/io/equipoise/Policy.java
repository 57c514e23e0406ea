package io.equipoise;

import java.lang.ref.Reference;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a service loads: objectives, prices, eligibility and slate rules, immutable. Safe to use from any thread; its native memory is
 * freed some time after the object is unreachable, or by {@link #close()}.
 *
 * <p>Rows, and the indices of measures, markets and surfaces, belong to one policy. Resolve them once per policy, not per request.
 */
public final class Policy {
  /** The row of a campaign that a policy does not know, and the index of a market, surface or measure likewise. */
  public static final int UNKNOWN = -1;
  /** The row of a candidate that is not promoted at all. It is scored like an unknown one, and has another reason. */
  public static final int ORGANIC = -2;

  private final Handle handle;
  private final String id;
  private final int size;
  private final List<String> measures;

  /** Takes over a native policy. */
  Policy(long raw) {
    handle = new Handle(this, raw, Native::policyRelease);
    id = Native.policyId(raw);
    size = Native.policySize(raw);
    measures = List.of(Native.policyMeasures(raw));
  }

  /**
   * Loads and checks a policy file.
   *
   * @param path a {@code .safetensors} policy file
   * @return the policy
   * @throws PolicyException if the file is not a policy that this version reads
   * @throws InvalidInputException if the file cannot be read
   */
  public static Policy load(Path path) {
    NativeLibrary.require();
    if (path == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "path", -1, "is null, wanted a path");
    }
    if (path.getFileSystem() == FileSystems.getDefault()) {
      return new Policy(Native.policyLoad(Text.utf8(path.toAbsolutePath().toString(), "path", -1)));
    }
    try {
      return fromBytes(Files.readAllBytes(path));
    } catch (IOException e) {
      EquipoiseException fault = EquipoiseException.fault(InvalidInputException.IO, "path", -1, "cannot be read: " + e);
      fault.initCause(e);
      throw fault;
    }
  }

  /**
   * Checks a policy file that is in memory.
   *
   * @param bytes the bytes of a policy file
   * @return the policy
   * @throws PolicyException if the bytes are not a policy that this version reads
   */
  public static Policy fromBytes(byte[] bytes) {
    NativeLibrary.require();
    if (bytes == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "bytes", -1, "is null, wanted the bytes of a policy file");
    }
    return new Policy(Native.policyFromBytes(bytes));
  }

  /** The policy without campaigns: every id is unknown, every request in organic order. */
  static Policy empty() {
    NativeLibrary.require();
    return new Policy(Native.policyEmpty());
  }

  /**
   * The row of a campaign: a number to store in {@link Workspace#campaign(int, int)} for requests of this policy, in this process.
   *
   * @param id the campaign's id
   * @return the row, or -1 if this policy does not know the campaign
   * @throws InvalidInputException if {@code id} is null or not valid Unicode
   */
  public int row(String id) {
    byte[] text = Text.utf8(id, "id", -1);
    int[] out = new int[1];
    rows(text, new int[] {text.length}, out, 1);
    return out[0];
  }

  /**
   * The rows of many campaigns, in one native call.
   *
   * @param ids ids of campaigns
   * @param out takes the rows, -1 for unknown ids; at least as long as {@code ids}
   * @return how many ids this policy does not know
   * @throws InvalidInputException if an id is null or not valid Unicode, or {@code out} is too short; {@code out} is then unchanged
   */
  public int rows(List<String> ids, int[] out) {
    if (ids == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "ids", -1, "is null, wanted ids");
    }
    return rows(ids.toArray(new String[0]), out);
  }

  /**
   * The rows of many campaigns, in one native call.
   *
   * @param ids ids of campaigns
   * @param out takes the rows, -1 for unknown ids; at least as long as {@code ids}
   * @return how many ids this policy does not know
   * @throws InvalidInputException if an id is null or not valid Unicode, or {@code out} is too short; {@code out} is then unchanged
   */
  public int rows(String[] ids, int[] out) {
    if (ids == null || out == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, ids == null ? "ids" : "out", -1, "is null, wanted an array");
    }
    if (out.length < ids.length) {
      throw EquipoiseException.fault(
          InvalidInputException.SHAPE, "out", -1, "has length " + out.length + ", wanted at least " + ids.length);
    }
    byte[] text = new byte[16 * ids.length];
    int[] ends = new int[ids.length];
    int end = 0;
    for (int i = 0; i < ids.length; i++) {
      byte[] id = Text.utf8(ids[i], "ids", i);
      if (id.length > text.length - end) {
        long wanted = Math.min(Integer.MAX_VALUE - 8L, Math.max(2L * text.length, (long) end + id.length));
        if ((long) end + id.length > wanted) {
          throw EquipoiseException.fault(InvalidInputException.TOO_LARGE, "ids", i, "all ids together pass 2 GiB; resolve them in parts");
        }
        text = Arrays.copyOf(text, (int) wanted);
      }
      System.arraycopy(id, 0, text, end, id.length);
      end += id.length;
      ends[i] = end;
    }
    return rows(text, ends, out, ids.length);
  }

  private int rows(byte[] text, int[] ends, int[] out, int count) {
    try {
      return Native.policyRows(handle.raw, text, ends, out, count);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * The index of a market.
   *
   * @param name the market
   * @return its index for {@link Workspace#market(int)}, or -1 if this policy does not know it
   */
  public int market(String name) {
    return index(Native.MARKET, name);
  }

  /**
   * The index of a surface.
   *
   * @param name the surface
   * @return its index for {@link Workspace#surface(int)}, or -1 if this policy does not know it
   */
  public int surface(String name) {
    return index(Native.SURFACE, name);
  }

  /**
   * The index of a measure.
   *
   * @param name the measure
   * @return its index for {@link Workspace#measure(int, int, float)}, or -1 if this policy does not use it
   */
  public int measure(String name) {
    return index(Native.MEASURE, name);
  }

  private int index(int what, String name) {
    try {
      return Native.policyIndex(handle.raw, what, Text.utf8(name, "name", -1));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * The policy's id, which names its contents: 32 hexadecimal digits.
   *
   * @return the id
   */
  public String id() {
    return id;
  }

  /**
   * The measures that a request gives for each candidate, in the order of their indices. {@code displacement} may be among them; it is
   * filled from organic scores and the reference unless it is written.
   *
   * @return names, immutable
   */
  public List<String> measures() {
    return measures;
  }

  /**
   * Everything that travels along with the policy as text: format, objectives, slate, certificate, programme, epoch.
   *
   * @return keys and values in the file's order, immutable
   */
  public Map<String, String> metadata() {
    String[] told;
    try {
      told = Native.policyMetadata(handle.raw);
    } finally {
      Reference.reachabilityFence(this);
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    for (int i = 0; i < told.length; i += 2) {
      metadata.put(told[i], told[i + 1]);
    }
    return Collections.unmodifiableMap(metadata);
  }

  /**
   * The planner's certificate, one JSON object: {@code status}, {@code upper_bound}, {@code value}, {@code gap}, {@code worst_violation},
   * {@code passes}, and {@code serving} for the serving rule on opportunities that the plan has not seen.
   *
   * @return the certificate's text, or empty where the policy carries none
   */
  public Optional<String> certificate() {
    return Optional.ofNullable(metadata().get("certificate"));
  }

  /**
   * From when on this policy serves the organic order only.
   *
   * @return microseconds since 1970 UTC, or empty for never
   */
  public OptionalLong validUntil() {
    String until = metadata().get("valid_until");
    return until == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(until));
  }

  /**
   * The same policy, not to be served from {@code epochMicros} on.
   *
   * @param epochMicros microseconds since 1970 UTC
   * @return another policy, with an id of its own
   */
  public Policy withValidUntil(long epochMicros) {
    try {
      return new Policy(Native.policyWithValidUntil(handle.raw, epochMicros));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * The lineage that the policy carries.
   *
   * @return programme, epoch and parent, each null where it has none; so is an epoch that is no number below 2^63
   */
  public Lineage lineage() {
    Map<String, String> metadata = metadata();
    Long epoch = null;
    try {
      epoch = metadata.containsKey("epoch") ? Long.valueOf(metadata.get("epoch")) : null;
    } catch (NumberFormatException none) {
      // Nothing that an epoch could be compared with.
    }
    return new Lineage(metadata.get("programme"), epoch, metadata.get("parent_id"));
  }

  /**
   * The same policy of another lineage.
   *
   * @param lineage programme, epoch and parent
   * @return another policy, with an id of its own
   * @throws InvalidInputException if the epoch is negative, or the parent no id
   */
  public Policy withLineage(Lineage lineage) {
    if (lineage == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "lineage", -1, "is null");
    }
    Long epoch = lineage.epoch();
    if (epoch != null && epoch < 0) {
      throw EquipoiseException.fault(InvalidInputException.RANGE, "epoch", -1, "is " + epoch + ", wanted at least 0");
    }
    byte[] programme = lineage.programme() == null ? null : Text.utf8(lineage.programme(), "programme", -1);
    byte[] parent = lineage.parentId() == null ? null : Text.utf8(lineage.parentId(), "parentId", -1);
    try {
      return new Policy(Native.policyWithLineage(handle.raw, programme, epoch == null ? -1 : epoch, parent));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * The bytes of the policy's file: what {@link #fromBytes} takes.
   *
   * @return a copy
   */
  public byte[] toBytes() {
    try {
      return Native.policyBytes(handle.raw);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Writes the policy's file beside the path, then renames it, so that nobody reads it half written.
   *
   * @param path a file of the default file system
   * @throws InvalidInputException if it cannot be written
   */
  public void save(Path path) {
    byte[] text = Text.ofPath(path);
    try {
      Native.policySave(handle.raw, text);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * How many campaigns the policy holds.
   *
   * @return a number from 0
   */
  public int size() {
    return size;
  }

  /**
   * Frees the native memory now instead of when the collector finds this object, which may be long after a service with little garbage
   * has moved on to the next policy. Looking something up, or starting to score with it, then throws {@code usage.closed}; a
   * workspace that has scored with it keeps it until it begins and scores with another. Need not be called; twice does nothing.
   */
  public void close() {
    handle.release();
  }

  /** The native handle; keep this object reachable while it is in use. */
  long raw() {
    return handle.raw;
  }

  /**
   * Names the policy.
   *
   * @return id and size
   */
  @Override
  public String toString() {
    return "Policy[id=" + id + ", size=" + size + "]";
  }
}
