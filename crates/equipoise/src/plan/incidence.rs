//! Which rows count what: the linear maps from prices to charges and, transposed, from amounts to deliveries. A Newton step walks them hundreds of
//! times, so that keys are looked up once, and columns are taken for what they are: pairs of a campaign and a class.

use super::dual::{Membership, NONE, Row};
use crate::exchange::{Column, Layout};

/// Scopes whose keys campaigns have; those after them are keys of requests, but for [`ALL`].
const CAMPAIGN_SIDE: usize = 4;
/// The scope of everything, whose only key all units have.
const ALL: usize = 6;

/// The rows of a dual seen as a sparse matrix over columns and over campaigns.
pub(super) struct Incidence {
    /// How many measures are priced.
    priced: usize,
    /// By row: its cell, and its factor `a` of that.
    row_cells: Vec<u32>,
    factors: Vec<f64>,
    /// The rows that count everything, too.
    shares: Vec<Share>,
    /// Cells of all scopes by key and priced measure, those that nobody reads included: they come last.
    cells: usize,
    /// By scope: where its cells start, [`NONE`] if no row has it.
    starts: [usize; 7],
    campaigns: Keys,
    classes: Keys,
    /// The campaign and class of every column; `None` where columns are the campaigns themselves and no row tells classes apart.
    pairs: Option<Vec<Column>>,
}

/// A row that counts everything: its measure's position among the priced, and its factor `b`.
struct Share {
    row: usize,
    slot: usize,
    b: f64,
}

/// For every unit (a campaign or a class): where the cells of its keys start. A scope whose keys are the units themselves is kept aside: its cells
/// are added as they lie.
struct Keys {
    units: usize,
    own: Option<usize>,
    scopes: usize,
    starts: Vec<u32>,
}

impl Keys {
    fn new(units: usize, priced: usize, mut scopes: Vec<Vec<u32>>) -> Self {
        let is_own = |starts: &Vec<u32>| starts.iter().enumerate().all(|(u, s)| *s as usize == starts[0] as usize + u * priced);
        let own = scopes.iter().position(|starts| units > 0 && is_own(starts)).map(|s| scopes.remove(s)[0] as usize);
        Self { units, own, scopes: scopes.len(), starts: (0..units).flat_map(|u| scopes.iter().map(move |s| s[u])).collect() }
    }

    /// Whether units have no keys at all.
    fn are_none(&self) -> bool {
        self.own.is_none() && self.scopes == 0
    }

    /// Every unit with its starts.
    fn each(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.units).map(|u| &self.starts[u * self.scopes..][..self.scopes])
    }
}

/// What prices charge: by cell, and from everybody.
pub(super) struct Charges {
    cells: Vec<f64>,
    pub(super) all: Vec<f64>,
}

impl Incidence {
    /// The incidence of `rows`, whose measures stand at `slots` among `priced` ones and which are of these `scopes`.
    pub(super) fn new(rows: &[Row], slots: &[usize], priced: usize, members: &Membership, scopes: &[usize], layout: &Layout) -> Self {
        let Layout { columns, campaigns, classes, .. } = layout;
        let (campaigns, classes) = (*campaigns, *classes);
        let mut starts = [NONE; 7];
        let mut cells = 0;
        for s in scopes {
            starts[*s] = cells;
            cells += members.keys[*s] * priced;
        }
        let start = |s: usize, key: usize| (if key == NONE { cells } else { starts[s] + key * priced }) as u32;
        let keys = |side: &dyn Fn(usize) -> Option<Vec<usize>>, units: usize| {
            let of = |s: usize| side(s).map(|keys| keys.iter().map(|key| start(s, *key)).collect::<Vec<u32>>());
            Keys::new(units, priced, scopes.iter().filter_map(|s| of(*s)).collect())
        };
        let campaign_side = |s: usize| (s < CAMPAIGN_SIDE).then(|| members.campaign[s].clone());
        let class_side = |s: usize| (CAMPAIGN_SIDE..ALL).contains(&s).then(|| members.class[s - CAMPAIGN_SIDE].clone());
        let classes = keys(&class_side, classes);
        let alike = classes.are_none() && columns.len() == campaigns && columns.iter().enumerate().all(|(k, c)| c.campaign as usize == k);
        let cell = |(r, slot): (&Row, &usize)| (starts[r.scope as usize] + r.key * priced + slot) as u32;
        let share = |(row, (r, slot)): (usize, (&Row, &usize))| (r.b != 0.0).then_some(Share { row, slot: *slot, b: r.b });
        Self {
            priced,
            row_cells: rows.iter().zip(slots).map(cell).collect(),
            factors: rows.iter().map(|r| r.a).collect(),
            shares: rows.iter().zip(slots).enumerate().filter_map(share).collect(),
            cells: cells + priced,
            starts,
            campaigns: keys(&campaign_side, campaigns),
            classes,
            pairs: (!alike).then(|| columns.clone()),
        }
    }

    /// What prices `y` charge. O(rows).
    pub(super) fn charges(&self, y: &[f64]) -> Charges {
        let mut cells = vec![0.0; self.cells];
        let mut all = vec![0.0; self.priced];
        for ((cell, a), y) in self.row_cells.iter().zip(&self.factors).zip(y) {
            cells[*cell as usize] += a * y;
        }
        for Share { row, slot, b } in &self.shares {
            all[*slot] += b * y[*row];
        }
        if let Some(everything) = cells.get(self.starts[ALL]..) {
            all.iter_mut().zip(everything).for_each(|(a, e)| *a += e);
        }
        Charges { cells, all }
    }

    /// The charge of one key of a scope by its own rows; nothing where it has none.
    pub(super) fn of_key(&self, charges: &Charges, scope: usize, key: usize, slot: usize) -> f64 {
        let start = self.starts[scope];
        if key == NONE || start == NONE { 0.0 } else { charges.cells[start + key * self.priced + slot] }
    }

    /// The charge of every campaign and priced measure by campaign-side rows alone, what everybody is charged included. O(campaigns).
    pub(super) fn of_campaigns(&self, charges: &Charges) -> Vec<f64> {
        let mut out = charges.all.repeat(self.campaigns.units);
        self.spread(&self.campaigns, charges, &mut out);
        out
    }

    /// The charge of every column and priced measure: its campaign's, which [`Incidence::of_campaigns`] gave, and its class's. O(columns).
    pub(super) fn of_columns(&self, of_campaigns: Vec<f64>, charges: &Charges) -> Vec<f64> {
        let Some(pairs) = &self.pairs else { return of_campaigns };
        let p = self.priced;
        let mut of_classes = vec![0.0; self.classes.units * p];
        self.spread(&self.classes, charges, &mut of_classes);
        let mut out = Vec::with_capacity(pairs.len() * p);
        for c in pairs {
            let (campaign, class) = (&of_campaigns[c.campaign as usize * p..][..p], &of_classes[c.class as usize * p..][..p]);
            out.extend(campaign.iter().zip(class).map(|(a, b)| a + b));
        }
        out
    }

    /// The delivery of every row from amounts by column and priced measure: the transpose of [`Incidence::of_columns`]; and of campaign-side rows
    /// (and of `all`) from further amounts by campaign.
    pub(super) fn deliveries(&self, by_column: &[f64], further: Option<Vec<f64>>) -> Vec<f64> {
        let p = self.priced;
        let (mut cells, mut all) = (vec![0.0; self.cells], vec![0.0; p]);
        if let Some(pairs) = &self.pairs {
            let mut by_campaign = further.unwrap_or_else(|| vec![0.0; self.campaigns.units * p]);
            let mut by_class = vec![0.0; self.classes.units * p];
            for (c, amount) in pairs.iter().zip(by_column.chunks_exact(p.max(1))) {
                by_campaign[c.campaign as usize * p..].iter_mut().zip(amount).for_each(|(a, b)| *a += b);
                by_class[c.class as usize * p..].iter_mut().zip(amount).for_each(|(a, b)| *a += b);
            }
            self.gather(&self.campaigns, &by_campaign, &mut cells, &mut all);
            if !self.classes.are_none() {
                self.gather(&self.classes, &by_class, &mut cells, &mut vec![0.0; p]);
            }
        } else if let Some(mut further) = further {
            further.iter_mut().zip(by_column).for_each(|(a, b)| *a += b);
            self.gather(&self.campaigns, &further, &mut cells, &mut all);
        } else {
            self.gather(&self.campaigns, by_column, &mut cells, &mut all);
        }
        self.rows(cells, &all)
    }

    /// The delivery of every campaign-side row (and of `all`) from amounts by campaign and priced measure: the transpose of
    /// [`Incidence::of_campaigns`]. O(campaigns).
    pub(super) fn by_campaigns(&self, amounts: &[f64]) -> Vec<f64> {
        let (mut cells, mut all) = (vec![0.0; self.cells], vec![0.0; self.priced]);
        self.gather(&self.campaigns, amounts, &mut cells, &mut all);
        self.rows(cells, &all)
    }

    fn rows(&self, mut cells: Vec<f64>, all: &[f64]) -> Vec<f64> {
        if self.starts[ALL] != NONE {
            cells[self.starts[ALL]..][..self.priced].clone_from_slice(all);
        }
        let mut out: Vec<f64> = self.row_cells.iter().zip(&self.factors).map(|(cell, a)| a * cells[*cell as usize]).collect();
        self.shares.iter().for_each(|s| out[s.row] += s.b * all[s.slot]);
        out
    }

    // The loops over measures unroll where their number is a constant.
    fn spread(&self, keys: &Keys, charges: &Charges, out: &mut [f64]) {
        if let Some(own) = keys.own {
            out.iter_mut().zip(&charges.cells[own..]).for_each(|(out, cell)| *out += cell);
        }
        match self.priced {
            0 => {}
            1 => spread(1, keys, &charges.cells, out),
            2 => spread(2, keys, &charges.cells, out),
            3 => spread(3, keys, &charges.cells, out),
            p => spread(p, keys, &charges.cells, out),
        }
    }

    fn gather(&self, keys: &Keys, amounts: &[f64], cells: &mut [f64], all: &mut [f64]) {
        if let Some(own) = keys.own {
            cells[own..].iter_mut().zip(amounts).for_each(|(cell, amount)| *cell += amount);
        }
        match self.priced {
            0 => {}
            1 => gather(1, keys, amounts, cells, all),
            2 => gather(2, keys, amounts, cells, all),
            3 => gather(3, keys, amounts, cells, all),
            p => gather(p, keys, amounts, cells, all),
        }
    }
}

#[expect(clippy::inline_always, reason = "only inlined does the number of measures become a constant")]
#[inline(always)]
fn spread(p: usize, keys: &Keys, cells: &[f64], out: &mut [f64]) {
    for (out, starts) in out.chunks_exact_mut(p).zip(keys.each()) {
        for start in starts {
            let cell = &cells[*start as usize..][..p];
            for j in 0..p {
                out[j] += cell[j];
            }
        }
    }
}

#[expect(clippy::inline_always, reason = "only inlined does the number of measures become a constant")]
#[inline(always)]
fn gather(p: usize, keys: &Keys, amounts: &[f64], cells: &mut [f64], all: &mut [f64]) {
    let all = &mut all[..p];
    for (amount, starts) in amounts.chunks_exact(p).zip(keys.each()) {
        for j in 0..p {
            all[j] += amount[j];
        }
        for start in starts {
            let cell = &mut cells[*start as usize..][..p];
            for j in 0..p {
                cell[j] += amount[j];
            }
        }
    }
}
