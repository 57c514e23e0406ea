//! The goals: what is promised on a ledger is a concave utility of its delivery, with its conjugate, the range of its price, and the maps
//! between prices and deliveries.
//!
//! | goal | utility `U(d)` | price range | contribution to the dual |
//! |---|---|---|---|
//! | cap `B`, guardrail `B` | 0 for `d <= B`, else minus infinity | `p >= 0` | `p B` |
//! | floor `F`, penalty `a` | `-a (F - d)+` | `-a <= p <= 0` | `p F` |
//! | target `T`, penalty `a` | `-a abs(T - d)` | `-a <= p <= a` | `p T` |
//! | share, at most or at least | as a cap or floor of 0 on `d = D_G - s D_A` | one sign; an end where soft | 0 |
//! | alpha_fair `a`, `alpha`, offset `o` | `a ((d + o)^(1 - alpha) - o^(1 - alpha))/(1 - alpha)` | `-a o^(-alpha) <= p < 0` | `U(d) + p d` at `U'(d) = -p` |
//! | max_min `a`, weights `t_g` | `a min_g d_g/t_g` | `p_g <= 0`, sum of `-p_g t_g` is `a` | 0 |

mod alpha_fair;
mod bounded;
mod cap;
mod floor;
mod guardrail;
mod interval;
mod max_min;
#[cfg(test)]
mod numeric;
mod promise;
mod share;
mod target;

pub use alpha_fair::AlphaFair;
pub use bounded::Bounded;
pub use cap::Cap;
pub use floor::Floor;
pub use guardrail::Guardrail;
pub use interval::Interval;
pub use max_min::MaxMin;
pub use promise::{Fairness, Promise};
pub use share::Share;
pub use target::Target;

pub(crate) use equipoise_kernel::elementary::{exp, ln};

/// A concave utility of one ledger's delivery.
pub trait Utility {
    /// The utility of a delivery; minus infinity past a hard bound.
    fn utility(&self, d: f64) -> f64;

    /// The conjugate `sup over d of U(d) + p d`, the goal's contribution to the dual; infinite for prices that no goal of this kind has.
    fn conjugate(&self, p: f64) -> f64;

    /// From price to delivery: the least and the most of the deliveries that attain the conjugate.
    fn deliveries(&self, p: f64) -> (f64, f64);

    /// From delivery to price: the least and the most of the prices at which no other delivery is worth more.
    fn prices(&self, d: f64) -> (f64, f64);

    /// The nearest price of the range.
    fn project(&self, p: f64) -> f64;
}

/// Implements [`Utility`] for a goal that is an [`Interval`].
macro_rules! delegate_to_interval {
    ($goal:ty) => {
        impl Utility for $goal {
            fn utility(&self, d: f64) -> f64 {
                self.interval().utility(d)
            }
            fn conjugate(&self, p: f64) -> f64 {
                self.interval().conjugate(p)
            }
            fn deliveries(&self, p: f64) -> (f64, f64) {
                self.interval().deliveries(p)
            }
            fn prices(&self, d: f64) -> (f64, f64) {
                self.interval().prices(d)
            }
            fn project(&self, p: f64) -> f64 {
                self.interval().project(p)
            }
        }
    };
}
use delegate_to_interval;
