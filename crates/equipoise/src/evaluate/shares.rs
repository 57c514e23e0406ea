//! Work in pieces, shared out to threads.

use crate::error::{Error, Result, codes};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Fewer rows than this are not worth a thread.
const ROWS_A_THREAD: usize = 1 << 17;

/// As many threads as there are processors and the rows are worth.
pub(crate) fn threads_for(rows: usize) -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(rows / ROWS_A_THREAD).max(1)
}

/// Works through pieces in their order: each thread, of which the calling one is the first, takes the next as soon as it can. `worker` makes
/// what a thread keeps from piece to piece. The calling thread asks `go_on` after each of its pieces; the threads end with the call.
///
/// # Errors
/// That of the first piece that fails, whatever the number of threads: all pieces before it are done. `usage.cancelled` where `go_on` says no.
pub(crate) fn work_through<P: Send, W: FnMut(P) -> Result<()>>(
    pieces: impl Iterator<Item = P> + Send,
    threads: usize,
    worker: impl Fn() -> W + Sync,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<()> {
    let (pieces, stop) = (Mutex::new(pieces.enumerate()), AtomicBool::new(false));
    let run = |go_on: &mut dyn FnMut() -> bool| -> std::result::Result<(), (usize, Error)> {
        let mut work = worker();
        while !stop.load(Ordering::Relaxed) {
            let Some((at, piece)) = pieces.lock().unwrap_or_else(PoisonError::into_inner).next() else { break };
            let outcome = work(piece).map_err(|error| (at, error));
            let outcome = outcome.and_then(|()| if go_on() { Ok(()) } else { Err((usize::MAX, cancelled())) });
            if outcome.is_err() {
                stop.store(true, Ordering::Relaxed);
                return outcome;
            }
        }
        Ok(())
    };
    let outcomes = thread::scope(|scope| {
        let running: Vec<_> = (1..threads).map(|_| scope.spawn(|| run(&mut || true))).collect();
        let mut outcomes = vec![run(go_on)];
        outcomes.extend(running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))));
        outcomes
    });
    outcomes.into_iter().filter_map(std::result::Result::err).min_by_key(|(at, _)| *at).map_or(Ok(()), |(_, error)| Err(error))
}

fn cancelled() -> Error {
    Error::new(codes::CANCELLED, "score", None, "the caller asked to stop before all requests were scored")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn every_piece_is_worked_once_and_the_first_fault_is_told() {
        for threads in [1, 2, 5] {
            let sum = AtomicUsize::new(0);
            let add = || {
                |piece: usize| -> Result<()> {
                    sum.fetch_add(piece, Ordering::Relaxed);
                    Ok(())
                }
            };
            work_through(0..1_000, threads, add, &mut || true).expect("no fault");
            assert_eq!(sum.load(Ordering::Relaxed), 499_500);
            for _ in 0..20 {
                let refuse = || {
                    |piece: usize| {
                        if piece % 7 == 6 { Err(Error::new(codes::RANGE, "piece", Some(piece as u64), "")) } else { Ok(()) }
                    }
                };
                let error = work_through(0..1_000, threads, refuse, &mut || true).expect_err("every seventh");
                assert_eq!(error.index(), Some(6));
            }
        }
    }

    #[test]
    fn a_caller_who_says_no_stops_all_threads() {
        for threads in [1, 3] {
            let mut asked = 0;
            let endless = work_through(std::iter::repeat(()), threads, || |()| Ok(()), &mut || {
                asked += 1;
                asked < 5
            });
            assert_eq!((endless.expect_err("stopped").code(), asked), (codes::CANCELLED, 5));
        }
    }
}
