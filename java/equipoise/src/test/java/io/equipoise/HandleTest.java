package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Handles that are forged, stale or of the other kind are refused; none is followed. */
class HandleTest {
  private static final int FORGED = Soak.times(100_000);

  private static void assertRefused(Executable call) {
    assertEquals("usage.closed", assertThrows(UsageException.class, call).code());
  }

  private static int score(long workspace, long policy, int n) {
    return Native.score(workspace, policy, n, 0, 0, 0, -1, -1, 0, 0);
  }

  @Test
  void forgedHandlesFindNothing() {
    NativeLibrary.require();
    Random random = new Random(7);
    for (int i = 0; i < FORGED; i++) {
      long handle = i < 1000 ? i - 500 : random.nextLong();
      try {
        switch (i % 4) {
          case 0:
            Native.policySize(handle);
            break;
          case 1:
            score(handle, handle, 1);
            break;
          case 2:
            Native.policyRelease(handle);
            Native.workspaceRelease(handle);
            break;
          default:
            if (i % 8 < 4) {
              Native.explain(handle, i);
            } else {
              Native.tellReasons(handle);
            }
        }
      } catch (UsageException e) {
        assertEquals("usage.closed", e.code());
      }
    }
    System.out.println("executed " + FORGED + " forged handles");
  }

  @Test
  void aReleasedHandleStaysReleasedWhenItsPlaceIsTakenAgain() {
    NativeLibrary.require();
    long first = Native.policyEmpty();
    Native.policyRelease(first);
    Native.policyRelease(first);
    long second = Native.policyEmpty();
    assertRefused(() -> Native.policySize(first));
    assertEquals(0, Native.policySize(second));
    Native.policyRelease(second);

    long workspace = workspace();
    Native.workspaceRelease(workspace);
    long next = workspace();
    assertRefused(() -> score(workspace, second, 0));
    Native.workspaceRelease(next);
  }

  @Test
  void aHandleOfTheOtherKindIsRefused() {
    NativeLibrary.require();
    long policy = Native.policyEmpty();
    long workspace = workspace();
    assertRefused(() -> Native.policySize(workspace));
    assertRefused(() -> score(policy, policy, 0));
    Native.policyRelease(workspace);
    Native.workspaceRelease(policy);
    assertEquals(0, Native.policySize(policy));
    Native.policyRelease(policy);
    Native.workspaceRelease(workspace);
  }

  @Test
  void lengthsAreCheckedNatively() {
    NativeLibrary.require();
    long policy = Native.policyEmpty();
    long workspace = workspace();
    try {
      assertEquals("usage.not_begun", assertThrows(UsageException.class, () -> score(workspace, policy, 1)).code());
      assertEquals("usage.not_begun", assertThrows(UsageException.class, () -> Native.tellReasons(workspace)).code());
      long total = Native.workspaceLayout(64, 2)[11];
      ByteBuffer small = ByteBuffer.allocateDirect((int) total + 64).alignedSlice(64).limit((int) total - 1).slice();
      assertInvalid("invalid_input.shape", () -> Native.workspaceAttach(workspace, small, 64, 2));
      ByteBuffer skewed = ByteBuffer.allocateDirect((int) total + 128).alignedSlice(64).position(4).slice();
      assertInvalid("invalid_input.shape", () -> Native.workspaceAttach(workspace, skewed, 64, 2));
      assertThrows(EquipoiseException.class, () -> Native.workspaceAttach(workspace, ByteBuffer.allocate((int) total), 64, 2));
      assertThrows(EquipoiseException.class, () -> Native.workspaceAttach(workspace, null, 64, 2));
      assertInvalid("invalid_input.range", () -> Native.workspaceLayout(-1, 2));
      assertInvalid("invalid_input.range", () -> Native.workspaceLayout(64, -1));
      ByteBuffer good = ByteBuffer.allocateDirect((int) total + 64).alignedSlice(64);
      Native.workspaceAttach(workspace, good, 64, 2);
      assertInvalid("invalid_input.shape", () -> score(workspace, policy, 65));
      assertInvalid("invalid_input.shape", () -> score(workspace, policy, -1));
      // Memory of zeros holds row 0, which an empty policy cannot have, whatever its tag.
      assertThrows(InvalidInputException.class, () -> score(workspace, policy, 64));
      assertEquals(0, score(workspace, policy, 0));
      Native.tellReasons(workspace);
      // Memory of another size holds no results.
      Native.workspaceAttach(workspace, good, 64, 2);
      assertEquals("usage.not_begun", assertThrows(UsageException.class, () -> Native.tellReasons(workspace)).code());
    } finally {
      Native.policyRelease(policy);
      Native.workspaceRelease(workspace);
    }
  }

  /** A workspace of a scorer that is released again: the workspace holds on to it. */
  private static long workspace() {
    long policy = Native.policyEmpty();
    long scorer = Native.scorerNew(policy, "{}".getBytes(StandardCharsets.UTF_8));
    try {
      return Native.workspaceNew(scorer);
    } finally {
      Native.scorerRelease(scorer);
      Native.policyRelease(policy);
    }
  }

  private static void assertInvalid(String code, Executable call) {
    assertEquals(code, assertThrows(InvalidInputException.class, call).code());
  }
}
