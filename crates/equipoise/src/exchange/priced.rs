//! Prices made ready for a pass.

use super::Prices;
use super::fixed::Scale;
use super::pack::Layout;
use super::row::project;
use equipoise_kernel::{Block, Margins};

/// A price that no candidate pays: it keeps padding out of every scan.
const PRICED_OUT: f32 = 1e30;

/// Prices folded by column: wide for decisions, narrow for the scan that rules most candidates out.
pub(super) struct Priced {
    pub(super) gamma: f64,
    pub(super) near: f64,
    measures: usize,
    /// Worth less charge, by column and measure.
    pub(super) wide: Vec<f64>,
    base: Vec<f32>,
    column: Vec<Vec<f32>>,
    pub(super) margins: Margins,
    pub(super) scale: Scale,
}

/// One opportunity's projection: net scores with their candidates, best first, and decisions.
#[derive(Default)]
pub(super) struct Projection {
    pub(super) net: Vec<(f64, u32)>,
    scaled: Vec<f64>,
    pub(super) x: Vec<f64>,
}

impl Priced {
    pub(super) fn new(layout: &Layout, prices: &Prices) -> Self {
        let (n, m) = (layout.columns.len(), layout.measures);
        let mut wide = Vec::with_capacity(n * m);
        for c in &layout.columns {
            let (v, p) = (&prices.v[c.class as usize * m..][..m], &prices.p[c.campaign as usize * m..][..m]);
            wide.extend(v.iter().zip(p).map(|(v, p)| v - p));
        }
        let base: Vec<f32> = prices.v[..m].iter().map(|v| *v as f32).collect();
        let mut column = Vec::with_capacity(m);
        let mut spread = 0.0;
        for j in 0..m {
            let charges: Vec<f64> = wide.chunks_exact(m).map(|worth| prices.v[j] - worth[j]).collect();
            let largest = charges.iter().fold(0f64, |a, charge| if charge.abs() > a { charge.abs() } else { a });
            let size = (prices.v[j].abs() + largest) * layout.largest[j];
            spread += size;
            column.push(if j == 0 {
                charges.iter().map(|charge| *charge as f32).chain([PRICED_OUT]).collect()
            } else if largest > 0.0 {
                charges.iter().map(|charge| *charge as f32).chain([0.0]).collect()
            } else {
                Vec::new()
            });
        }
        // Each of the 2m conversions, m subtractions, m products and m sums rounds once, relative to at most `spread`.
        let error = (4 * m + 2) as f64 * f64::from(f32::EPSILON) * 0.5 * spread + 1e-30;
        let margins = Margins::new(prices.gamma, prices.near, error);
        Self { gamma: prices.gamma, near: prices.near, measures: m, wide, base, column, margins, scale: prices.slack_scale(layout) }
    }

    /// The prices of a scan.
    pub(super) fn narrow(&self) -> equipoise_kernel::Prices<'_> {
        self.scan(&self.column)
    }

    /// The prices of a scan with other charges than its own.
    pub(super) fn scan<'c>(&'c self, column: &'c [Vec<f32>]) -> equipoise_kernel::Prices<'c> {
        equipoise_kernel::Prices { base: &self.base, column }
    }

    /// Charges at which the candidates of column `k` are worth `by(k)` more than they are.
    pub(super) fn raised(&self, by: impl Fn(usize) -> f64) -> Vec<Vec<f32>> {
        let mut column = self.column.clone();
        column[0].iter_mut().take(self.wide.len() / self.measures).enumerate().for_each(|(k, charge)| *charge -= by(k) as f32);
        column
    }

    /// Decides one opportunity exactly, of the candidates that can matter. Returns whether its slots bind.
    pub(super) fn project(&self, block: &Block, row: usize, candidates: &[u32], out: &mut Projection) -> bool {
        let m = self.measures;
        out.net.clear();
        for j in candidates {
            let at = block.at(row, *j as usize);
            let coefficients = &self.wide[block.column(at) * m..][..m];
            let net = coefficients[1..].iter().zip(block.amounts(at)).fold(coefficients[0], |net, (c, y)| net + c * f64::from(y));
            if net > 0.0 {
                out.net.push((net, *j));
            }
        }
        out.net.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        out.scaled.clear();
        out.scaled.extend(out.net.iter().map(|n| n.0 / self.gamma));
        project(&out.scaled, block.row(row).slots, &mut out.x)
    }
}
