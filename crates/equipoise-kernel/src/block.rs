//! A block: opportunities packed side by side so that one instruction works on [`LANES`] of them.

/// Rows side by side.
pub const LANES: usize = 16;

/// Groups up to this length carry the candidate's index in the low bits of its score.
pub(crate) const SHORT: u32 = 32;

/// The opportunity of a lane that holds nothing.
pub const PAD: u32 = u32::MAX;

/// One value for each lane, aligned so that no load crosses a cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct Lane<T>(pub [T; LANES]);

/// Column indices, as narrow as they can be.
#[derive(Debug, Clone)]
pub enum Columns {
    /// Fewer than 65,536 columns, the padding's included.
    Narrow(Vec<[u16; LANES]>),
    /// Any number.
    Wide(Vec<Lane<u32>>),
}

impl Columns {
    /// Packs indices, a multiple of [`LANES`] of them, all below `below`.
    ///
    /// # Panics
    /// If an index is not below the bound or the last lanes are not full: the packer is at fault.
    #[must_use]
    pub fn pack(indices: &[u32], below: u32) -> Self {
        assert!(indices.iter().all(|c| *c < below), "column indices are below the bound");
        let (lanes, rest) = indices.as_chunks::<LANES>();
        assert!(rest.is_empty(), "columns come in whole groups");
        if below <= 1 << 16 {
            Self::Narrow(lanes.iter().map(|l| l.map(|c| c as u16)).collect())
        } else {
            Self::Wide(lanes.iter().map(|l| Lane(*l)).collect())
        }
    }

    /// How many groups of [`LANES`] there are.
    fn len(&self) -> usize {
        match self {
            Self::Narrow(c) => c.len(),
            Self::Wide(c) => c.len(),
        }
    }

    /// The index packed at `at`.
    #[inline]
    fn at(&self, at: usize) -> u32 {
        match self {
            Self::Narrow(c) => u32::from(c[at / LANES][at % LANES]),
            Self::Wide(c) => c[at / LANES].0[at % LANES],
        }
    }
}

/// What a lane of a group stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The opportunity's index in the sample; [`PAD`] for an empty lane.
    pub opportunity: u32,
    /// Candidates of the opportunity.
    pub len: u32,
    /// At most this many are taken.
    pub slots: u32,
    /// How many real opportunities it stands for.
    pub weight: f64,
}

impl Row {
    /// An empty lane.
    pub const EMPTY: Self = Self { opportunity: PAD, len: 0, slots: 0, weight: 0.0 };
}

/// [`LANES`] rows of similar length, candidate-major: candidate `j` of lane `a` is packed at `(step + j) * LANES + a`.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Where the group's candidates start, in steps of [`LANES`].
    pub(crate) step: u32,
    /// Candidates of its longest row.
    pub(crate) len: u32,
    /// Lanes of one slot, of two, and of more.
    pub(crate) one: u16,
    pub(crate) two: u16,
    pub(crate) more: u16,
}

impl Group {
    /// Whether a candidate's index can ride in the low bits of its score.
    #[inline]
    pub(crate) fn is_short(&self) -> bool {
        self.len <= SHORT
    }
}

/// A fixed set of opportunities in packed form. Candidates past the end of a row carry the column `columns_below - 1`, which is priced out.
#[derive(Debug, Clone)]
pub struct Block {
    groups: Vec<Group>,
    opportunity: Vec<u32>,
    len: Vec<u32>,
    slots: Vec<u32>,
    /// One for each row, or one for all where all are equal.
    weight: Vec<f64>,
    pub(crate) columns: Columns,
    pub(crate) measures: Vec<Vec<Lane<f32>>>,
    columns_below: u32,
    candidates: u64,
}

impl Block {
    /// Takes packed arrays: rows in groups of [`LANES`], each group as long as its longest row, and as many packed candidates as that makes.
    ///
    /// # Panics
    /// If lengths disagree or a column index is not below `columns_below`: the packer is at fault.
    #[must_use]
    pub fn new(rows: &[[Row; LANES]], columns: &[u32], measures: Vec<Vec<Lane<f32>>>, columns_below: u32) -> Self {
        let longest = |lanes: &[Row; LANES]| lanes.iter().map(|r| r.len).max().unwrap_or(0);
        let lengths: Vec<u32> = rows.iter().map(longest).collect();
        Self::assemble(rows, &lengths, columns, measures, columns_below)
    }

    /// [`Block::new`] of groups that are as long as this says.
    fn assemble(rows: &[[Row; LANES]], lengths: &[u32], columns: &[u32], measures: Vec<Vec<Lane<f32>>>, columns_below: u32) -> Self {
        let mut groups = Vec::with_capacity(rows.len());
        let mut step = 0;
        for (lanes, len) in rows.iter().zip(lengths) {
            let with = |pick: &dyn Fn(u32) -> bool| {
                lanes.iter().enumerate().fold(0, |m, (a, r)| m | (u16::from(r.opportunity != PAD && pick(r.slots)) << a))
            };
            groups.push(Group { step, len: *len, one: with(&|s| s == 1), two: with(&|s| s == 2), more: with(&|s| s > 2) });
            step += len;
        }
        let columns = Columns::pack(columns, columns_below);
        assert!(columns.len() == step as usize, "as many candidates as the rows say");
        assert!(measures.iter().all(|m| m.len() == columns.len()), "measures are as long as columns");
        let flat = rows.as_flattened();
        Self {
            groups,
            opportunity: flat.iter().map(|r| r.opportunity).collect(),
            len: flat.iter().map(|r| r.len).collect(),
            slots: flat.iter().map(|r| r.slots).collect(),
            weight: weights(flat),
            columns,
            measures,
            columns_below,
            candidates: flat.iter().map(|r| u64::from(r.len)).sum(),
        }
    }

    /// The block of some of its rows, in the order given. Rows stay among rows whose scores are tagged like theirs, so that a choice from the part
    /// is what it is from the whole.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn part(&self, rows: &[usize]) -> Self {
        let is_short = |row: usize| self.groups[row / LANES].is_short();
        let (mut lanes, mut lengths) = (Vec::with_capacity(rows.len() / LANES + 2), Vec::new());
        let mut columns = Vec::new();
        let mut measures: Vec<Vec<Lane<f32>>> = vec![Vec::new(); self.measures.len()];
        for alike in rows.chunk_by(|a, b| is_short(*a) == is_short(*b)) {
            for group in alike.chunks(LANES) {
                let longest = group.iter().map(|r| self.len[*r]).max().unwrap_or(0);
                let length = if is_short(group[0]) { longest } else { longest.max(SHORT + 1) };
                let step = columns.len() / LANES;
                let end = step + length as usize;
                columns.resize(end * LANES, self.columns_below - 1);
                for m in &mut measures {
                    m.resize(end, Lane([0.0; LANES]));
                }
                let mut held = [Row::EMPTY; LANES];
                for (a, row) in group.iter().enumerate() {
                    held[a] = self.row(*row);
                    for j in 0..held[a].len as usize {
                        let at = self.at(*row, j);
                        columns[(step + j) * LANES + a] = self.columns.at(at);
                        for (to, from) in measures.iter_mut().zip(&self.measures) {
                            to[step + j].0[a] = from[at / LANES].0[at % LANES];
                        }
                    }
                }
                lanes.push(held);
                lengths.push(length);
            }
        }
        Self::assemble(&lanes, &lengths, &columns, measures, self.columns_below)
    }

    /// The groups; group `g` holds rows `g * LANES..(g + 1) * LANES`.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The rows that hold an opportunity, with their index.
    pub fn rows(&self) -> impl Iterator<Item = (usize, Row)> {
        (0..self.len.len()).map(|r| (r, self.row(r))).filter(|(_, r)| r.opportunity != PAD)
    }

    /// A row.
    #[inline]
    #[must_use]
    pub fn row(&self, row: usize) -> Row {
        Row { opportunity: self.opportunity[row], len: self.len[row], slots: self.slots[row], weight: self.weight(row) }
    }

    /// Weight of a row.
    #[inline]
    #[must_use]
    pub fn weight(&self, row: usize) -> f64 {
        self.weight[if self.weight.len() == 1 { 0 } else { row }]
    }

    /// Where candidate `j` of a row is packed.
    #[inline]
    #[must_use]
    pub fn at(&self, row: usize, j: usize) -> usize {
        (self.groups[row / LANES].step as usize + j) * LANES + row % LANES
    }

    /// The column of the candidate packed at `at`.
    #[inline]
    #[must_use]
    pub fn column(&self, at: usize) -> usize {
        self.columns.at(at) as usize
    }

    /// The measures of the candidate packed at `at`, `exposure` not among them.
    #[inline]
    pub fn amounts(&self, at: usize) -> impl Iterator<Item = f32> {
        self.measures.iter().map(move |m| m[at / LANES].0[at % LANES])
    }

    /// How many measures there are, `exposure` not among them.
    #[must_use]
    pub fn measures(&self) -> usize {
        self.measures.len()
    }

    /// Every column index is below this.
    #[must_use]
    pub fn columns_below(&self) -> u32 {
        self.columns_below
    }

    /// Candidates of all rows, padding aside.
    #[must_use]
    pub fn candidates(&self) -> u64 {
        self.candidates
    }

    /// Bytes that the block holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let steps = self.columns.len() * LANES;
        let column = if matches!(self.columns, Columns::Narrow(_)) { 2 } else { 4 };
        steps * (column + 4 * self.measures.len())
            + self.groups.len() * size_of::<Group>()
            + self.len.len() * (4 + 4 + 4)
            + self.weight.len() * 8
    }
}

/// The rows' weights, a single one where all that hold an opportunity have the same.
fn weights(rows: &[Row]) -> Vec<f64> {
    let mut held = rows.iter().filter(|r| r.opportunity != PAD).map(|r| r.weight);
    let first = held.next().unwrap_or(0.0);
    if held.all(|w| w == first) { vec![first] } else { rows.iter().map(|r| r.weight).collect() }
}
