//! What a caller asks: one opportunity as borrowed columns.

use super::diversity::{Mix, Similarity};
use super::{Gates, Measures, check_amount};
use crate::error::{Error, Result, codes, quote};
use crate::policy::{NONE, PLACE_LIMIT, Policy};
use equipoise_kernel::score::within;

/// The bit pattern of a displacement that the caller has not written: a quiet NaN that no arithmetic makes. It is filled from `organic` and
/// `reference`; every other NaN is an error.
pub const UNWRITTEN: u32 = 0x7fc0_e910;

/// Largest measure, and largest magnitude of an organic score. With the limits of prices, no score can overflow.
pub(super) const AMOUNT_LIMIT: f32 = 1e12;

/// One request of `n` candidates, `n` being the length of `campaign`. Start from [`Request::new`].
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// [`Policy::market`] of the listener's market; [`NONE`] where there is none.
    pub market: u32,
    /// [`Policy::surface`] of the surface; [`NONE`] where there is none.
    pub surface: u32,
    /// Microseconds since 1970 UTC. `None`: neither flights nor the policy's validity are checked.
    pub time: Option<i64>,
    /// Promoted places, 0 to 255; `None` takes the slate's.
    pub slots: Option<u32>,
    /// Should differ from request to request; breaks ties where the policy says so.
    pub key: u64,
    /// The organic score that a promotion gives up; `None`: computed from `organic` if it is needed.
    pub reference: Option<f32>,
    /// Organic scores, finite, magnitude at most 1e12. May be absent where nothing needs them; ties then go by index.
    pub organic: Option<&'a [f32]>,
    /// [`Policy::row`] of each candidate's campaign, [`super::UNKNOWN`], or [`super::ORGANIC`].
    pub campaign: &'a [u32],
    /// The policy's measures, each in `[0, 1e12]`; `displacement` may be [`UNWRITTEN`].
    pub measures: Measures<'a>,
    /// Item numbers: at most one candidate of an item is picked. [`NONE`] (or an absent column) is an item of its own.
    pub item: Option<&'a [u32]>,
    /// Artist numbers in place of the campaigns' artists, for `max_per_artist`. [`NONE`] counts against nobody.
    pub artist: Option<&'a [u32]>,
    /// How often the listener has had each candidate's campaign, over whatever time the caller's caps are meant for; below 2^32 - 1. Checked
    /// against the policy's frequency caps; without counts those are not checked.
    pub frequency: Option<&'a [u32]>,
    /// What switches and breakers say about this policy; [`super::Scorer::score`] sees to it.
    pub gates: Option<&'a Gates>,
    /// How alike candidates are, for the slate's `diversity`; without it that is off.
    pub similarity: Option<Similarity<'a>>,
    /// Categories and their target shares, for the slate's `calibration`; without them that is off.
    pub mix: Option<Mix<'a>>,
    /// How uncertain each candidate's measures are, in `[0, 1e12]`, for the exploration's `bonus`; without it that is off.
    pub uncertainty: Option<&'a [f32]>,
    /// Whether the slate's exploration may act on this request.
    pub explore: bool,
    /// Whether a candidate with a measure, organic score or uncertainty that cannot be used (NaN, infinite, out of range) is dropped instead of
    /// the request being refused: it is not promoted, for [`crate::model::Reason::Invalid`], and stands last in the organic order if its organic
    /// score is the one. The other candidates fare as if it were organic. Costs a second look at the request where there is one, else nothing.
    pub drop_invalid: bool,
}

impl<'a> Request<'a> {
    /// A request of these candidates, without segment, time, organic scores and items, with key 0.
    #[must_use]
    pub fn new(campaign: &'a [u32], measures: Measures<'a>) -> Self {
        Self {
            market: NONE,
            surface: NONE,
            time: None,
            slots: None,
            key: 0,
            reference: None,
            organic: None,
            campaign,
            measures,
            item: None,
            artist: None,
            frequency: None,
            gates: None,
            similarity: None,
            mix: None,
            uncertainty: None,
            explore: true,
            drop_invalid: false,
        }
    }

    /// How many candidates there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.campaign.len()
    }

    /// Whether there is no candidate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.campaign.is_empty()
    }

    /// Checks lengths and all numbers but the measures, which are checked as they are read.
    pub(super) fn check(&self, policy: &Policy) -> Result<Columns<'a>> {
        let n = self.len();
        if n >= NONE as usize {
            return Err(Error::new(codes::TOO_LARGE, "campaign", None, format!("{n} candidates")));
        }
        let fits = |argument: &str, len: Option<usize>| match len {
            Some(len) if len != n => Err(Error::new(codes::SHAPE, argument, None, format!("{len} entries for {n} candidates"))),
            _ => Ok(()),
        };
        fits("organic", self.organic.map(<[f32]>::len))?;
        fits("item", self.item.map(<[u32]>::len))?;
        fits("artist", self.artist.map(<[u32]>::len))?;
        fits("frequency", self.frequency.map(<[u32]>::len))?;
        fits("uncertainty", self.uncertainty.map(<[f32]>::len))?;
        if let Some(at) = self.frequency.and_then(|counts| counts.iter().position(|c| *c == NONE)) {
            return Err(Error::new(
                codes::RANGE,
                "frequency",
                Some(at as u64),
                format!("{NONE} is not a count: the largest is {}", NONE - 1),
            ));
        }
        if self.gates.is_some_and(|gates| gates.policy_id() != policy.id()) {
            return Err(Error::new(codes::FOREIGN_ROW, "gates", None, format!("they belong to another policy than {}", policy.id_hex())));
        }
        if let Some(similarity) = &self.similarity {
            similarity.check(n)?;
        }
        if let Some(mix) = &self.mix {
            mix.check(n)?;
        }
        if let Some(at) = self.uncertainty.and_then(|list| list.iter().position(|u| !is_amount(*u))) {
            check_amount("uncertainty", Some(at as u64), self.uncertainty.map_or(0.0, |list| list[at]))?;
            return Err(Error::new(codes::RANGE, "uncertainty", Some(at as u64), "an uncertainty is below 0"));
        }
        let columns = Columns::new(self.measures, n, policy)?;
        if let Some(slots) = self.slots.filter(|s| *s > PLACE_LIMIT) {
            return Err(Error::new(codes::RANGE, "slots", None, format!("{slots} is not in 0..={PLACE_LIMIT}")));
        }
        if let Some(reference) = self.reference {
            check_amount("reference", None, reference)?;
        }
        if let Some(organic) = self.organic
            && !within(organic, AMOUNT_LIMIT)
        {
            for (i, o) in organic.iter().enumerate() {
                check_amount("organic", Some(i as u64), *o)?;
            }
        }
        Ok(columns)
    }
}

/// Measures whose lengths were checked.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) measures: Measures<'a>,
    pub(super) count: usize,
    /// The measure whose column is empty because nothing was written.
    unwritten: Option<usize>,
}

impl<'a> Columns<'a> {
    /// Checks that `measures` hold those of `policy` for `n` candidates.
    pub(super) fn new(measures: Measures<'a>, n: usize, policy: &Policy) -> Result<Self> {
        let m = policy.measures().len();
        let shape = |message: String| Error::new(codes::SHAPE, "measures", None, message);
        let needs = |len: usize, outer: usize, stride: usize, inner: usize| {
            if outer == 0 || inner == 0 {
                return Ok(());
            }
            if outer > 1 && stride < inner {
                return Err(shape(format!("a stride of {stride} for {inner} entries")));
            }
            match (outer - 1).checked_mul(stride).and_then(|before| before.checked_add(inner)) {
                Some(needed) if needed <= len => Ok(()),
                _ => Err(shape(format!("{len} entries, {n} candidates of {m} measures with stride {stride} need more"))),
            }
        };
        let mut unwritten = None;
        match measures {
            Measures::Columns { values, stride } => needs(values.len(), m, stride, n)?,
            Measures::Rows { values, stride } => needs(values.len(), n, stride, m)?,
            Measures::Slices { columns, offset } => {
                if columns.len() != m {
                    return Err(shape(format!("{} columns for the policy's {m} measures", columns.len())));
                }
                for (j, column) in columns.iter().enumerate() {
                    if column.is_empty() && policy.displacement() == Some(j) {
                        unwritten = Some(j);
                    } else if offset.checked_add(n).is_none_or(|end| end > column.len()) {
                        let name = quote(&policy.measures()[j]);
                        return Err(shape(format!("column {name} has {} entries, {n} from {offset} on are needed", column.len())));
                    }
                }
            }
        }
        Ok(Self { measures, count: m, unwritten })
    }

    /// Measure `j` of candidate `i`.
    #[inline]
    pub(super) fn get(&self, i: usize, j: usize) -> f32 {
        match self.measures {
            Measures::Columns { values, stride } => values[j * stride + i],
            Measures::Rows { values, stride } => values[i * stride + j],
            Measures::Slices { .. } if self.unwritten == Some(j) => f32::from_bits(UNWRITTEN),
            Measures::Slices { columns, offset } => columns[j][offset + i],
        }
    }

    /// Whether measure `j` of candidate `i` can be used: it is in `[0, 1e12]`, or a displacement that is yet to be written.
    #[inline]
    pub(super) fn is_good(&self, policy: &Policy, i: usize, j: usize) -> bool {
        let y = self.get(i, j);
        is_amount(y) || policy.displacement() == Some(j) && y.to_bits() == UNWRITTEN
    }
}

/// Whether a measure or an uncertainty is in `[0, 1e12]`.
#[inline]
pub(super) fn is_amount(y: f32) -> bool {
    (0.0..=AMOUNT_LIMIT).contains(&y)
}
