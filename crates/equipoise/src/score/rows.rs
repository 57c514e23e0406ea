//! The row phase: a score for every candidate, by the kernel's path. The arithmetic is written at [`equipoise_kernel::score::weigh()`].

use super::request::{AMOUNT_LIMIT, Columns, UNWRITTEN};
use super::{CODES, Request, Workspace};
use crate::error::{Error, Result, codes};
use crate::model::uniform;
use crate::policy::{NONE, Policy};
use equipoise_kernel::score::{self as kernel, Fill, UNPRICED, Weighing};

const _: () = assert!(NONE == UNPRICED);

/// Writes scores from what admission found and the measures, and the codes of those that are positive. Displacements that were not written stand
/// for what `ws.reference` says.
pub(super) fn score(policy: &Policy, request: &Request<'_>, columns: &Columns<'_>, ws: &mut Workspace) -> Result<()> {
    let prices = policy.folded();
    let n = request.len();
    prices.segments.values(request.market, request.surface, &mut ws.values);
    if policy.tie_breadth() > 0.0 {
        // One that is not scored counts as nothing, whatever its number.
        let codes = ws.bench.codes().iter().zip(&ws.campaigns);
        ws.ties.clear();
        ws.ties.extend(codes.map(|(code, c)| if *code == CODES.scored { uniform(request.key, policy.campaign_hash(*c)) } else { 0.0 }));
    }
    let weighing = Weighing {
        measures: columns.measures,
        values: &ws.values,
        columns: &prices.column,
        limit: AMOUNT_LIMIT,
        fill: policy.displacement().map(|measure| Fill {
            measure,
            mark: UNWRITTEN,
            reference: ws.reference.unwrap_or(0.0),
            organic: request.organic,
        }),
        tie: (policy.tie_breadth() > 0.0).then_some((policy.tie_breadth() as f32, ws.ties.as_slice())),
        codes: CODES,
    };
    ws.scores.resize(n, 0.0);
    if kernel::weigh(&weighing, &mut ws.scores, &mut ws.bench) { Ok(()) } else { check(policy, columns, n) }
}

/// Refuses measures that are not in `[0, 1e12]`, naming the first by measure and candidate; a displacement may be yet to be written.
fn check(policy: &Policy, columns: &Columns<'_>, n: usize) -> Result<()> {
    for j in 0..columns.count {
        for i in 0..n {
            if !columns.is_good(policy, i, j) {
                let y = columns.get(i, j);
                let code = if y.is_finite() { codes::RANGE } else { codes::NOT_FINITE };
                let argument = format!("measures[{j}]");
                return Err(Error::new(code, argument, Some(i as u64), format!("{y:e} is not in [0, {AMOUNT_LIMIT:e}]")));
            }
        }
    }
    Ok(())
}
